"""One session with an OANDA account: time-outs on every call, no repetition, errors told from each other."""

import threading
import time
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from ratchet.common import metrics
from ratchet.execution.venue.adapters.alpaca_wire import WireError
from ratchet.execution.venue.broker import BrokerRefusedError, BrokerThrottledError, BrokerUnreachableError

# Statuses with which OANDA itself refuses; 429 and 5xx say nothing about what became of the request.
_REFUSALS = frozenset({400, 401, 403, 404, 405, 409, 422})
_TOO_MANY = 429
_DEFAULT_PAUSE_S = 1.0
Json = dict[str, Any]


class OandaHttp:
    """Calls below /v3/accounts/{account}; serialised, so any thread may use it.

    `last_id` is the newest transaction that any answer has told of.
    """

    def __init__(
        self, url: str, token: str, account: str, connect_timeout_s: float, read_timeout_s: float
    ) -> None:
        self._base = f"{url.rstrip('/')}/v3/accounts/{account}"
        self._timeout_s = (connect_timeout_s, read_timeout_s)
        self._session = new_session(token)
        self._lock = threading.Lock()
        self.account = account
        self.last_id = 0

    def ask(
        self, operation: str, method: str, path: str, *, params: Json | None = None, body: Json | None = None
    ) -> Json:
        """Return the JSON object of an answer, or raise BrokerRefusedError or BrokerUnreachableError."""
        started = time.perf_counter()
        try:
            with self._lock:
                answer = self._session.request(
                    method,
                    self._base + path,
                    params=params,
                    json=body,
                    timeout=self._timeout_s,
                    allow_redirects=False,
                )
            return self._read(operation, answer)
        except (requests.RequestException, OSError, ValueError) as error:
            metrics.BROKER_ERRORS_TOTAL.labels(operation, "unreachable").inc()
            raise BrokerUnreachableError(f"{operation}: {type(error).__name__}: {error}") from error
        finally:
            metrics.BROKER_SECONDS.labels(operation).observe(time.perf_counter() - started)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _read(self, operation: str, answer: requests.Response) -> Json:
        status = answer.status_code
        if 200 <= status < 300:
            data = answer.json()
            if not isinstance(data, dict):
                raise WireError(f"{str(data)[:100]!r} is not a JSON object")
            self.last_id = max(self.last_id, int(data.get("lastTransactionID") or 0))
            return data
        if status == _TOO_MANY:
            metrics.BROKER_ERRORS_TOTAL.labels(operation, "throttled").inc()
            raise BrokerThrottledError(f"{operation}: HTTP 429: {answer.text[:200]}", _pause_s(answer))
        refusal = _refusal(answer) if status in _REFUSALS else None
        if refusal is None:
            metrics.BROKER_ERRORS_TOTAL.labels(operation, "unreachable").inc()
            raise BrokerUnreachableError(f"{operation}: HTTP {status}: {answer.text[:200]}")
        metrics.BROKER_ERRORS_TOTAL.labels(operation, "refused").inc()
        raise refusal


def _pause_s(answer: requests.Response) -> float:
    """Return for how long the venue wants to be left alone; OANDA counts by the second."""
    try:
        return max(0.0, float(answer.headers.get("Retry-After", _DEFAULT_PAUSE_S)))
    except ValueError:
        return _DEFAULT_PAUSE_S


def new_session(token: str) -> requests.Session:
    """Return a session that repeats nothing by itself."""
    session = requests.Session()
    session.headers.update({"Authorization": f"Bearer {token}", "Accept-Datetime-Format": "RFC3339"})
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=0))
    return session


def _refusal(answer: requests.Response) -> BrokerRefusedError | None:
    """Return OANDA's own refusal; a proxy's page proves nothing about an order."""
    try:
        data = answer.json()
    except ValueError:
        return None
    message = data.get("errorMessage") if isinstance(data, dict) else None
    if not isinstance(message, str):
        return None
    rejected = data.get("orderRejectTransaction") or data.get("orderCancelRejectTransaction") or {}
    code = rejected.get("rejectReason") or data.get("errorCode") or answer.status_code
    return BrokerRefusedError(str(code), message, answer.status_code)
