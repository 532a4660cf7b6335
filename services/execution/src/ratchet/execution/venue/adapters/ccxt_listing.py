"""Lists of orders and trades, whole, whatever an exchange's pages and filters are.

Some exchanges list an account's orders at once, others only market by market; ccxt refuses the former there
before it asks, which is how one is told from the other.
"""

import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from ratchet.execution.venue.adapters import ccxt_wire as wire
from ratchet.execution.venue.adapters.ccxt_client import CcxtClient
from ratchet.execution.venue.broker import BrokerRefusedError, BrokerUnreachableError

_WEEK_MS = 7 * 86_400_000
_PAGE = 100
# No exchange has pages smaller than this, so a shorter one is the last.
_SMALLEST_PAGE = 20
_MAX_PAGES = 1_000
_NEEDS_SYMBOL = frozenset({"ArgumentsRequired"})

Row = dict[str, Any]
Fetch = Callable[[Any, str | None, int, int], list[Any]]


class Listing:
    """Reads of one account."""

    def __init__(self, client: CcxtClient, symbols: tuple[str, ...]) -> None:
        self._client = client
        self._symbols = symbols
        # Operations that this exchange only answers market by market.
        self._by_market: set[str] = set()

    def open_orders(self) -> list[Row]:
        """Return every open order."""

        def fetch(exchange: Any, symbol: str | None, _since: int, _limit: int) -> list[Any]:
            return list(exchange.fetch_open_orders(symbol))

        return self._unique(row for scope in self._scopes("open_orders", fetch, 0) for row in scope)

    def orders(self, since_ms: int | None) -> list[Row]:
        """Return all orders placed since a time, in any state; None: those of the exchange's last week."""
        since = self._since(since_ms)
        if self._client.has("fetchOrders"):
            return self._all("orders", "fetch_orders", since)
        rows = self.open_orders()
        for method, name in (
            ("fetchClosedOrders", "closed_orders"),
            ("fetchCanceledOrders", "canceled_orders"),
        ):
            if self._client.has(method):
                rows += self._all(name, f"fetch_{name}", since)
            elif method == "fetchClosedOrders":
                raise BrokerRefusedError("UNSUPPORTED", f"{self._client.name} cannot list closed orders", 0)
        return self._unique(iter(rows))

    def trades(self, since_ms: int, created_ms: Callable[[str], int | None]) -> list[tuple[Row, Decimal]]:
        """Return our trades since a time, each with its order's filled quantity after it.

        `created_ms` tells when an order was placed, if that is known: the trades of one that is older are
        asked for from its beginning, so that the sum is right.
        """
        by_order: dict[str, list[Row]] = {}
        for row in self._all("fills", "fetch_my_trades", since_ms):
            by_order.setdefault(str(row.get("order")), []).append(row)
        found: list[tuple[Row, Decimal]] = []
        for order_id, rows in by_order.items():
            created = created_ms(order_id)
            whole = rows if created is not None and created >= since_ms else self._whole(order_id, rows)
            found += _summed(whole)
        return found

    def _whole(self, order_id: str, rows: list[Row]) -> list[Row]:
        if all((row.get("info") or {}).get("cum_qty") is not None for row in rows):
            return rows
        symbol = str(rows[0]["symbol"])
        if self._client.has("fetchOrderTrades"):
            return self._client.ask(
                "fills", lambda exchange: list(exchange.fetch_order_trades(order_id, symbol))
            )
        earlier = self._pages("fills", _method("fetch_my_trades"), symbol, self._since(None))
        return [row for row in earlier if str(row.get("order")) == order_id]

    def _all(self, operation: str, method: str, since_ms: int) -> list[Row]:
        fetch = _method(method, self._client.rules.trade_parameters if operation == "fills" else ())
        return self._unique(row for scope in self._scopes(operation, fetch, since_ms) for row in scope)

    def _scopes(self, operation: str, fetch: Fetch, since_ms: int) -> Iterator[list[Row]]:
        """Yield the rows of the account, or of each market where the exchange wants one named."""
        if operation not in self._by_market:
            try:
                yield self._pages(operation, fetch, None, since_ms)
            except BrokerRefusedError as error:
                if error.code not in _NEEDS_SYMBOL:
                    raise BrokerUnreachableError(f"{operation}: {error}") from error
                self._by_market.add(operation)
            else:
                return
        for symbol in self._symbols:
            yield self._pages(operation, fetch, symbol, since_ms)

    def _pages(self, operation: str, fetch: Fetch, symbol: str | None, since_ms: int) -> list[Row]:
        """Read pages, each from the last row's time on, until one has nothing new."""
        found: dict[str, Row] = {}
        since = since_ms
        for _ in range(_MAX_PAGES):
            page = self._client.ask(operation, _page(fetch, symbol, since))
            fresh = [row for row in page if str(row.get("id")) not in found]
            found.update((str(row.get("id")), row) for row in fresh)
            newest = max((int(row.get("timestamp") or 0) for row in fresh), default=0)
            if len(page) < _SMALLEST_PAGE or not fresh or newest <= since:
                return list(found.values())
            since = newest
        raise BrokerUnreachableError(f"{operation}: more than {_MAX_PAGES} pages")

    def _since(self, since_ms: int | None) -> int:
        if since_ms is not None:
            return since_ms
        if self._client.has("fetchTime"):
            return self._client.ask("time", lambda exchange: int(exchange.fetch_time())) - _WEEK_MS
        return int(time.time() * 1000) - _WEEK_MS

    def _unique(self, rows: Iterator[Row]) -> list[Row]:
        return list({(str(row.get("symbol")), str(row.get("id"))): row for row in rows}.values())


def _page(fetch: Fetch, symbol: str | None, since: int) -> Callable[[Any], list[Any]]:
    return lambda exchange: fetch(exchange, symbol, since, _PAGE)


def _method(name: str, params: tuple[tuple[str, str], ...] = ()) -> Fetch:
    return lambda exchange, symbol, since, limit: list(
        getattr(exchange, name)(symbol, since, limit, dict(params))
    )


def _summed(rows: list[Row]) -> list[tuple[Row, Decimal]]:
    """Pair each trade of one order with the sum up to it, in the order of time and trade id."""
    done, found = Decimal(0), []
    for row in sorted(rows, key=lambda item: (int(item.get("timestamp") or 0), _number(item.get("id")))):
        told = (row.get("info") or {}).get("cum_qty")
        done = Decimal(str(told)) if told is not None else done + wire.must(row, "amount")
        found.append((row, done))
    return found


def _number(trade_id: Any) -> tuple[int, str]:
    text = str(trade_id)
    return (int(text) if text.isdigit() else 0, text)
