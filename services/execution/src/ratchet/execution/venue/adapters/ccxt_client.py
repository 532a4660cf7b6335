"""A ccxt exchange that is asked once, exactly and with a time-out, and whose errors are the port's.

ccxt raises one family of errors for three different things: what it refused itself without asking, what the
exchange said, and what went wrong on the way. What may be concluded differs, so the client notes for every
call whether a request left, and whether an answer in the exchange's own words came back.
"""

import decimal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import ccxt

from ratchet.common import metrics
from ratchet.common.addresses import redirected
from ratchet.execution.venue.adapters.ccxt_venues import ExchangeRules, rules_of
from ratchet.execution.venue.broker import (
    BrokerError,
    BrokerRefusedError,
    BrokerThrottledError,
    BrokerUnreachableError,
    DuplicateOrderError,
    OrderNotFoundError,
)

T = TypeVar("T")

# Answers that say nothing about what became of the request.
_NO_VERDICT = frozenset({408, 418, 425, 429})
_MARKETS_OLD_S = 3_600.0
# How long to leave an exchange alone that does not say how long.
_PAUSE_S = 5.0


@dataclass(frozen=True, slots=True)
class CcxtOptions:
    """Which exchange, as whom, and where.

    `url` replaces scheme and host of every address. `cash_currency` is the one that the account's cash is
    in, where that is not the one that its pairs are quoted in.
    """

    exchange: str
    key: str = ""
    secret: str = ""
    password: str = ""
    sandbox: bool = False
    url: str = ""
    cash_currency: str = ""
    timeout_s: float = 5.0


class CcxtClient:
    """Calls of one exchange, one at a time, so that any thread may make them."""

    def __init__(self, options: CcxtOptions) -> None:
        self.name = options.exchange
        self.rules: ExchangeRules = rules_of(options.exchange)
        self.exchange = build_exchange(getattr(ccxt, options.exchange, None), options)
        self._lock = threading.RLock()
        self._markets_at = -_MARKETS_OLD_S

    def has(self, method: str) -> bool:
        """Whether the exchange itself has a method, by ccxt's name for it (`fetchOrders`)."""
        return bool(self.exchange.has.get(method) is True)

    def ask(self, operation: str, call: Callable[[Any], T]) -> T:
        """Make one call on the exchange; raises BrokerError, nothing else."""
        started = time.perf_counter()
        try:
            # ccxt changes the thread's decimal context for good; our ledgers must not round by it.
            with self._lock, decimal.localcontext():
                self._load_markets()
                return self._once(operation, call)
        finally:
            metrics.BROKER_SECONDS.labels(operation).observe(time.perf_counter() - started)

    def close(self) -> None:
        """Close the connections."""
        self.exchange.session.close()

    def _load_markets(self) -> None:
        """Load the exchange's markets and their increments before they are needed, and anew every hour."""
        if time.monotonic() - self._markets_at < _MARKETS_OLD_S:
            return
        try:
            self._once("markets", lambda exchange: exchange.load_markets(True))
        except (OrderNotFoundError, DuplicateOrderError) as error:
            # Said of the markets, it says nothing about an order.
            raise BrokerUnreachableError(f"markets: {error}") from error
        self._markets_at = time.monotonic()

    def _once(self, operation: str, call: Callable[[Any], T]) -> T:
        self.exchange.begin_call()
        try:
            return call(self.exchange)
        except ccxt.BaseError as error:
            found = self._translate(operation, error)
        except (OSError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError) as error:
            # An answer came, but not one of this exchange's.
            found = BrokerUnreachableError(f"{operation}: {type(error).__name__}: {error}")
        outcome = "refused" if isinstance(found, BrokerRefusedError) else "unreachable"
        metrics.BROKER_ERRORS_TOTAL.labels(operation, outcome).inc()
        raise found

    def _retry_after_s(self) -> float:
        headers = self.exchange.last_response_headers or {}
        found = next((value for key, value in headers.items() if key.lower() == "retry-after"), None)
        seconds = _seconds(found)
        return _PAUSE_S if seconds is None else seconds

    def _translate(self, operation: str, error: ccxt.BaseError) -> BrokerError:
        exchange, kind = self.exchange, type(error).__name__
        status, body = exchange.answer_status, exchange.answer_json
        if isinstance(error, ccxt.DDoSProtection | ccxt.RateLimitExceeded):
            return BrokerThrottledError(f"{operation}: {kind}: {str(error)[:300]}", self._retry_after_s())
        if isinstance(error, ccxt.OperationFailed) or (exchange.is_asked and not _is_verdict(status, body)):
            return BrokerUnreachableError(f"{operation}: {kind}: {str(error)[:300]}")
        code, message = _words(kind, str(error), body if exchange.is_asked else None)
        if isinstance(error, ccxt.OrderNotFound) or _holds(message, self.rules.not_found_words):
            return OrderNotFoundError(code, message, status)
        if isinstance(error, ccxt.DuplicateOrderId) or _holds(message, self.rules.duplicate_words):
            return DuplicateOrderError(code, message, status)
        return BrokerRefusedError(code, message, status)


