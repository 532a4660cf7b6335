"""Alpaca, and the paper exchange that speaks its API, through alpaca-py's REST client.

alpaca-py retries POST on 429 and 504 and sets no time-out; both are switched off here, because execution
itself decides what follows an unanswered order. Bodies are sent as strings: alpaca-py's own request models
hold quantities as floats, and cannot be had without pandas.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

import requests
import urllib3
from alpaca.common.exceptions import APIError
from alpaca.common.rest import RESTClient

from ratchet.common import metrics
from ratchet.core.assets import Registry
from ratchet.execution.venue.adapters import alpaca_wire as wire
from ratchet.execution.venue.adapters.alpaca_post import OrderCalls
from ratchet.execution.venue.adapters.alpaca_quotes import OptionQuotes, TimeoutAdapter
from ratchet.execution.venue.adapters.unsent import never_connected
from ratchet.execution.venue.broker import (
    BrokerAccount,
    BrokerActivity,
    BrokerFill,
    BrokerNotReachedError,
    BrokerOrder,
    BrokerPosition,
    BrokerQuote,
    BrokerRefusedError,
    BrokerThrottledError,
    BrokerUnreachableError,
    DuplicateOrderError,
    OrderNotFoundError,
    OrderRequest,
    ReplaceRequest,
)

# Statuses with which Alpaca itself refuses; 429 and 5xx say nothing about what became of the request.
_REFUSALS = frozenset({400, 401, 403, 404, 409, 422})
_TOO_MANY = 429
_DEFAULT_PAUSE_S = 5.0
_ACTIVITY_PAGE = 100
_ORDER_PAGE = 500

# ValueError and its like: an answer came, but not one of Alpaca's.
_NO_ANSWER = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    OSError,
    ValueError,
    TypeError,
    AttributeError,
    KeyError,
)

T = TypeVar("T")


class AlpacaBroker:
    """The broker port over Alpaca's REST API; calls are serialised, so any thread may use it."""

    def __init__(
        self,
        *,
        url: str,
        key: str,
        secret: str,
        registry: Registry,
        paper: bool = True,
        data_url: str = "",
        connect_timeout_s: float = 2.0,
        read_timeout_s: float = 5.0,
    ) -> None:
        self._client = RESTClient(
            url.rstrip("/"), api_key=key, secret_key=secret, sandbox=paper, raw_data=True
        )
        # Private by name, but the documented way: the constructor has no argument for them.
        self._client._retry = 0  # noqa: SLF001
        session = self._client._session  # noqa: SLF001
        session.mount("http://", TimeoutAdapter(connect_timeout_s, read_timeout_s))
        session.mount("https://", TimeoutAdapter(connect_timeout_s, read_timeout_s))
        self._orders = OrderCalls(
            url, key, secret, connect_timeout_s=connect_timeout_s, read_timeout_s=read_timeout_s
        )
        self._quotes = OptionQuotes(data_url or url, key, secret)
        self._lock = threading.Lock()
        self._symbols = wire.position_symbols(registry)

    def submit(self, request: OrderRequest) -> BrokerOrder:
        """POST /v2/orders, once."""
        body = wire.order_body(request)
        return self._ask("submit", lambda: wire.parse_order(_json(self._orders.send(body))))

    def cancel(self, broker_order_id: str) -> None:
        """DELETE /v2/orders/{id}."""
        self._ask("cancel", lambda: self._orders.cancel(broker_order_id))

    def replace(self, broker_order_id: str, change: ReplaceRequest) -> BrokerOrder:
        """PATCH /v2/orders/{id}, once."""
        path, body = f"/orders/{quote(broker_order_id, safe='')}", wire.replace_body(change)
        return self._ask("replace", lambda: wire.parse_order(_json(self._client.patch(path, body))))

    def get_by_client_id(self, client_order_id: str) -> BrokerOrder:
        """GET /v2/orders:by_client_order_id."""
        return self._ask("get_order", lambda: wire.parse_order(_json(self._orders.look_up(client_order_id))))

    def list_orders(self, since_ns: int | None = None, *, open_only: bool = False) -> list[BrokerOrder]:
        """GET /v2/orders, every page, oldest first."""
        params: dict[str, Any] = {
            "status": "open" if open_only else "all",
            "limit": _ORDER_PAGE,
            "direction": "asc",
        }
        found: dict[str, BrokerOrder] = {}
        after = since_ns
        while True:
            if after is not None:
                params["after"] = wire.format_time(after)
            rows = self._ask("list_orders", lambda: list(self._client.get("/orders", dict(params))))
            page = [wire.parse_order(row) for row in rows]
            fresh = [order for order in page if order.broker_order_id not in found]
            found.update((order.broker_order_id, order) for order in fresh)
            if len(rows) < _ORDER_PAGE or not fresh:
                return list(found.values())
            # `after` is exclusive; one nanosecond less keeps orders of the same instant on the next page.
            after = page[-1].created_ns - 1

    def positions(self) -> list[BrokerPosition]:
        """GET /v2/positions."""
        return self._ask(
            "positions",
            lambda: [
                wire.parse_position(_json(row), self._symbols) for row in self._client.get("/positions")
            ],
        )

    def account(self) -> BrokerAccount:
        """GET /v2/account."""
        return self._ask("account", lambda: wire.parse_account(_json(self._client.get("/account"))))

    def fills(self, since_ns: int) -> list[BrokerFill]:
        """GET /v2/account/activities/FILL, every page, oldest first."""
        rows = self._activities("/account/activities/FILL", since_ns, {})
        return [self._read("activities", wire.parse_activity, row) for row in rows]

    def activities(self, since_ns: int) -> list[BrokerActivity]:
        """GET /v2/account/activities, all but executions, every page, oldest first."""
        rows = self._activities("/account/activities", since_ns, {"category": "non_trade_activity"})
        return [
            self._read("activities", lambda item: wire.parse_non_trade(item, self._symbols), row)
            for row in rows
            if row.get("status") != "canceled"
        ]

    def option_quotes(self, symbols: Sequence[str]) -> list[BrokerQuote]:
        """GET /v1beta1/options/quotes/latest; the calls of trading do not wait for it."""
        return self._ask_freely("option_quotes", lambda: self._quotes.latest(symbols))

    def _activities(self, path: str, since_ns: int, more: dict[str, str]) -> list[wire.Json]:
        params: dict[str, Any] = {
            "after": wire.format_time(since_ns),
            "direction": "asc",
            "page_size": _ACTIVITY_PAGE,
            **more,
        }
        found: list[wire.Json] = []
        while True:
            rows = self._ask(
                "activities", lambda: [_json(row) for row in self._client.get(path, dict(params))]
            )
            found.extend(rows)
            if len(rows) < _ACTIVITY_PAGE:
                return found
            params["page_token"] = rows[-1]["id"]

    def _read(self, operation: str, parse: Callable[[wire.Json], T], row: wire.Json) -> T:
        try:
            return parse(row)
        except (ValueError, KeyError, TypeError) as error:
            metrics.BROKER_ERRORS_TOTAL.labels(operation, "unreachable").inc()
            raise BrokerUnreachableError(f"{operation}: {error}") from error

    def close(self) -> None:
        """Close the connections."""
        self._client._session.close()  # noqa: SLF001
        self._orders.close()
        self._quotes.close()

    def _ask(self, operation: str, call: Callable[[], T]) -> T:
        def alone() -> T:
            with self._lock:
                return call()

        return self._ask_freely(operation, alone)

    def _ask_freely(self, operation: str, call: Callable[[], T]) -> T:
        started = time.perf_counter()
        try:
            return call()
        except APIError as error:
            raise _translate(operation, error) from error
        except _NO_ANSWER as error:
            metrics.BROKER_ERRORS_TOTAL.labels(operation, "unreachable").inc()
            kind = BrokerNotReachedError if never_connected(error) else BrokerUnreachableError
            raise kind(f"{operation}: {type(error).__name__}: {error}") from error
        finally:
            metrics.BROKER_SECONDS.labels(operation).observe(time.perf_counter() - started)


