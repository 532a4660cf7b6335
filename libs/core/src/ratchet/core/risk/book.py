"""What one evaluation knows and reserves: the portfolio's figures, updated by each approval."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from ratchet.core.assets import Asset, AssetClass, Registry
from ratchet.core.orders import Intent, Side
from ratchet.core.phases import PhaseState, PhaseStatus
from ratchet.core.portfolio import OpenOrder, PortfolioSnapshot, PositionView
from ratchet.core.risk.config import RiskConfig
from ratchet.core.risk.context import Greeks, RiskContext
from ratchet.core.risk.correlations import Correlations
from ratchet.core.risk.types import Proposal

ZERO = Decimal(0)
NO_CONTEXT = RiskContext({})


def finite(value: Decimal | float) -> float:
    """Return the value as a float, NaN for anything that is not a finite number."""
    if isinstance(value, Decimal) and not value.is_finite():
        return math.nan
    return float(value)


@dataclass(slots=True)
class Book:
    """Exposures in the account currency; quantities signed where they are positions.

    Exposures count what is held, working entries, and the entries approved so far. `heat` is the loss of all
    of them at their stops, and `signed` each asset's exposure by direction.
    """

    snapshot: PortfolioSnapshot
    context: RiskContext | None
    config: RiskConfig
    ts: int
    status_of_phase: Mapping[int, PhaseStatus]
    equity: float
    cash_room: float
    correlations: Correlations
    gross: float = 0.0
    heat: float = 0.0
    class_gross: dict[AssetClass, float] = field(default_factory=dict)
    sector_gross: dict[str, float] = field(default_factory=dict)
    held_qty: dict[int, Decimal] = field(default_factory=dict)
    opened_ts: dict[int, int] = field(default_factory=dict)
    asset_gross: dict[int, float] = field(default_factory=dict)
    signed: dict[int, float] = field(default_factory=dict)
    exiting_qty: dict[int, Decimal] = field(default_factory=dict)
    working: set[int] = field(default_factory=set)
    unknown: set[int] = field(default_factory=set)
    strangers: set[int] = field(default_factory=set)
    order_ids: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)
    entries_in_minute: int = 0
    greeks: dict[str, float] = field(default_factory=lambda: dict.fromkeys(Greeks.__slots__, 0.0))
    greeks_missing: set[int] = field(default_factory=set)
    _pairs: tuple[int, Side, list[tuple[float, float]]] | None = None

    @classmethod
    def open(
        cls,
        snapshot: PortfolioSnapshot,
        phases: Iterable[PhaseState],
        ts: int,
        registry: Registry,
        config: RiskConfig,
        context: RiskContext | None = None,
    ) -> "Book":
        """Take the figures of a snapshot."""
        equity = finite(snapshot.equity)
        known = context or NO_CONTEXT
        book = cls(
            snapshot=snapshot,
            context=context,
            config=config,
            ts=ts,
            status_of_phase={state.phase: state.status for state in phases},
            equity=equity,
            cash_room=finite(snapshot.cash) - config.cash_buffer_ratio * equity,
            correlations=Correlations(known.returns, config.correlation_min_days),
            entries_in_minute=sum(ts - 60_000_000_000 < at <= ts for at in known.recent_entries),
        )
        for position in snapshot.positions:
            book._hold(position, registry)
        for order in snapshot.open_orders:
            book._work(order, registry)
        return book

    def _hold(self, position: PositionView, registry: Registry) -> None:
        if not registry.has(position.asset_id):
            self.strangers.add(position.asset_id)
            return
        asset = registry[position.asset_id]
        self.held_qty[asset.id] = position.qty
        self.opened_ts[asset.id] = position.opened_ts
        qty = finite(position.qty)
        rate = self.snapshot.rate(asset.id)
        notional = abs(qty) * position.mark * rate
        stop = finite(position.avg_entry_price) * (1.0 - math.copysign(asset.stop_loss_ratio, qty))
        # A position beyond its stop has no more to lose by it than it has lost.
        heat = max((position.mark - stop) * qty, 0.0) * rate
        self._expose(asset, notional, math.copysign(notional, qty), heat)
        self._add_greeks(asset, qty)
        # Units of a margined asset were not paid for, so the cash that they stand for is still there.
        if position.qty < 0 or asset.is_margined:
            self.cash_room -= notional

    def _work(self, order: OpenOrder, registry: Registry) -> None:
        if not registry.has(order.asset_id):
            self.strangers.add(order.asset_id)
            return
        self.working.add(order.asset_id)
        self.order_ids.add(order.client_order_id)
        if order.unknown:
            self.unknown.add(order.asset_id)
        if self._reduces(order):
            self._exit(order.asset_id, order.remaining_qty)
            return
        self._take(registry[order.asset_id], order.side, finite(order.remaining_qty), order.price)

    def _reduces(self, order: OpenOrder) -> bool:
        held = self.held_qty.get(order.asset_id, ZERO)
        opposite = held < 0 if order.side is Side.BUY else held > 0
        return opposite or order.intent is Intent.EXIT

    def _take(self, asset: Asset, side: Side, qty: float, price: float) -> None:
        notional = qty * price * self.snapshot.rate(asset.id)
        self._expose(asset, notional, side.sign * notional, notional * asset.stop_loss_ratio)
        self._add_greeks(asset, side.sign * qty)
        self.cash_room -= notional

    def _expose(self, asset: Asset, notional: float, signed: float, heat: float) -> None:
        self.gross += notional
        self.heat += heat
        self.class_gross[asset.asset_class] = self.class_gross.get(asset.asset_class, 0.0) + notional
        self.asset_gross[asset.id] = self.asset_gross.get(asset.id, 0.0) + notional
        self.signed[asset.id] = self.signed.get(asset.id, 0.0) + signed
        if asset.sector:
            self.sector_gross[asset.sector] = self.sector_gross.get(asset.sector, 0.0) + notional

    def _add_greeks(self, asset: Asset, qty: float) -> None:
        if asset.asset_class is not AssetClass.OPTION:
            return
        greeks = self.greeks_of(asset.id)
        if greeks is None:
            self.greeks_missing.add(asset.id)
            return
        for name in self.greeks:
            self.greeks[name] += qty * float(getattr(greeks, name))

    def greeks_of(self, asset_id: int) -> Greeks | None:
        """Return an option's sensitivities per unit."""
        facts = (self.context or NO_CONTEXT).assets.get(asset_id)
        return facts.greeks if facts else None

    def _exit(self, asset_id: int, qty: Decimal) -> None:
        self.exiting_qty[asset_id] = self.exiting_qty.get(asset_id, ZERO) + qty

    def unit_value(self, proposal: Proposal) -> float:
        """Return what one unit of a proposal's asset is worth at its price, in the account currency."""
        return proposal.price * self.snapshot.rate(proposal.asset_id)

    def reserve_entry(self, asset: Asset, proposal: Proposal, qty: float) -> None:
        """Take the room of an approved entry away from those that follow."""
        self._take(asset, proposal.side, qty, proposal.price)
        self._pairs = None
        self.entries_in_minute += 1
        self.working.add(asset.id)

    def reserve_exit(self, proposal: Proposal, qty: Decimal) -> None:
        """Note an approved exit; its room is free only when it has filled."""
        self._exit(proposal.asset_id, qty)
        self.working.add(proposal.asset_id)

    def reducible_qty(self, proposal: Proposal) -> Decimal:
        """Return how much of the position an exit on this side may still close, zero if none."""
        held = self.held_qty.get(proposal.asset_id, ZERO)
        if (held > 0) == (proposal.side is Side.BUY):
            return ZERO
        return abs(held) - self.exiting_qty.get(proposal.asset_id, ZERO)

    def correlated(self, asset_id: int, side: Side) -> list[tuple[float, float]]:
        """Return (exposure, correlation by direction) of every other asset that is held or working.

        Two positions move together when they are on the same side of assets with a positive correlation, or
        on opposite sides with a negative one. NaN where a correlation is not known.
        """
        if self._pairs is not None and self._pairs[:2] == (asset_id, side):
            return self._pairs[2]
        others = [i for i, exposure in self.asset_gross.items() if i != asset_id and exposure > 0.0]
        found = self.correlations.of(asset_id, others)
        pairs = [
            (self.asset_gross[i], rho * side.sign * math.copysign(1.0, self.signed[i]))
            for i, rho in zip(others, found, strict=True)
        ]
        self._pairs = (asset_id, side, pairs)
        return pairs
