"""What one account may use of the venue; nothing is limited unless it is set."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from ratchet.paper_exchange.streams.hub import QUEUE_LIMIT

WINDOW_S = 60
ALPACA_REQUESTS_PER_MINUTE = 200


@dataclass(frozen=True, slots=True)
class Limits:
    """0 means no limit. Connections and symbols are those of one account on one market data stream."""

    requests_per_minute: int = 0
    stream_connections: int = 0
    stream_symbols: int = 0
    auth_timeout_s: float = 10.0
    queued_messages: int = QUEUE_LIMIT


@dataclass(frozen=True, slots=True)
class Quota:
    """What is left to an account after a request; `reset` is in seconds since 1970."""

    limit: int
    remaining: int
    reset: int
    is_exceeded: bool


class RateLimiter:
    """Counts requests by account in windows of one minute of real time; safe for threads."""

    def __init__(self, limit: int, clock: Callable[[], float] = time.time) -> None:
        self._limit = limit
        self._clock = clock
        self._guard = threading.Lock()
        self._window = 0
        self._used: dict[str, int] = {}

    def take(self, account: str) -> Quota:
        """Count one request."""
        window = int(self._clock()) // WINDOW_S
        with self._guard:
            if window != self._window:
                self._window, self._used = window, {}
            used = self._used[account] = self._used.get(account, 0) + 1
        return Quota(self._limit, max(self._limit - used, 0), (window + 1) * WINDOW_S, used > self._limit)
