"""Judges live batches, keeps them, and publishes what may be traded on."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ratchet.common import metrics
from ratchet.common.bus import Bus
from ratchet.common.codec import encode_bars
from ratchet.common.datasets import QuarantinedBar
from ratchet.common.streams import bars_stream
from ratchet.core.assets import Asset, Registry
from ratchet.core.market import BarBatch, BarDefect
from ratchet.core.market.validation import BarValidator
from ratchet.market_data.settings import MINUTE_NS
from ratchet.market_data.source import MINUTE, MinuteBar
from ratchet.market_data.store import BarStore

_PRICES = ("open", "high", "low", "close", "volume")
_JUDGED_BARS = 200


class LivePublisher:
    """Bars are in the database before they are in a stream; bad ones are in quarantine, with the reason.

    `clock` gives Unix seconds, for the age of the data.
    """

    def __init__(
        self, bus: Bus, store: BarStore, registry: Registry, clock: Callable[[], float] = time.time
    ) -> None:
        self._bus = bus
        self._store = store
        self._registry = registry
        self._validator = BarValidator.for_registry(registry)
        self._clock = clock
        self._newest: dict[str, int] = {}

    def resume(self, assets: Sequence[Asset], timeframe: str) -> int:
        """Return the event time up to which a universe was published (ns, UTC), 0 if it never was.

        The validator is shown the bars before it, so that it judges as if there had been no pause.
        """
        universe = assets[0].universe
        published = self._bus.last(bars_stream(universe))
        done = published.ts if published else self._store.newest_event(assets, timeframe)
        if done:
            for batch in self._store.batches_until(assets, timeframe, done, _JUDGED_BARS):
                self._validator.validate(batch)
            self._newest[universe] = done
        return done

    def give_out(self, batches: Sequence[BarBatch], *, publish_after: int = 0) -> None:
        """Judge and store complete batches of one universe, oldest first; publish those of later times."""
        if not batches:
            return
        good = [batch for batch in map(self._judged, batches) if len(batch)]
        self._store.save_batches(good)
        last = batches[-1]
        self._newest[last.universe] = last.ts
        score = self._validator.quality(last.asset_ids.astype(np.int64))
        self._store.save_quality(last, score, sum(map(len, good)))
        metrics.EVENT_TIME_SECONDS.set(last.ts / 1e9)
        for batch in good:
            metrics.BARS_TOTAL.labels(batch.universe).inc(len(batch))
        stream = bars_stream(last.universe)
        self._bus.publish_many(
            [(stream, encode_bars(batch), batch.ts) for batch in good if batch.ts > publish_after]
        )

    def refuse_late(self, bar: MinuteBar) -> None:
        """Keep a minute aside that came after its event time was given out."""
        self._store.quarantine(
            self._quarantined(
                bar.asset_id, MINUTE, bar.start, bar.start + MINUTE_NS, BarDefect.OUT_OF_ORDER, bar[2:]
            )
        )

    def observe_age(self) -> None:
        """Set ratchet_data_age_seconds."""
        now = self._clock()
        for universe, newest in self._newest.items():
            metrics.DATA_AGE_SECONDS.labels(universe).set(max(0.0, now - newest / 1e9))

    def _judged(self, batch: BarBatch) -> BarBatch:
        verdict = self._validator.validate(batch)
        for row in np.flatnonzero(~verdict.good).tolist():
            prices = tuple(float(getattr(batch, name)[row]) for name in _PRICES)
            asset_id, defect = int(batch.asset_ids[row]), BarDefect(int(verdict.defects[row]))
            self._store.quarantine(
                self._quarantined(asset_id, batch.timeframe, batch.start, batch.ts, defect, prices)
            )
        return batch if verdict.good.all() else _rows(batch, verdict.good)

    def _quarantined(
        self,
        asset_id: int,
        timeframe: str,
        start: int,
        end: int,
        defect: BarDefect,
        prices: tuple[float, ...],
    ) -> QuarantinedBar:
        asset = self._registry[asset_id]
        where = (asset.id, asset.symbol, asset.universe, timeframe)
        return QuarantinedBar(*where, end, start, defect, *prices)


def _rows(batch: BarBatch, keep: NDArray[np.bool_]) -> BarBatch:
    columns = {name: getattr(batch, name)[keep] for name in ("asset_ids", *_PRICES)}
    return replace(batch, **columns)
