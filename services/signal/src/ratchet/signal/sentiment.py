"""What the signal engine sees of the sentiment table."""

from ratchet.core.assets import Asset
from ratchet.core.market.batch import Floats
from ratchet.core.sentiment.window import HOUR_NS, SentimentWindow
from ratchet.signal.store import SignalStore

_WINDOW_NS = 24 * HOUR_NS


class SentimentView:
    """Sentiment of one universe at an event time, from the database.

    A replay's scores are complete before its first step, so they are read ahead in chunks of `chunk_ns`. Live
    ones change until their hour is over and every text has come in, so the whole window is read each time.
    """

    def __init__(self, store: SignalStore, assets: tuple[Asset, ...], chunk_ns: int = 0) -> None:
        self._store = store
        self._ids = [asset.id for asset in assets]
        self._window = SentimentWindow(self._ids, _WINDOW_NS)
        self._chunk_ns = chunk_ns
        self._read_to = 0

    def at(self, ts: int) -> Floats | None:
        """Return the scores [N] at ts, or None when no asset has any."""
        if not self._chunk_ns:
            self._window = SentimentWindow(self._ids, _WINDOW_NS)
            self._window.add(self._store.sentiment_between(self._ids, ts - _WINDOW_NS, ts))
        elif ts > self._read_to:
            since = max(self._read_to, ts - _WINDOW_NS)
            self._read_to = ts + self._chunk_ns
            self._window.add(self._store.sentiment_between(self._ids, since, self._read_to))
        return self._window.at(ts)
