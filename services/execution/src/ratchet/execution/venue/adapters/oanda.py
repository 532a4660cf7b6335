"""OANDA, and the paper exchange that speaks its v20 API: forex and commodities.

OANDA forgets the client's id of an order as soon as it is filled or cancelled, and takes the same id again.
An order is therefore looked up among the pending ones first and in the account's journal then; "not found" is
said only when every transaction since it may have been sent was read.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from urllib.parse import parse_qs, quote, urlsplit

from ratchet.core.assets import Registry
from ratchet.core.orders import OrderStatus
from ratchet.execution.venue.adapters import oanda_wire as wire
from ratchet.execution.venue.adapters.alpaca_wire import WireError, format_time
from ratchet.execution.venue.adapters.oanda_http import OandaHttp
from ratchet.execution.venue.broker import (
    BrokerAccount,
    BrokerActivity,
    BrokerFill,
    BrokerOrder,
    BrokerPosition,
    BrokerRefusedError,
    BrokerUnreachableError,
    DuplicateOrderError,
    OrderNotFoundError,
    OrderRequest,
    ReplaceRequest,
)

# The journal is read in pieces of this many ids, which is also OANDA's largest page.
_PAGE = 1_000
_SENT_KEPT = 10_000
_ORDER_KINDS = "ORDER"
_ACTIVITY_KINDS = "DAILY_FINANCING,TRANSFER_FUNDS"

T = TypeVar("T")


class OandaBroker:
    """The broker port over OANDA's REST API, for one account."""

    def __init__(
        self,
        *,
        url: str,
        token: str,
        account: str,
        registry: Registry,
        connect_timeout_s: float = 2.0,
        read_timeout_s: float = 5.0,
    ) -> None:
        self._http = OandaHttp(url, token, account, connect_timeout_s, read_timeout_s)
        self._account = account
        self._symbols = wire.Symbols(registry)
        self._guard = threading.Lock()
        # The last transaction known when an order was first sent: it cannot be in the journal before.
        self._sent_after: OrderedDict[str, int] = OrderedDict()

    def submit(self, request: OrderRequest) -> BrokerOrder:
        """POST /orders, once; an order that OANDA cancels at once for a reason of its own was refused."""
        body = wire.order_body(request, self._symbols)
        self._note_sent(request.client_order_id)
        try:
            answer = self._http.ask("submit", "POST", "/orders", body=body)
        except BrokerRefusedError as error:
            if error.code == wire.DUPLICATE:
                raise DuplicateOrderError(error.code, error.message, error.status) from error
            raise
        return self._parse("submit", lambda: self._submitted(answer))

    def cancel(self, broker_order_id: str) -> None:
        """PUT /orders/{id}/cancel."""
        self._http.ask("cancel", "PUT", f"/orders/{quote(broker_order_id, safe='')}/cancel")

    def replace(self, broker_order_id: str, change: ReplaceRequest) -> BrokerOrder:
        """PUT /orders/{id} with the whole order as it should be, once."""
        body = wire.replacing_body(self.order_by_id(broker_order_id), change, self._symbols)
        self._note_sent(change.client_order_id)
        path = f"/orders/{quote(broker_order_id, safe='')}"
        answer = self._http.ask("replace", "PUT", path, body=body)
        return self._parse("replace", lambda: self._submitted(answer, "replacingOrderCancelTransaction"))

    def get_by_client_id(self, client_order_id: str) -> BrokerOrder:
        """Return the pending order with this id, else the newest one in the journal."""
        specifier = quote(f"@{client_order_id}", safe="@")
        try:
            answer = self._http.ask("get_order", "GET", f"/orders/{specifier}")
        except BrokerRefusedError as error:
            if error.status != 404:
                raise
            return self._from_journal(client_order_id, error)
        return self._parse(
            "get_order",
            lambda: wire.parse_order(wire.need(answer, "order"), self._account, self._symbols),
        )

    def list_orders(self, since_ns: int | None = None, *, open_only: bool = False) -> list[BrokerOrder]:
        """Return orders submitted after a time, oldest first, as the journal tells them.

        Orders that hang on a trade are listed once they have filled, because they have no quantity before.
        """
        if open_only:
            answer = self._http.ask("list_orders", "GET", "/pendingOrders")
            found = self._parse(
                "list_orders",
                lambda: [
                    wire.parse_order(row, self._account, self._symbols) for row in wire.need(answer, "orders")
                ],
            )
            orders = sorted(found, key=lambda order: int(order.broker_order_id))
        else:
            journal = self._journal()
            self._parse("list_orders", lambda: journal.read(self._entries_since(since_ns, _ORDER_KINDS)))
            orders = list(journal.orders.values())
        return [order for order in orders if order.qty and order.created_ns > (since_ns or -1)]

    def positions(self) -> list[BrokerPosition]:
        """GET /openPositions."""
        answer = self._http.ask("positions", "GET", "/openPositions")
        return self._parse(
            "positions",
            lambda: [wire.parse_position(row, self._symbols) for row in wire.need(answer, "positions")],
        )

    def account(self) -> BrokerAccount:
        """GET /summary."""
        answer = self._http.ask("account", "GET", "/summary")
        return self._parse("account", lambda: wire.parse_account(wire.need(answer, "account")))

    def fills(self, since_ns: int) -> list[BrokerFill]:
        """Return the ORDER_FILL transactions after a time, every page, oldest first."""
        return self._parse(
            "fills",
            lambda: [
                wire.parse_fill(entry, self._account, self._symbols)
                for entry in self._entries_since(since_ns, "ORDER_FILL")
            ],
        )

    def activities(self, since_ns: int) -> list[BrokerActivity]:
        """Return financing, by instrument, and transfers after a time, oldest first."""
        return self._parse(
            "activities",
            lambda: [
                activity
                for entry in self._entries_since(since_ns, _ACTIVITY_KINDS)
                for activity in wire.parse_activities(entry, self._account, self._symbols)
            ],
        )

    def order_by_id(self, broker_order_id: str) -> BrokerOrder:
        """Return an order as it was placed, whatever became of it since."""
        answer = self._http.ask("get_order", "GET", f"/orders/{quote(broker_order_id, safe='')}")
        return self._parse(
            "get_order",
            lambda: wire.parse_order(wire.need(answer, "order"), self._account, self._symbols),
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _submitted(self, answer: dict[str, Any], cancelled: str = "orderCancelTransaction") -> BrokerOrder:
        journal = self._journal()
        order = journal.take(wire.need(answer, "orderCreateTransaction"))
        for name in ("orderFillTransaction", cancelled):
            if answer.get(name):
                order = journal.take(answer[name]) or order
        if order is None:
            raise WireError("orderCreateTransaction creates no order")
        cancel = answer.get(cancelled) or {}
        reason = str(cancel.get("reason") or "")
        if order.status is OrderStatus.REJECTED:
            raise BrokerRefusedError(reason, f"order {order.broker_order_id} was cancelled: {reason}", 201)
        return order

    def _from_journal(self, client_order_id: str, cause: BrokerRefusedError) -> BrokerOrder:
        with self._guard:
            lower = self._sent_after.get(client_order_id, 0)
        journal = self._journal()
        found = self._parse("get_order", lambda: self._search(client_order_id, lower, journal))
        if found is None:
            raise OrderNotFoundError(cause.code, cause.message, cause.status) from cause
        return found

    def _search(self, client_order_id: str, lower: int, journal: wire.Journal) -> BrokerOrder | None:
        """Read the journal backwards, in pieces, until a piece has the order."""
        upper = int(wire.need(self._http.ask("journal", "GET", "/summary"), "lastTransactionID"))
        later: list[dict[str, Any]] = []
        while upper > lower:
            first = max(upper - _PAGE + 1, lower + 1)
            later = [*self._range(first, upper, _ORDER_KINDS), *later]
            journal.read(later)
            matching = [item for item in journal.orders.values() if item.client_order_id == client_order_id]
            if matching:
                return matching[-1]
            upper = first - 1
        return journal.rejected.get(client_order_id)

    def _entries_since(self, since_ns: int | None, kinds: str) -> Iterator[dict[str, Any]]:
        params: dict[str, Any] = {"type": kinds, "pageSize": _PAGE}
        if since_ns is not None:
            params["from"] = format_time(since_ns)
        answer = self._http.ask("journal", "GET", "/transactions", params=params)
        for page in wire.need(answer, "pages"):
            first, last = _id_range(str(page))
            yield from self._range(first, last, kinds)

    def _range(self, first: int, last: int, kinds: str) -> list[dict[str, Any]]:
        """Return the entries of a range of ids, however many times OANDA must be asked for them."""
        found: list[dict[str, Any]] = []
        while first <= last:
            upper = min(last, first + _PAGE - 1)
            params = {"from": first, "to": upper, "type": kinds}
            answer = self._http.ask("journal", "GET", "/transactions/idrange", params=params)
            found += wire.need(answer, "transactions")
            first = upper + 1
        return found

    def _note_sent(self, client_order_id: str) -> None:
        with self._guard:
            self._sent_after.setdefault(client_order_id, self._http.last_id)
            while len(self._sent_after) > _SENT_KEPT:
                self._sent_after.popitem(last=False)

    def _journal(self) -> wire.Journal:
        return wire.Journal(self._account, self._symbols)

    def _parse(self, operation: str, call: Callable[[], T]) -> T:
        """Read an answer; one that is not OANDA's leaves the outcome unknown."""
        try:
            return call()
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise BrokerUnreachableError(f"{operation}: {type(error).__name__}: {error}") from error


def _id_range(page: str) -> tuple[int, int]:
    """Return the ids that the address of a page names; its host may be another one than ours."""
    query = parse_qs(urlsplit(page).query)
    return int(query["from"][0]), int(query["to"][0])