def _json(answer: object) -> wire.Json:
    """The client is told to return raw data, which its annotations do not know."""
    if not isinstance(answer, dict):
        raise wire.WireError(f"{str(answer)[:100]!r} is not a JSON object")
    return answer


def _translate(operation: str, error: APIError) -> BrokerRefusedError | BrokerUnreachableError:
    status = int(error.status_code or 0)
    code, message = _code_and_message(error)
    # A refusal must be the venue's own words: a proxy's 404 page proves nothing about an order.
    if status == _TOO_MANY:
        metrics.BROKER_ERRORS_TOTAL.labels(operation, "throttled").inc()
        return BrokerThrottledError(f"{operation}: HTTP 429: {message or ''}", _pause_s(error))
    if status not in _REFUSALS or message is None:
        metrics.BROKER_ERRORS_TOTAL.labels(operation, "unreachable").inc()
        return BrokerUnreachableError(f"{operation}: HTTP {status}: {message or str(error)[:200]}")
    metrics.BROKER_ERRORS_TOTAL.labels(operation, "refused").inc()
    if status == 404 and operation in {"get_order", "cancel", "replace"}:
        return OrderNotFoundError(code, message, status)
    if "client_order_id must be unique" in message:
        return DuplicateOrderError(code, message, status)
    return BrokerRefusedError(code, message, status)


def _pause_s(error: APIError) -> float:
    """Return for how long the venue wants to be left alone: Retry-After, else when its quota begins anew."""
    headers = getattr(error.response, "headers", {})
    try:
        if "Retry-After" in headers:
            return max(0.0, float(headers["Retry-After"]))
        if "X-RateLimit-Reset" in headers:
            return max(0.0, float(headers["X-RateLimit-Reset"]) - time.time())
    except ValueError:
        # A date, which RFC 9110 allows and no broker sends.
        return _DEFAULT_PAUSE_S
    return _DEFAULT_PAUSE_S


def _code_and_message(error: APIError) -> tuple[str, str | None]:
    try:
        message = str(error.message)
    except (ValueError, KeyError, TypeError):
        return "", None
    try:
        return str(error.code), message
    except (KeyError, TypeError):
        return "", message
