"""The account's state: balance, open trades, pending orders, quotes and the journal. Rules live elsewhere."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ratchet.core.assets.types import Registry
from ratchet.core.fx.config import FxConfig
from ratchet.core.fx.instruments import Instruments
from ratchet.core.fx.quotes import Quotes
from ratchet.core.fx.records import FxOrder, FxTrade, PositionTotals, Transaction
from ratchet.core.fx.types import OrderState, TradeState
from ratchet.core.orders.money import ZERO


@dataclass(slots=True)
class Dirty:
    """What changed since the last drain."""

    orders: dict[int, FxOrder] = field(default_factory=dict)
    trades: dict[int, FxTrade] = field(default_factory=dict)
    totals: dict[str, PositionTotals] = field(default_factory=dict)
    transactions: list[Transaction] = field(default_factory=list)
    account: bool = False


class FxBook:
    """One account. Open trades are kept in the order in which they were opened, which is that of netting.

    Closed orders and trades leave with the next drain of changes; without `track_changes` they are dropped.
    """

    def __init__(self, registry: Registry, config: FxConfig, account: str, track_changes: bool) -> None:
        self.config = config
        self.account = account
        self.instruments = Instruments(registry, config)
        self.quotes = Quotes(self.instruments, config)
        self.balance = ZERO
        self.pl = ZERO
        self.financing = ZERO
        self.last_id = 0
        self.created_ts = 0
        self.ts = 0
        self.rolled_ts = 0
        self.margin_call_ts = 0
        self.last_fill_ts = 0
        self.alias = ""
        self.own_margin_rate = ZERO
        self.bar_ends: dict[str, int] = {}
        self.orders: dict[int, FxOrder] = {}
        self.trades: dict[int, FxTrade] = {}
        self.totals: dict[str, PositionTotals] = {}
        self.events: list[Transaction] = []
        self.dirty: Dirty | None = Dirty() if track_changes else None
        self._batch = 0

    def margin_rate(self, name: str) -> Decimal:
        """Return the margin rate of an instrument, raised to the account's own."""
        return max(self.instruments[name].margin_rate, self.own_margin_rate)

    def begin(self) -> None:
        """Start a batch: the next transactions belong together."""
        self._batch = self.last_id + 1

    def record(self, kind: str, ts: int, body: dict[str, Any]) -> Transaction:
        """Append a transaction to the journal and return it."""
        self.last_id += 1
        entry = Transaction(self.last_id, ts, kind, self._batch or self.last_id, body)
        self.events.append(entry)
        if self.dirty is not None:
            self.dirty.transactions.append(entry)
            self.dirty.account = True
        return entry

    def put_order(self, order: FxOrder) -> FxOrder:
        """Store an order's new state and return it."""
        if order.state is OrderState.PENDING:
            self.orders[order.id] = order
        else:
            self.orders.pop(order.id, None)
        if self.dirty is not None:
            self.dirty.orders[order.id] = order
        return order

    def put_trade(self, trade: FxTrade) -> FxTrade:
        """Store a trade's new state and return it."""
        if trade.state is TradeState.OPEN:
            self.trades[trade.id] = trade
        else:
            self.trades.pop(trade.id, None)
        if self.dirty is not None:
            self.dirty.trades[trade.id] = trade
        return trade

    def put_totals(self, totals: PositionTotals) -> None:
        """Store what an instrument has brought."""
        self.totals[totals.instrument] = totals
        if self.dirty is not None:
            self.dirty.totals[totals.instrument] = totals

    def touch(self) -> None:
        """Note that the account's own row changed."""
        if self.dirty is not None:
            self.dirty.account = True

    def totals_of(self, name: str) -> PositionTotals:
        """Return what an instrument has brought, zeros if it was never traded."""
        return self.totals.get(name) or PositionTotals(name)

    def trades_of(self, name: str) -> list[FxTrade]:
        """Return an instrument's open trades, oldest first."""
        return [trade for trade in self.trades.values() if trade.instrument == name]

    def net_units(self, name: str) -> Decimal:
        """Return the signed position in an instrument."""
        return sum((trade.units for trade in self.trades_of(name)), ZERO)

    def held(self) -> list[str]:
        """Return the instruments with open trades, in the order of their first."""
        return list(dict.fromkeys(trade.instrument for trade in self.trades.values()))

    def orders_of(self, name: str) -> Iterator[FxOrder]:
        """Yield an instrument's pending orders, oldest first."""
        yield from sorted(
            (order for order in self.orders.values() if order.instrument == name), key=lambda item: item.id
        )

    def order_by_client_id(self, client_id: str) -> FxOrder | None:
        """Return the pending order with a client id; OANDA forgets the ids of closed ones."""
        return next(
            (item for item in self.orders.values() if client_id and item.client_id == client_id), None
        )

    def find_order(self, specifier: str) -> FxOrder | None:
        """Return a pending order by its id or by @ and its client id."""
        if specifier.startswith("@"):
            return self.order_by_client_id(specifier[1:])
        return self.orders.get(int(specifier)) if specifier.isdecimal() else None

    def find_trade(self, specifier: str) -> FxTrade | None:
        """Return an open trade by its id or by @ and its client id."""
        if specifier.startswith("@"):
            wanted = specifier[1:]
            return next((item for item in self.trades.values() if wanted and item.client_id == wanted), None)
        return self.trades.get(int(specifier)) if specifier.isdecimal() else None

    def extend_orders(self, orders: Iterable[FxOrder]) -> None:
        """Load pending orders, as after a restart."""
        self.orders.update((order.id, order) for order in orders)