def _seconds(text: Any) -> float | None:
    try:
        return max(0.0, float(text))
    except (TypeError, ValueError):
        return None


def build_exchange(base: Any, options: CcxtOptions) -> Any:
    """Return the exchange object; ValueError names an exchange that ccxt does not have."""
    if options.exchange not in ccxt.exchanges or base is None:
        known = len(ccxt.exchanges)
        raise ValueError(f"exchange {options.exchange!r} is not one of ccxt's {known} exchanges")
    exchange = _recording(base)(
        {
            "apiKey": options.key,
            "secret": options.secret,
            "password": options.password or None,
            "enableRateLimit": True,
            "timeout": int(options.timeout_s * 1000),
            "enableLastResponseHeaders": True,
        }
    )
    # Numbers stay the exchange's own text; a float would lose digits of quantities and prices.
    exchange.number = str
    exchange.options.update(
        {
            "defaultType": "spot",
            "maxRetriesOnFailure": 0,
            "fetchCurrencies": False,
            "fetchMargins": False,
            "warnOnFetchOpenOrdersWithoutSymbol": False,
            "fetchMarkets": {**_dict(exchange.options.get("fetchMarkets")), "types": ["spot"]},
        }
    )
    exchange.has = {**exchange.has, "fetchCurrencies": False}
    if options.sandbox:
        exchange.set_sandbox_mode(True)
    if options.url:
        exchange.urls["api"] = redirected(exchange.urls["api"], options.url)
    return exchange


def _recording(base: Any) -> Any:
    """Return the exchange's class, noting for the present call whether it asked and what was answered."""

    class Recording(base):  # type: ignore[misc]
        is_asked = False
        answer_status = 0
        answer_json: Any = None

        def begin_call(self) -> None:
            self.is_asked, self.answer_status, self.answer_json = False, 0, None
            self.last_response_headers = None

        def fetch(self, *args: Any, **kwargs: Any) -> Any:
            self.is_asked, self.answer_status, self.answer_json = True, 0, None
            answer = super().fetch(*args, **kwargs)
            if self.answer_json is None and isinstance(answer, str) and answer.strip():
                # ccxt takes any page for an answer; from a proxy's page it would read an empty account.
                raise ccxt.BadResponse(f"{self.id}: not JSON: {answer[:100]!r}")
            return answer

        def on_rest_response(self, code: int, *args: Any) -> Any:
            self.answer_status = int(code)
            return super().on_rest_response(code, *args)

        def parse_json(self, text: Any) -> Any:
            self.answer_json = super().parse_json(text)
            return self.answer_json

    return Recording


def _is_verdict(status: int, body: Any) -> bool:
    """Whether the exchange itself has answered: a proxy's page, or its own trouble, proves nothing."""
    return 200 <= status < 500 and status not in _NO_VERDICT and isinstance(body, dict | list)


def _words(kind: str, text: str, body: Any) -> tuple[str, str]:
    first = body[0] if isinstance(body, list) and body else body
    if not isinstance(first, dict):
        return kind, text[:300]
    message = first.get("message") or first.get("msg") or first.get("error") or text
    return str(first.get("code") or kind), str(message)[:300]


def _holds(message: str, words: tuple[str, ...]) -> bool:
    return any(word.lower() in message.lower() for word in words)


def _dict(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, dict) else {}
