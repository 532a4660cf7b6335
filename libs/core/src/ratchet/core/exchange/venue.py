"""The state of one account at the exchange, which admission, matching and lifecycle work on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np

from ratchet.core.assets.types import Asset, Registry
from ratchet.core.exchange.book import OrderBook
from ratchet.core.exchange.config import ExchangeConfig
from ratchet.core.exchange.types import Activity, EventType, ExchangeEvent, ExchangeOrder
from ratchet.core.market.batch import BarBatch
from ratchet.core.orders.money import ZERO, from_float, notional
from ratchet.core.portfolio.position import Position
from ratchet.core.timeframes import timeframe_ns


@dataclass(slots=True)
class Dirty:
    """What changed since the last drain."""

    orders: dict[str, ExchangeOrder] = field(default_factory=dict)
    positions: set[int] = field(default_factory=set)
    activities: list[Activity] = field(default_factory=list)
    account: bool = False


class Venue:
    """Cash, positions, orders and marks of one account."""

    def __init__(
        self,
        registry: Registry,
        config: ExchangeConfig,
        account: str,
        is_known: Callable[[str], bool] | None,
        track_changes: bool,
    ) -> None:
        self.registry = registry
        self.config = config
        self.account = account
        self.book = OrderBook(config.closed_orders_kept, is_known)
        self.cash = config.starting_cash
        self.fees_paid = ZERO
        self.positions: dict[int, Position] = {}
        self.seq = 0
        self.ts = 0
        self.events: list[ExchangeEvent] = []
        self.dirty = Dirty(account=True) if track_changes else None
        size = len(registry)
        self.marks = np.zeros(size, dtype=np.float64)
        self.mark_ts = np.zeros(size, dtype=np.int64)
        self.bar_start = np.zeros(size, dtype=np.int64)
        self.bar_ns = np.zeros(size, dtype=np.int64)

    def asset(self, asset_id: int) -> Asset:
        """Return an asset of the registry."""
        return self.registry[asset_id]

    def position(self, asset_id: int) -> Position:
        """Return the position in an asset, flat if there is none."""
        return self.positions.get(asset_id) or Position(asset_id)

    def set_position(self, position: Position) -> None:
        """Store a position, or drop it when it is flat."""
        if position.qty:
            self.positions[position.asset_id] = position
        else:
            self.positions.pop(position.asset_id, None)
        if self.dirty is not None:
            self.dirty.positions.add(position.asset_id)

    def available_qty(self, asset_id: int) -> Decimal:
        """Return what is held and not promised to working sells."""
        return self.position(asset_id).qty - self.book.promised_qty(asset_id)

    def add_cash(self, delta: Decimal) -> None:
        """Change the cash balance."""
        self.cash += delta
        if self.dirty is not None:
            self.dirty.account = True

    def put(self, order: ExchangeOrder) -> ExchangeOrder:
        """Store an order's new state and return it."""
        self.book.put(order)
        if self.dirty is not None:
            self.dirty.orders[order.id] = order
        return order

    def next_seq(self) -> int:
        """Return the next rank in time."""
        self.seq += 1
        if self.dirty is not None:
            self.dirty.account = True
        return self.seq

    def emit(self, kind: EventType, order: ExchangeOrder, ts: int) -> None:
        """Record an event that is no execution."""
        self.events.append(ExchangeEvent(kind, order, ts))

    def record(self, activity: Activity) -> None:
        """Record a row of account history, if somebody drains them."""
        if self.dirty is not None:
            self.dirty.activities.append(activity)

    def mark(self, batches: Sequence[BarBatch]) -> None:
        """Take the closes of these bars as marks."""
        for batch in batches:
            ids = batch.asset_ids
            length = timeframe_ns(batch.timeframe)
            # A bar may be cut short by the close; it never begins before the one before it ended.
            self.bar_start[ids] = np.maximum(self.mark_ts[ids], batch.ts - length)
            self.marks[ids] = batch.close
            self.mark_ts[ids] = batch.ts
            self.bar_ns[ids] = length
            self.ts = max(self.ts, batch.ts)

    def mark_price(self, asset_id: int) -> Decimal | None:
        """Return the last close, None before the first bar."""
        value = float(self.marks[asset_id])
        return from_float(value) if value > 0 else None

    def market_value(self) -> Decimal:
        """Return the value of all positions at their marks."""
        total = ZERO
        for held in self.positions.values():
            total += notional(held.qty, self.mark_price(held.asset_id) or held.avg_entry_price)
        return total
