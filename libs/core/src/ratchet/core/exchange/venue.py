"""The state of one account at the exchange, which admission, matching and lifecycle work on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np

from ratchet.core.assets.types import Asset, Registry
from ratchet.core.exchange.actions import CorporateAction
from ratchet.core.exchange.book import OrderBook
from ratchet.core.exchange.config import ExchangeConfig
from ratchet.core.exchange.days import day_end
from ratchet.core.exchange.options.book import OptionBook
from ratchet.core.exchange.options.coverage import Coverage
from ratchet.core.exchange.options.market import NoOptionMarket, OptionMarket
from ratchet.core.exchange.settings import AccountSettings
from ratchet.core.exchange.state import MarginState
from ratchet.core.exchange.types import Activity, EventType, ExchangeEvent, ExchangeOrder
from ratchet.core.market.batch import BarBatch
from ratchet.core.market.quotes import QuoteBatch
from ratchet.core.orders.money import ZERO, from_float, notional
from ratchet.core.portfolio.position import Position
from ratchet.core.timeframes import timeframe_ns

FillLimit = Callable[[ExchangeOrder, Decimal], Decimal]


@dataclass(slots=True)
class Dirty:
    """What changed since the last drain."""

    orders: dict[str, ExchangeOrder] = field(default_factory=dict)
    positions: set[int] = field(default_factory=set)
    activities: list[Activity] = field(default_factory=list)
    account: bool = False
    options: bool = False


class Venue:
    """Cash, positions, orders and marks of one account."""

    def __init__(
        self,
        registry: Registry,
        config: ExchangeConfig,
        account: str,
        is_known: Callable[[str], bool] | None,
        track_changes: bool,
        option_market: OptionMarket | None = None,
    ) -> None:
        self.registry = registry
        self.config = config
        self.account = account
        self.book = OrderBook(config.closed_orders_kept, is_known)
        self.cash = config.starting_cash
        self.fees_paid = ZERO
        self.positions: dict[int, Position] = {}
        self.shorts: set[int] = set()
        self.settings = AccountSettings()
        self.margin = MarginState(last_equity=config.starting_cash, sma=config.starting_cash)
        self.draws = 0
        self.actions: dict[int, list[CorporateAction]] = {}
        self._equity: Decimal | None = None
        self.seq = 0
        self.ts = 0
        self.events: list[ExchangeEvent] = []
        self.dirty = Dirty(account=True) if track_changes else None
        # Account history that stems from no order, where somebody drains it.
        self.bookings: list[Activity] | None = None
        self.fill_limit: FillLimit | None = None
        size = len(registry)
        # Ids from here on are option contracts.
        self.option_ids = size
        self.marks = np.zeros(size, dtype=np.float64)
        self.mark_ts = np.zeros(size, dtype=np.int64)
        self.bar_start = np.zeros(size, dtype=np.int64)
        self.bar_ns = np.zeros(size, dtype=np.int64)
        self.options = OptionBook(self, option_market or NoOptionMarket())
        self.coverage = Coverage(self.options)

    def asset(self, asset_id: int) -> Asset:
        """Return an asset of the registry, or an option contract that was traded here."""
        return self.registry[asset_id] if asset_id < self.option_ids else self.options.asset(asset_id)

    def priced_by(self, asset_id: int) -> int:
        """Return the asset whose bars move this one: an option's underlying, else the asset itself."""
        if asset_id < self.option_ids:
            return asset_id
        return self.options.underlying_id(self.options.contract(asset_id))

    def position(self, asset_id: int) -> Position:
        """Return the position in an asset, flat if there is none."""
        return self.positions.get(asset_id) or Position(asset_id)

    def set_position(self, position: Position) -> None:
        """Store a position, or drop it when it is flat."""
        asset_id = position.asset_id
        if position.qty:
            self.positions[asset_id] = position
        else:
            self.positions.pop(asset_id, None)
        if position.qty < 0:
            self.shorts.add(asset_id)
        else:
            self.shorts.discard(asset_id)
        self._equity = None
        if self.dirty is not None:
            self.dirty.positions.add(position.asset_id)

    @property
    def has_shorts(self) -> bool:
        """Whether anything is sold short."""
        return bool(self.shorts)

    @property
    def borrows(self) -> bool:
        """Whether the account owes money or shares, so that marks can bring it below its margin."""
        return self.cash < 0 or bool(self.shorts)

    @property
    def equity(self) -> Decimal:
        """Cash and positions at the last marks."""
        if self._equity is None:
            self._equity = self.cash + self.market_value()
        return self._equity

    def available_qty(self, asset_id: int) -> Decimal:
        """Return how much of a position, long or short, is promised neither to working closing orders nor
        to the short calls that it covers.
        """
        held = self.position(asset_id).qty
        if not held:
            return ZERO
        free = abs(held) - self.book.promised_qty(asset_id)
        if not self.options.count or held < 0 or asset_id >= self.option_ids:
            return free
        return max(free - self.coverage.locked_shares(asset_id), ZERO)

    def add_cash(self, delta: Decimal) -> None:
        """Change the cash balance."""
        self.cash += delta
        self._equity = None
        self.touch()

    def touch(self) -> None:
        """Note that the account's own row has changed."""
        if self.dirty is not None:
            self.dirty.account = True

    def touch_options(self) -> None:
        """Note that the option contracts kept with the account have changed."""
        if self.dirty is not None:
            self.dirty.account = self.dirty.options = True

    def put(self, order: ExchangeOrder) -> ExchangeOrder:
        """Store an order's new state and return it."""
        self.book.put(order)
        if self.dirty is not None:
            self.dirty.orders[order.id] = order
        return order

    def next_seq(self) -> int:
        """Return the next rank in time."""
        self.seq += 1
        self.touch()
        return self.seq

    def emit(self, kind: EventType, order: ExchangeOrder, ts: int) -> None:
        """Record an event that is no execution."""
        self.events.append(ExchangeEvent(kind, order, ts))

    def record(self, activity: Activity) -> None:
        """Record a row of account history, if somebody drains them."""
        if self.dirty is not None:
            self.dirty.activities.append(activity)
        if self.bookings is not None and not activity.order_id:
            self.bookings.append(activity)

    def mark(self, batches: Sequence[BarBatch]) -> None:
        """Take the closes of these bars as marks."""
        self._equity = None
        for batch in batches:
            ids = batch.asset_ids
            length = timeframe_ns(batch.timeframe)
            # A bar may be cut short by the close; it never begins before the one before it ended.
            self.bar_start[ids] = np.maximum(self.mark_ts[ids], batch.ts - length)
            self.marks[ids] = batch.close
            self.mark_ts[ids] = batch.ts
            self.bar_ns[ids] = length
            self.ts = max(self.ts, batch.ts)

    def mark_quotes(self, batches: Sequence[QuoteBatch]) -> None:
        """Take last trades, or middles of the quotes, as marks; a quote without both sides moves nothing."""
        self._equity = None
        for batch in batches:
            usable = (batch.bid > 0) & (batch.ask >= batch.bid)
            prices = (batch.bid + batch.ask) / 2
            if len(batch.last):
                known = batch.last > 0
                prices, usable = np.where(known, batch.last, prices), usable | known
            ids = batch.asset_ids[usable]
            self.marks[ids] = prices[usable]
            self.mark_ts[ids] = batch.ts
            self.ts = max(self.ts, batch.ts)

    def scale_mark(self, asset_id: int, ratio: Decimal) -> None:
        """Divide a mark by a split's ratio."""
        self.marks[asset_id] = float(self.marks[asset_id]) / float(ratio)
        self._equity = None

    @property
    def day_ends(self) -> int:
        """When the current day ends in New York (ns, UTC), 0 before the first bar."""
        return day_end(self.margin.day) if self.margin.day else 0

    def mark_price(self, asset_id: int) -> Decimal | None:
        """Return the last close, None before the first bar; of an option, the value of one contract."""
        if asset_id >= self.option_ids:
            return self.options.mark(asset_id)
        value = float(self.marks[asset_id])
        return from_float(value) if value > 0 else None

    def market_value(self) -> Decimal:
        """Return the value of all positions at their marks."""
        total = ZERO
        for held in self.positions.values():
            total += notional(held.qty, self.mark_price(held.asset_id) or held.avg_entry_price)
        return total
