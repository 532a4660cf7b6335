"""The account's orders: every open one, the last closed ones, and the indexes that matching needs."""

import heapq
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal

from ratchet.core.exchange.types import ExchangeOrder, ExchangeStatus
from ratchet.core.orders.money import ZERO

_UNDER_WAY = frozenset({ExchangeStatus.PENDING_CANCEL, ExchangeStatus.PENDING_REPLACE})


class OrderBook:
    """Open orders by id and asset; closed ones up to a limit, oldest dropped first.

    A client order id stays used forever. With `is_known` (a look-up in the caller's durable store) nothing
    is remembered here beyond the kept orders; without it the ids of all orders are.
    """

    def __init__(self, closed_kept: int, is_known: Callable[[str], bool] | None = None) -> None:
        self.reserved = ZERO
        self.margin_reserved = ZERO
        self.used: set[str] = set()
        self._is_known = is_known
        self._closed_kept = closed_kept
        self._open: dict[str, ExchangeOrder] = {}
        self._closed: OrderedDict[str, ExchangeOrder] = OrderedDict()
        self._ids: dict[str, str] = {}
        self._working: dict[int, dict[str, None]] = {}
        self._expiries: list[tuple[int, int, str]] = []
        self._pending: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._open)

    def put(self, order: ExchangeOrder) -> None:
        """Store the new state of an order."""
        old = self._open.get(order.id)
        if old is None:
            self._add(order)
        else:
            self.reserved -= old.reserve
            self.margin_reserved -= old.margin_reserve
        self.reserved += order.reserve
        self.margin_reserved += order.margin_reserve
        if order.is_open:
            self._open[order.id] = order
        else:
            self._close(order)
        self._index(order)

    def get(self, order_id: str) -> ExchangeOrder | None:
        """Return an order that is open or still kept."""
        return self._open.get(order_id) or self._closed.get(order_id)

    def by_client_order_id(self, client_order_id: str) -> ExchangeOrder | None:
        """Return an order that is open or still kept, by its client's id."""
        order_id = self._ids.get(client_order_id)
        return None if order_id is None else self.get(order_id)

    def is_used(self, client_order_id: str) -> bool:
        """Say whether a client order id was ever used."""
        if client_order_id in self._ids:
            return True
        if self._is_known is not None:
            return self._is_known(client_order_id)
        return client_order_id in self.used

    def open_orders(self) -> Iterable[ExchangeOrder]:
        """Return open orders, held legs included, oldest first."""
        return sorted(self._open.values(), key=lambda order: order.seq)

    def closed_orders(self) -> Iterable[ExchangeOrder]:
        """Return the kept closed orders in the order in which they closed."""
        return self._closed.values()

    @property
    def has_pending(self) -> bool:
        """Whether a cancel or replacement is under way."""
        return bool(self._pending)

    def has_working(self, asset_id: int) -> bool:
        """Say whether an asset has working orders."""
        return asset_id in self._working

    def working_assets(self) -> Iterable[int]:
        """Return ids of the assets that have working orders."""
        return self._working.keys()

    def working(self, asset_id: int) -> Iterator[ExchangeOrder]:
        """Yield an asset's working orders, oldest first."""
        orders = [self._open[order_id] for order_id in self._working.get(asset_id, ())]
        yield from sorted(orders, key=lambda order: order.seq)

    def promised_qty(self, asset_id: int) -> Decimal:
        """Return the quantity that working closing orders hold back; legs of one group count once."""
        ids = self._working.get(asset_id, {})
        total = ZERO
        for order in self.working(asset_id):
            first_leg = order.sibling_id not in ids or order.id < order.sibling_id
            if order.is_closing and first_leg:
                total += order.remaining_qty
        return total

    def due(self, ts: int) -> list[ExchangeOrder]:
        """Return open orders whose time has run out by ts; they stay until they are closed."""
        if not self._expiries or self._expiries[0][0] > ts:
            return []
        found = []
        while self._expiries and self._expiries[0][0] <= ts:
            entry = heapq.heappop(self._expiries)
            order = self._open.get(entry[2])
            if order is not None and order.expires_ts == entry[0]:
                found.append((entry, order))
        for entry, _ in found:
            heapq.heappush(self._expiries, entry)
        return [order for _, order in found]

    def arrived(self, ts: int) -> list[ExchangeOrder]:
        """Return orders whose pending cancel or replacement takes effect by ts, in that order."""
        found = [self._open[order_id] for order_id in self._pending]
        return sorted((o for o in found if o.due_ts <= ts), key=lambda order: (order.due_ts, order.seq))

    def _add(self, order: ExchangeOrder) -> None:
        self._ids[order.client_order_id] = order.id
        if self._is_known is None:
            self.used.add(order.client_order_id)
        if order.is_open:
            heapq.heappush(self._expiries, (order.expires_ts, order.seq, order.id))

    def _close(self, order: ExchangeOrder) -> None:
        self._open.pop(order.id, None)
        self._closed[order.id] = order
        while len(self._closed) > self._closed_kept:
            _, dropped = self._closed.popitem(last=False)
            self._ids.pop(dropped.client_order_id, None)

    def _index(self, order: ExchangeOrder) -> None:
        if order.status in _UNDER_WAY:
            self._pending[order.id] = None
        else:
            self._pending.pop(order.id, None)
        if order.is_working:
            self._working.setdefault(order.asset_id, {})[order.id] = None
            return
        ids = self._working.get(order.asset_id)
        if ids is not None and order.id in ids:
            del ids[order.id]
            if not ids:
                del self._working[order.asset_id]
