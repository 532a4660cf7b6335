"""What the signal engine sees of the sentiment table."""

import threading
import time
from collections.abc import Callable, Iterable

from ratchet.common.errors import DatabaseUnavailableError
from ratchet.common.logging import get_logger
from ratchet.core.assets import Asset
from ratchet.core.market.batch import Floats
from ratchet.core.sentiment.window import HOUR_NS, SentimentWindow
from ratchet.signal.store import SignalStore

_WINDOW_NS = 24 * HOUR_NS
_REFRESH_S = 1.0
# Older than this and bars wait for a read: nobody has refreshed for a while.
MAX_AGE_S = 5.0


class SentimentView:
    """Sentiment of one universe at an event time, from the database.

    A replay's scores are complete before its first step, so they are read ahead in chunks of `chunk_ns`. Live
    ones change until their hour is over and every text has come in, so the whole window is read again: by
    `refresh`, in the background, or when what was read is older than `max_age_s`.
    """

    def __init__(
        self,
        store: SignalStore,
        assets: tuple[Asset, ...],
        chunk_ns: int = 0,
        *,
        max_age_s: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._ids = [asset.id for asset in assets]
        self._window = SentimentWindow(self._ids, _WINDOW_NS)
        self._chunk_ns = chunk_ns
        self._max_age_s = max_age_s
        self._clock = clock
        self._read_to = 0
        self._read_at = float("-inf")
        self._asked_ts = 0

    def at(self, ts: int) -> Floats | None:
        """Return the scores [N] at ts, or None when no asset has any."""
        self._asked_ts = ts
        if not self._chunk_ns:
            if self._clock() - self._read_at >= self._max_age_s:
                self.refresh()
        elif ts > self._read_to:
            since = max(self._read_to, ts - _WINDOW_NS)
            self._read_to = ts + self._chunk_ns
            self._window.add(self._store.sentiment_between(self._ids, since, self._read_to))
        return self._window.at(ts)

    def refresh(self) -> None:
        """Read the window again around the time that was last asked for; any thread may do it."""
        if not self._asked_ts:
            return
        started = self._clock()
        window = SentimentWindow(self._ids, _WINDOW_NS)
        since, until = self._asked_ts - _WINDOW_NS, self._asked_ts + _WINDOW_NS
        window.add(self._store.sentiment_between(self._ids, since, until))
        self._window, self._read_at = window, started


def keep_fresh(views: Iterable[SentimentView], stop: threading.Event) -> None:
    """Refresh live views once a second until stopped."""
    log = get_logger(__name__)
    while not stop.wait(_REFRESH_S):
        try:
            for view in tuple(views):
                view.refresh()
        except DatabaseUnavailableError as error:
            log.warning("sentiment_unavailable", reason=str(error))
