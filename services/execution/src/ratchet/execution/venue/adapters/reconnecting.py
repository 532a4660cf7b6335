"""How long a stream waits before it connects again."""

import time

_QUICK_PAUSE_S, _QUICK_TRIES = 0.1, 50
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 5.0
_DOUBLINGS = 5
# A connection that lasts for so long was a good one.
_STABLE_S = 5.0


class Reconnecting:
    """Counts the failures in a row of one stream."""

    def __init__(self) -> None:
        self._refused = self._failures = 0
        self._connected_at: float | None = None

    def connected(self) -> None:
        """The stream is connected."""
        self._refused = 0
        self._connected_at = time.monotonic()

    def pause_s(self, *, is_refused: bool) -> float:
        """Note a failure, or the end of a connection; return the seconds to wait.

        A connection that nobody accepts (`is_refused`) burdens nobody, so it is tried often at first: a venue
        that starts again is back within seconds, and until then there is no new risk.
        """
        if self._connected_at is not None and time.monotonic() >= self._connected_at + _STABLE_S:
            self._failures = 0
        self._connected_at = None
        if is_refused:
            self._refused += 1
            return _QUICK_PAUSE_S if self._refused <= _QUICK_TRIES else _LONGEST_PAUSE_S
        self._failures += 1
        return min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * float(2 ** min(self._failures - 1, _DOUBLINGS)))
