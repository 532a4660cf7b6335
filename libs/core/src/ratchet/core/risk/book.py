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
from ratchet.core.risk.types import Proposal

ZERO = Decimal(0)


def finite(value: Decimal | float) -> float:
    """Return the value as a float, NaN for anything that is not a finite number."""
    if isinstance(value, Decimal) and not value.is_finite():
        return math.nan
    return float(value)


@dataclass(slots=True)
class Book:
    """Exposures in the account currency; quantities signed where they are positions.

    `reserved` counts working entry orders and the entries approved so far.
    """

    snapshot: PortfolioSnapshot
    config: RiskConfig
    ts: int
    status_of_phase: Mapping[int, PhaseStatus]
    equity: float
    cash_room: float
    gross: float = 0.0
    class_gross: dict[AssetClass, float] = field(default_factory=dict)
    held_qty: dict[int, Decimal] = field(default_factory=dict)
    asset_gross: dict[int, float] = field(default_factory=dict)
    exiting_qty: dict[int, Decimal] = field(default_factory=dict)
    working: set[int] = field(default_factory=set)
    unknown: set[int] = field(default_factory=set)
    strangers: set[int] = field(default_factory=set)

    @classmethod
    def open(
        cls,
        snapshot: PortfolioSnapshot,
        phases: Iterable[PhaseState],
        ts: int,
        registry: Registry,
        config: RiskConfig,
    ) -> "Book":
        """Take the figures of a snapshot."""
        equity = finite(snapshot.equity)
        book = cls(
            snapshot=snapshot,
            config=config,
            ts=ts,
            status_of_phase={state.phase: state.status for state in phases},
            equity=equity,
            cash_room=finite(snapshot.cash) - config.cash_buffer_ratio * equity,
        )
        for position in snapshot.positions:
            book._hold(position, registry)
        for order in snapshot.open_orders:
            book._work(order, registry)
        return book

    def _hold(self, position: PositionView, registry: Registry) -> None:
        if position.asset_id >= len(registry):
            self.strangers.add(position.asset_id)
            return
        self.held_qty[position.asset_id] = position.qty
        notional = abs(float(position.qty)) * position.mark
        self._expose(registry[position.asset_id], notional)
        if position.qty < 0:
            self.cash_room -= notional

    def _work(self, order: OpenOrder, registry: Registry) -> None:
        if order.asset_id >= len(registry):
            self.strangers.add(order.asset_id)
            return
        self.working.add(order.asset_id)
        if order.unknown:
            self.unknown.add(order.asset_id)
        if self._reduces(order):
            self._exit(order.asset_id, order.remaining_qty)
            return
        notional = float(order.remaining_qty) * order.price
        self._expose(registry[order.asset_id], notional)
        self.cash_room -= notional

    def _reduces(self, order: OpenOrder) -> bool:
        held = self.held_qty.get(order.asset_id, ZERO)
        opposite = held < 0 if order.side is Side.BUY else held > 0
        return opposite or order.intent is Intent.EXIT

    def _expose(self, asset: Asset, notional: float) -> None:
        self.gross += notional
        self.class_gross[asset.asset_class] = self.class_gross.get(asset.asset_class, 0.0) + notional
        self.asset_gross[asset.id] = self.asset_gross.get(asset.id, 0.0) + notional

    def _exit(self, asset_id: int, qty: Decimal) -> None:
        self.exiting_qty[asset_id] = self.exiting_qty.get(asset_id, ZERO) + qty

    def reserve_entry(self, asset: Asset, notional: float) -> None:
        """Take the room of an approved entry away from those that follow."""
        self._expose(asset, notional)
        self.cash_room -= notional
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
