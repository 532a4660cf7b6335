"""Lock-step replay: releases the bars of one event time when every consumer has finished the last one."""

import threading
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from ratchet.common import metrics
from ratchet.common.bus import Bus
from ratchet.common.codec import encode_bars
from ratchet.common.datasets import Dataset
from ratchet.common.datasets.replay import Replay
from ratchet.common.logging import get_logger
from ratchet.common.streams import bars_stream
from ratchet.common.timestamps import to_datetime, utc_day
from ratchet.core.assets import Registry
from ratchet.core.market import BarBatch
from ratchet.market_data.gate import Gate
from ratchet.market_data.store import BarStore
from ratchet.v1.market_data_pb2 import BarBatch as BarBatchMessage

StepBatches = tuple[BarBatch, ...]

STATUS_KEY = "ratchet:replay:status"
_STORED_AHEAD = 256
_STATUS_EVERY = 20
_NS = 1_000_000_000


class LockstepReplay:
    """Publishes a dataset step by step; after a restart it goes on behind the last released step.

    The first step waits for the sentiment of the dataset's texts. Each other one is released when
    execution has finished the step before it and, after the first step of a UTC day, phase-activation
    has judged the day that ended. `speed` is a multiple of real time, or None for
    as fast as the consumers are. Bars are in the database before they are in a stream.
    """

    def __init__(
        self, bus: Bus, store: BarStore, registry: Registry, dataset: Dataset, speed: float | None
    ) -> None:
        self._bus = bus
        self._store = store
        self._registry = registry
        self._dataset = dataset
        self._speed = speed
        self._gate = Gate(bus)
        self._log = get_logger(__name__)
        self._total = 0
        self._since_score: Counter[str] = Counter()
        self.last_ts = 0
        self._required = {"sentiment": 1, "execution": 0, "phase-activation": 0}

    def run(self, stop: threading.Event) -> bool:
        """Release what is not released yet; return True when the dataset has ended, False if stopped."""
        released = self._released_seq()
        if released:
            # The first step did wait for it, and its watermark may have left the stream since.
            del self._required["sentiment"]
        replay = self._dataset.replay(self._registry, on_quarantine=self._store.quarantine)
        self._total = replay.steps
        self._status("running", released, 0)
        self._log.info("replay_started", steps=self._total, resumed_at=released, speed=self._speed or "max")
        for batches, quality in self._unreleased(replay, released):
            if not self._gate.wait(self._required, stop) or not self._pace(batches[0].ts, stop):
                return False
            self._release(batches, quality)
        if not self._gate.wait(self._required, stop):
            return False
        self._status("done", self._total, self.last_ts)
        self._log.info("replay_finished", steps=self._total)
        return True

    def _unreleased(self, replay: Replay, released: int) -> Iterator[tuple[StepBatches, dict[str, float]]]:
        steps, row = iter(replay), 0
        for batches in islice(steps, released):
            self._note(batches)
            row += sum(map(len, batches))
        while chunk := [(batches, dict(replay.quality)) for batches in islice(steps, _STORED_AHEAD)]:
            size = sum(len(batch) for batches, _ in chunk for batch in batches)
            self._store.save_columns(replay.columns, row, row + size)
            row += size
            yield from chunk
        self._store.flush_quarantine()

    def progress(self) -> dict[str, object]:
        """Return how far the replay is, and whom it waits for with the step that each has reached."""
        return {
            "seq": self._required["execution"],
            "total": self._total,
            "event_time": to_datetime(self.last_ts).isoformat(),
            "waiting_for": dict(self._gate.missing),
        }

    def _release(self, batches: StepBatches, quality: dict[str, float]) -> None:
        ts, seq = batches[0].ts, batches[0].step.seq
        self._bus.publish_many([(bars_stream(batch.universe), encode_bars(batch), ts) for batch in batches])
        for batch in batches:
            metrics.BARS_TOTAL.labels(batch.universe).inc(len(batch))
            self._since_score[batch.universe] += len(batch)
        metrics.REPLAY_STEPS_TOTAL.inc()
        if self._note(batches) or seq == self._total:
            for batch in batches:
                bars = self._since_score.pop(batch.universe)
                self._store.save_quality(batch, quality[batch.universe], bars)
        if seq % _STATUS_EVERY == 0 or seq == self._total:
            self._status("running", seq, ts)

    def _note(self, batches: StepBatches) -> bool:
        """Take the step as released; return whether it is the first of a later UTC day."""
        ts, seq = batches[0].ts, batches[0].step.seq
        self._required["execution"] = seq
        new_day = bool(self.last_ts) and utc_day(ts) != utc_day(self.last_ts)
        if new_day:
            self._required["phase-activation"] = seq
        self.last_ts = ts
        return new_day

    def _pace(self, ts: int, stop: threading.Event) -> bool:
        if self._speed is None or not self.last_ts:
            return not stop.is_set()
        seconds = (ts - self.last_ts) / _NS / self._speed
        while seconds > 0 and not stop.wait(min(seconds, 1.0)):
            self._bus.on_activity()
            seconds -= 1.0
        return not stop.is_set()

    def _released_seq(self) -> int:
        newest = (self._bus.last(bars_stream(universe)) for universe in self._registry.universes)
        return max((entry.parse(BarBatchMessage).step.seq for entry in newest if entry), default=0)

    def _status(self, state: str, seq: int, ts: int) -> None:
        fields: dict[str, str | int] = {"state": state, "seq": seq, "total": self._total, "ts": ts}
        self._bus.retrying(lambda: self._bus.redis.hset(STATUS_KEY, mapping=fields))
        metrics.REPLAY_PROGRESS_RATIO.set(seq / self._total if self._total else 1.0)
        metrics.EVENT_TIME_SECONDS.set(ts / _NS)
