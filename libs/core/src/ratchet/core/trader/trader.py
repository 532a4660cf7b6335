"""The decision step: from positions, bars and signals to proposals, and from verdicts to orders.

Execution and the backtest both decide here, so that they decide alike.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

import numpy as np

from ratchet.core.assets import AssetClass, Registry
from ratchet.core.exits import ExitDecision, ExitEngine, ExitReason, ExitStates
from ratchet.core.exits.lookup import rows_of
from ratchet.core.market import BarBatch
from ratchet.core.orders import Intent, Order, Side, TimeInForce
from ratchet.core.orders.ids import client_order_id, proposal_id
from ratchet.core.orders.money import ZERO, from_float
from ratchet.core.phases import PhaseState, PhaseStatus
from ratchet.core.portfolio import PortfolioSnapshot, PositionView
from ratchet.core.risk import Proposal, Verdict
from ratchet.core.signals import Signal, SignalBatch

ENTRY_REASON = "ENTRY"


class Trader:
    """Decides for one portfolio. Its only memory is that of the exits; not thread-safe."""

    def __init__(
        self,
        registry: Registry,
        exits: ExitEngine,
        *,
        allow_short: bool = False,
        exit_states: ExitStates | None = None,
    ) -> None:
        self.registry = registry
        self.exits = exits
        self.allow_short = allow_short
        self.exit_states = ExitStates() if exit_states is None else exit_states
        # Assets that would be left now, but for an entry in them that still works.
        self.waiting_exits: set[int] = set()

    def proposals(
        self,
        snapshot: PortfolioSnapshot,
        bars: Sequence[BarBatch],
        signals: Sequence[SignalBatch],
        phases: Iterable[PhaseState],
        ts: int,
    ) -> list[Proposal]:
        """Return exits by asset, then entries by falling confidence and asset; advances the exits' memory.

        A position is left by its exit rules, else because its phase is locked, else because a signal has
        turned against it. An exit closes only what no working exit already closes, and waits while an entry
        in the asset works. No entry in an asset that is held or has any working or unanswered order.
        """
        self.waiting_exits.clear()
        held = {p.asset_id: p for p in snapshot.positions if p.qty}
        working = {order.asset_id for order in snapshot.open_orders}
        if not held and not any(batch.signals for batch in signals):
            self.exit_states.keep(())
            return []
        exits = self._exits(snapshot, held, bars, signals, phases, ts)
        return [*exits, *self._entries(held.keys() | working, signals)]

    def orders(self, proposals: Sequence[Proposal], verdicts: Sequence[Verdict], ts: int) -> list[Order]:
        """Return the market orders of the approved proposals, in their order, as PENDING_NEW.

        ValueError when verdicts and proposals do not belong together.
        """
        orders = []
        for proposal, verdict in zip(proposals, verdicts, strict=True):
            if verdict.proposal_id != proposal.id:
                raise ValueError(f"verdict of proposal {verdict.proposal_id} given for {proposal.id}")
            if verdict.approved:
                orders.append(self._order(proposal, verdict.qty, ts))
        return orders

    def _order(self, proposal: Proposal, qty: Decimal, ts: int) -> Order:
        crypto = self.registry[proposal.asset_id].asset_class is AssetClass.CRYPTO
        return Order(
            client_order_id=client_order_id(proposal.id),
            asset_id=proposal.asset_id,
            side=proposal.side,
            qty=qty,
            intent=proposal.intent,
            created_ts=ts,
            updated_ts=ts,
            time_in_force=TimeInForce.GTC if crypto else TimeInForce.DAY,
            reference_price=from_float(proposal.price),
            signal_id=proposal.signal_id,
            reason=proposal.reason,
        )

    def _exits(
        self,
        snapshot: PortfolioSnapshot,
        held: dict[int, PositionView],
        bars: Sequence[BarBatch],
        signals: Sequence[SignalBatch],
        phases: Iterable[PhaseState],
        ts: int,
    ) -> list[Proposal]:
        positions = tuple(held.values())
        contexts = [batch.context for batch in signals]
        decisions = {
            d.asset_id: d for d in self.exits.evaluate(positions, bars, contexts, ts, self.exit_states)
        }
        closes = _closes(held, bars)
        locked = {state.phase for state in phases if state.status is PhaseStatus.LOCKED}
        against = _signals_against(held, signals)
        proposals = []
        for asset_id, position in sorted(held.items()):
            decision, signal = decisions.get(asset_id), None
            if decision is None or decision.reason is ExitReason.PARTIAL_PROFIT:
                if asset_id in closes and self.registry[asset_id].phase in locked:
                    decision = ExitDecision(asset_id, abs(position.qty), ExitReason.PHASE_LOCKED)
                elif asset_id in against:
                    signal = against[asset_id]
                    decision = ExitDecision(asset_id, abs(position.qty), ExitReason.SIGNAL)
            if decision is not None:
                price = signal.price if signal else closes[asset_id]
                proposals += self._exit(snapshot, position, decision, price, signal, ts)
        return proposals

    def _exit(
        self,
        snapshot: PortfolioSnapshot,
        position: PositionView,
        decision: ExitDecision,
        price: float,
        signal: Signal | None,
        ts: int,
    ) -> list[Proposal]:
        side = Side.SELL if position.qty > 0 else Side.BUY
        orders = [order for order in snapshot.open_orders if order.asset_id == position.asset_id]
        if any(order.side is not side for order in orders):
            self.waiting_exits.add(position.asset_id)
            return []
        closing = sum((order.remaining_qty for order in orders), ZERO)
        qty = min(decision.qty, abs(position.qty) - closing)
        if qty <= 0:
            return []
        reason = decision.reason.value
        return [
            Proposal(
                id=str(proposal_id(self.registry[position.asset_id].symbol, ts, reason)),
                asset_id=position.asset_id,
                side=side,
                intent=Intent.EXIT,
                confidence=signal.confidence if signal else 1.0,
                price=price,
                atr=0.0,
                volatility=0.0,
                qty=qty,
                signal_id=str(signal.id) if signal else "",
                reason=reason,
                figures=decision.figures,
            )
        ]

    def _entries(self, blocked: set[int], signals: Sequence[SignalBatch]) -> list[Proposal]:
        found: list[Proposal] = []
        for batch in signals:
            wanted = [s for s in batch.signals if s.asset_id not in blocked and self._may_enter(s)]
            if wanted:
                found += _entry_proposals(batch, wanted)
        found.sort(key=lambda proposal: (-proposal.confidence, proposal.asset_id))
        return found

    def _may_enter(self, signal: Signal) -> bool:
        return signal.direction > 0 or (self.allow_short and self.registry[signal.asset_id].shortable)


def _entry_proposals(batch: SignalBatch, signals: Sequence[Signal]) -> list[Proposal]:
    ids = np.array([signal.asset_id for signal in signals], dtype=np.int64)
    rows = dict(rows_of(batch.context.asset_ids, ids))
    nan = float("nan")
    return [
        Proposal(
            id=str(signal.id),
            asset_id=signal.asset_id,
            side=Side.BUY if signal.direction > 0 else Side.SELL,
            intent=Intent.ENTRY,
            confidence=signal.confidence,
            price=signal.price,
            atr=float(batch.context.atr[rows[i]]) if i in rows else nan,
            volatility=float(batch.context.volatility[rows[i]]) if i in rows else nan,
            signal_id=str(signal.id),
            reason=ENTRY_REASON,
        )
        for i, signal in enumerate(signals)
    ]


def _closes(held: dict[int, PositionView], bars: Sequence[BarBatch]) -> dict[int, float]:
    assets = list(held)
    ids = np.array(assets, dtype=np.int64)
    return {assets[i]: float(batch.close[row]) for batch in bars for i, row in rows_of(batch.asset_ids, ids)}


def _signals_against(held: dict[int, PositionView], signals: Sequence[SignalBatch]) -> dict[int, Signal]:
    """Return the signals whose direction is opposite to a held position."""
    return {
        signal.asset_id: signal
        for batch in signals
        for signal in batch.signals
        if signal.asset_id in held and (held[signal.asset_id].qty > 0) == (signal.direction < 0)
    }
