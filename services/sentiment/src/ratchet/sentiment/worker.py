"""Reads a source, scores its texts, stores and publishes the result."""

import threading
from collections.abc import Iterable, Iterator

from ratchet.common import metrics
from ratchet.common.bus import Bus
from ratchet.common.logging import get_logger
from ratchet.common.streams import SENTIMENT, WATERMARK
from ratchet.common.texts import SourceUnavailableError, Text, TextSource
from ratchet.core.assets import Registry
from ratchet.core.sentiment import SentimentScorer, cashtags
from ratchet.core.sentiment.window import HOUR_NS, SentimentRow, bucket_scores
from ratchet.sentiment.store import SentimentStore
from ratchet.v1.control_pb2 import Watermark
from ratchet.v1.sentiment_pb2 import SentimentBatch, SentimentScore

POLL_S = 60.0
_OVERLAP_NS = HOUR_NS


class SentimentWorker:
    """Keeps social_sentiment complete.

    In a replay the whole source is scored before the first bar, which the watermark of step 1 tells; readers
    use only what was known at their event time. Live, the source is polled.
    """

    def __init__(
        self,
        bus: Bus,
        store: SentimentStore,
        registry: Registry,
        scorer: SentimentScorer,
        source: TextSource | None,
    ) -> None:
        self._bus = bus
        self._store = store
        self._registry = registry
        self._scorer = scorer
        self._source = source
        self._log = get_logger(__name__)

    def run_replay(self) -> None:
        """Score everything once, then let the replay begin."""
        if self._source is not None:
            self._take(self._source, after=0)
        self._bus.publish(WATERMARK, Watermark(service="sentiment", seq=1), ts=0)

    def run_live(self, stop: threading.Event) -> None:
        """Poll until stopped; a source that is away is asked again."""
        while not stop.is_set():
            if self._source is not None:
                try:
                    # The newest bucket may have been read half, so it is read again.
                    self._take(
                        self._source, after=max(0, self._store.newest(self._source.name) - _OVERLAP_NS)
                    )
                except SourceUnavailableError as error:
                    self._log.warning("source_unavailable", source=self._source.name, reason=str(error))
            self._bus.on_activity()
            stop.wait(POLL_S)

    def _take(self, source: TextSource, after: int) -> None:
        rows = bucket_scores(self._scored(source.read(after)))
        self._store.save(rows, source.name)
        for ts in sorted({row.ts for row in rows}):
            self._publish(ts, [row for row in rows if row.ts == ts], source.name)
        self._log.info("texts_scored", source=source.name, buckets=len(rows))

    def _scored(self, texts: Iterable[Text]) -> Iterator[tuple[int, int, float]]:
        for text in texts:
            metrics.SENTIMENT_TEXTS_TOTAL.labels(self._source.name if self._source else "").inc()
            score = self._scorer.score(text.text)
            for symbol in text.symbols or cashtags(text.text):
                if symbol in self._registry:
                    yield text.ts, self._registry.by_symbol(symbol).id, score

    def _publish(self, ts: int, rows: list[SentimentRow], source: str) -> None:
        scores = [
            SentimentScore(asset_id=row.asset_id, score=row.score, mentions=row.mentions, source=source)
            for row in rows
        ]
        self._bus.publish(SENTIMENT, SentimentBatch(ts_ns=ts, scores=scores), ts=ts)
