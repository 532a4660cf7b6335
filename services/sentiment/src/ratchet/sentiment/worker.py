"""Reads a source, scores its texts, stores and publishes the result."""

import threading
from collections.abc import Iterable, Iterator

from ratchet.common import metrics
from ratchet.common.bus import Bus
from ratchet.common.logging import get_logger
from ratchet.common.streams import SENTIMENT, WATERMARK
from ratchet.common.texts import SourceError, SourceUnavailableError, Text, TextSource, scored_texts
from ratchet.core.assets import Registry
from ratchet.core.sentiment import SentimentScorer
from ratchet.core.sentiment.window import HOUR_NS, SentimentRow, bucket_scores
from ratchet.sentiment.store import SentimentStore
from ratchet.v1.control_pb2 import Watermark
from ratchet.v1.sentiment_pb2 import SentimentBatch, SentimentScore

POLL_S = 60.0
_BEAT_S = 1.0


class SentimentWorker:
    """Keeps social_sentiment complete.

    In a replay the whole source is scored before the first bar, which the watermark of step 1 tells; readers
    use only what was known at their event time. Live, the source is polled; `trouble` says why it cannot be
    read, and it is asked again.
    """

    def __init__(
        self,
        bus: Bus,
        store: SentimentStore,
        registry: Registry,
        scorer: SentimentScorer,
        source: TextSource | None,
        poll_s: float = POLL_S,
    ) -> None:
        self._bus = bus
        self._store = store
        self._registry = registry
        self._scorer = scorer
        self._source = source
        self._poll_s = poll_s
        self._sent: frozenset[SentimentRow] = frozenset()
        self._log = get_logger(__name__)
        self.trouble: str | None = None

    def run_replay(self) -> None:
        """Score everything once, then let the replay begin."""
        if self._source is not None:
            self._take(self._source, after=0)
        self._bus.publish(WATERMARK, Watermark(service="sentiment", seq=1), ts=0)

    def run_live(self, stop: threading.Event) -> None:
        """Poll until stopped."""
        while not stop.is_set():
            if self._source is not None:
                self._poll(self._source)
            waited = 0.0
            while waited < self._poll_s and not stop.wait(min(_BEAT_S, self._poll_s)):
                self._bus.on_activity()
                waited += _BEAT_S

    def _poll(self, source: TextSource) -> None:
        try:
            # The newest bucket may have been read half, so it is read again.
            self._take(source, after=max(0, self._store.newest(source.name) - HOUR_NS))
        except (SourceError, SourceUnavailableError) as error:
            if str(error) != self.trouble:
                self._log.warning("source_unreadable", source=source.name, reason=str(error))
            self.trouble = str(error)
        else:
            self.trouble = None

    def _take(self, source: TextSource, after: int) -> None:
        rows = bucket_scores(scored_texts(self._counted(source, after), self._registry, self._scorer))
        current = frozenset(rows)
        fresh = sorted(current - self._sent)
        self._store.save(fresh, source.name)
        buckets: dict[int, list[SentimentRow]] = {}
        for row in fresh:
            buckets.setdefault(row.ts, []).append(row)
        self._bus.publish_many(
            (SENTIMENT, _batch(ts, buckets[ts], source.name), ts) for ts in sorted(buckets)
        )
        self._sent = current
        self._log.info("texts_scored", source=source.name, scores=len(fresh))

    def _counted(self, source: TextSource, after: int) -> Iterator[Text]:
        texts: Iterable[Text] = source.read(after)
        counter = metrics.SENTIMENT_TEXTS_TOTAL.labels(source.name)
        for text in texts:
            counter.inc()
            yield text


def _batch(ts: int, rows: list[SentimentRow], source: str) -> SentimentBatch:
    scores = [
        SentimentScore(asset_id=row.asset_id, score=row.score, mentions=row.mentions, source=source)
        for row in rows
    ]
    return SentimentBatch(ts_ns=ts, scores=scores)
