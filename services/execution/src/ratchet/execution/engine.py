"""The single writer of a portfolio: session in memory, ledger in the database, orders at the venue.

Nothing is sent before it is committed, and nothing that was committed is forgotten: whenever memory and
database may differ, the engine is thrown away and a new one is loaded (see `recovery`).
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ratchet.common import metrics
from ratchet.common.bus import Bus
from ratchet.common.codec import encode_snapshot
from ratchet.common.daily_closes import write_daily_closes
from ratchet.common.db import Cursor, Database
from ratchet.common.errors import UnavailableError
from ratchet.common.logging import get_logger
from ratchet.common.streams import PORTFOLIO
from ratchet.core.assets import Registry
from ratchet.core.market import BarBatch
from ratchet.core.orders import Intent, Order, OrderEventKind, OrderStatus, OrderUpdate
from ratchet.core.portfolio import PortfolioSnapshot
from ratchet.core.risk import Proposal, Verdict
from ratchet.core.risk.breakers.board import strictest
from ratchet.core.signals import SignalBatch
from ratchet.core.trader import TradingSession
from ratchet.execution.booking import Booker, MissedError
from ratchet.execution.broker import Broker, OrderRequest
from ratchet.execution.config import ExecutionSettings
from ratchet.execution.events import OrderChange
from ratchet.execution.inbox import Inbox
from ratchet.execution.ledger import Decision, Effects, NewOrder
from ratchet.execution.market import LatestContext
from ratchet.execution.phases import PhaseView
from ratchet.execution.risk_client import RiskClient
from ratchet.execution.sender import Answer, Outcome, Sender
from ratchet.execution.store import LedgerWriter
from ratchet.execution.watch import note_answer

_log = get_logger("engine")
DISABLED = "EXECUTION_DISABLED"
HALTED = "TRADING_HALTED"
_UNSENT = frozenset({OrderStatus.PENDING_NEW, OrderStatus.UNKNOWN})


class StoppedError(UnavailableError):
    """The service was told to stop before the venue had answered; the next start goes on."""


@dataclass
class Parts:
    """What an engine works with; outlives it."""

    settings: ExecutionSettings
    registry: Registry
    db: Database
    bus: Bus
    broker: Broker
    inbox: Inbox
    risk: RiskClient
    writer: LedgerWriter
    stop: threading.Event
    wake_outbox: threading.Event = field(default_factory=threading.Event)


class Engine:
    """One loaded state; used by one thread. After any error from it, load a new one."""

    def __init__(
        self,
        parts: Parts,
        session: TradingSession,
        phases: PhaseView,
        *,
        seq: int,
        ts: int,
        trading_state: str,
        on_stranger: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.parts = parts
        self.session = session
        self.phases = phases
        # The last finished step and its event time.
        self.seq = seq
        self.ts = ts
        self.trading_state = trading_state
        self.context = LatestContext(len(parts.registry))
        # Why no new risk is taken although trading is not halted; set by reconciliation.
        self.blocked = ""
        self.booker = Booker(parts.db, parts.writer.portfolio, parts.registry, on_stranger)
        self._sender = Sender(parts.broker)

    @property
    def effective_state(self) -> str:
        """The trading state that risk sees."""
        blocked = "reduce_only" if self.blocked else "active"
        return strictest(self.trading_state, blocked, self.session.breakers.trading_state)

    def close_day(self, ts: int, seq: int) -> bool:
        """At the first step of a new UTC day, commit and publish the day that has ended; return whether."""
        closing = self.session.close_day(ts, seq, self.trading_state)
        if closing is None:
            return False
        effects = Effects(self.seq, self.ts, daily=list(closing.rows), snapshots=[closing.snapshot])
        message = encode_snapshot(closing.snapshot)
        closes, portfolio = self.session.inputs.closes_of_day(), self.parts.writer.portfolio
        self.commit(
            effects,
            extra={"closed_day": message.SerializeToString().hex()},
            also=lambda cursor: write_daily_closes(cursor, portfolio, closing.day, closes),
        )
        self.parts.bus.publish(PORTFOLIO, message, ts=ts)
        _log.info("day closed", day=closing.day, equity=str(closing.snapshot.equity))
        return True

    def decide(
        self,
        bars: Sequence[BarBatch],
        signals: Sequence[SignalBatch],
        ts: int,
        seq: int,
        effects: Effects,
        *,
        judged_at: int | None = None,
        judge: Callable[..., list[Verdict]] | None = None,
    ) -> None:
        """Let the trader propose and risk judge; note decisions and orders for the ledger."""
        phases = self.phases.at(ts)
        self.context.note(batch.context for batch in signals)
        decision = self.session.decide(bars, signals, phases, ts, seq, self.effective_state)
        effects.breakers += self.session.breakers.take_changes()
        if not decision.proposals:
            return
        ask = judge or self.parts.risk.evaluate
        verdicts = ask(decision.snapshot, decision.proposals, phases, judged_at or ts, decision.context)
        self._note(decision.proposals, verdicts, effects)
        by_order = {item.id: item for item in decision.proposals}
        approved = [item.proposal_id for item in verdicts if item.approved]
        orders = self.session.place(decision.proposals, verdicts, ts)
        for place, (order, proposal) in enumerate(zip(orders, approved, strict=True)):
            effects.new_orders.append(NewOrder(order, by_order[proposal].id, place))

    def commit(
        self,
        effects: Effects,
        *,
        durable: bool = True,
        extra: dict[str, Any] | None = None,
        also: Callable[[Cursor], None] = lambda _: None,
    ) -> None:
        """Write effects and state in one transaction, in which leadership and kill switch are checked.

        `extra` is kept beside the state until the next commit; `also` writes in the same transaction.
        """
        portfolio, writer = self.session.portfolio, self.parts.writer
        with self.parts.db.transaction() as cursor:
            if not durable:
                cursor.execute("SET LOCAL synchronous_commit = off")
            self.trading_state = writer.guard(cursor)
            self._withhold(effects)
            if effects.opening_cash is not None:
                writer.opening(cursor, effects.opening_cash)
            writer.orders(cursor, effects.new_orders, effects.seq)
            writer.changes(cursor, effects.changes)
            writer.fills(cursor, effects.fills, portfolio.cash, effects.seq)
            writer.decisions(cursor, effects.decisions, effects.ts, effects.seq)
            writer.daily(cursor, effects.daily, self._drawdown_ratio())
            writer.snapshots(cursor, effects.snapshots)
            writer.breakers(cursor, effects.breakers)
            writer.state(cursor, effects.seq, effects.ts, {"session": self._state(), **(extra or {})})
            also(cursor)
        self.seq, self.ts = effects.seq, effects.ts
        self._observe(effects)

    def send(self, effects: Effects) -> None:
        """Send what was committed, in its order, and commit the answers."""
        pending = [item.order for item in effects.new_orders if self._is_unsent(item.order)]
        if not pending:
            return
        answers = [(order, self._sender.send(request_of(order, self.parts.registry))) for order in pending]
        self._record(answers)

    def resolve_unknown(self, is_valid: Callable[[Order], bool] = lambda _: True) -> int:
        """Ask the venue about every order without an answer; return how many are left."""
        waiting = [order for order in self.session.working_orders if order.status in _UNSENT]
        answers = []
        for order in waiting:
            request = request_of(order, self.parts.registry)
            valid = is_valid(order) and self._may_send(order)
            answers.append((order, self._sender.resolve(request, is_valid=valid)))
        self._record([item for item in answers if self._is_news(*item)])
        left = sum(1 for order in self.session.working_orders if order.status in _UNSENT)
        metrics.ORDERS_UNKNOWN.set(left)
        return left

    def settle(self) -> None:
        """Ask until no order is without an answer; StoppedError if the service stops before."""
        pause = 0.05
        while any(order.status in _UNSENT for order in self.session.working_orders):
            if not self.resolve_unknown():
                return
            self.parts.bus.on_activity()
            if self.parts.stop.wait(pause):
                raise StoppedError("stopped while an order was without an answer")
            pause = min(pause * 2, 1.0)

    def snapshot(self) -> PortfolioSnapshot:
        """Return the portfolio as it stands."""
        return self.session.snapshot(self.ts, self.seq, self.effective_state)

    def _note(self, proposals: Sequence[Proposal], verdicts: Sequence[Verdict], effects: Effects) -> None:
        effects.decisions += [
            Decision(proposal, verdict) for proposal, verdict in zip(proposals, verdicts, strict=True)
        ]

    def _withhold(self, effects: Effects) -> None:
        """Refuse orders that must not be sent, in the transaction that read the kill switch."""
        for item in effects.new_orders:
            reason = "" if item.is_external else self._refusal(item.order)
            current = self.session.order(item.order.client_order_id)
            if not reason or current is None:
                continue
            news = OrderUpdate(OrderEventKind.REJECTED, current.created_ts, reason=reason)
            after = self.session.on_update(current.client_order_id, news)
            effects.changes.append(OrderChange(after, current.status.value, "kill-switch"))

    def _refusal(self, order: Order) -> str:
        if not self.parts.settings.execution_enabled:
            return DISABLED
        return "" if self._may_send(order) else HALTED

    def _may_send(self, order: Order) -> bool:
        return order.intent is Intent.EXIT or self.effective_state == "active"

    def _is_unsent(self, order: Order) -> bool:
        current = self.session.order(order.client_order_id)
        return current is not None and current.status is OrderStatus.PENDING_NEW

    def _is_news(self, order: Order, answer: Answer) -> bool:
        return not (answer.outcome is Outcome.UNKNOWN and order.status is OrderStatus.UNKNOWN)

    def _record(self, answers: Sequence[tuple[Order, Answer]]) -> None:
        if not answers:
            return
        effects = Effects(self.seq, self.ts)
        for order, answer in answers:
            note_answer(self, answer, effects)
            try:
                self.booker.answer(self.session, order, answer, self.ts, effects)
            except MissedError:
                # It has ended already, with executions that REST will tell.
                self.parts.inbox.mark_gap()
        self.commit(effects)

    def _state(self) -> dict[str, Any]:
        state = self.session.state()
        # The ledger knows every execution; repeating them in each commit would only cost.
        state["portfolio"]["seen"] = []
        return state

    def _drawdown_ratio(self) -> float:
        peak, equity = float(self.session.portfolio.peak_equity), float(self.session.portfolio.equity)
        return max(0.0, 1.0 - equity / peak) if peak > 0 else 0.0

    def _observe(self, effects: Effects) -> None:
        if effects.changes or effects.new_orders:
            self.parts.wake_outbox.set()
        for item in effects.new_orders:
            metrics.ORDERS_TOTAL.labels(item.order.status.value).inc()
        for change in effects.changes:
            if change.order.status.value != change.from_status:
                metrics.ORDERS_TOTAL.labels(change.order.status.value).inc()
        for applied in effects.fills:
            metrics.FILLS_TOTAL.labels(applied.fill.side.value).inc()
        self.observe()

    def observe(self) -> None:
        """Set the portfolio's gauges."""
        name, portfolio = self.parts.writer.portfolio, self.session.portfolio
        metrics.EQUITY.labels(name).set(float(portfolio.equity))
        metrics.CASH.labels(name).set(float(portfolio.cash))
        for breaker in self.session.breakers.views():
            metrics.BREAKER_TRIPPED.labels(breaker.name).set(breaker.tripped)
        metrics.DRAWDOWN_RATIO.labels(name).set(self._drawdown_ratio())
        metrics.POSITIONS_OPEN.labels(name).set(len(portfolio.positions))
        metrics.ORDERS_OPEN.set(len(self.session.working_orders))
        metrics.TRADING_HALTED.labels(name).set(self.effective_state != "active")
        metrics.EVENT_TIME_SECONDS.set(self.ts / 1e9)


def request_of(order: Order, registry: Registry) -> OrderRequest:
    """Return the order as it is sent to the venue."""
    return OrderRequest(
        client_order_id=order.client_order_id,
        symbol=registry[order.asset_id].symbol,
        side=order.side,
        type=order.type,
        time_in_force=order.time_in_force,
        qty=order.qty,
        limit_price=order.limit_price,
        stop_price=order.stop_price,
    )


def now_ns() -> int:
    """Return the wall clock's time, for live mode only."""
    return time.time_ns()
