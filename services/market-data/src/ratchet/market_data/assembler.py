"""Minute bars of one universe, put together to batches of the decision timeframe."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ratchet.core.assets import Asset
from ratchet.core.market import BarBatch
from ratchet.core.sessions import Calendar, get_calendar
from ratchet.core.timeframes import timeframe_ns
from ratchet.market_data.settings import MINUTE_NS
from ratchet.market_data.source import MinuteBar


@dataclass(slots=True)
class _Forming:
    """A bar of one asset so far; `end` is that of its last minute."""

    open: float
    high: float
    low: float
    close: float
    volume: float
    end: int

    def extend(self, bar: MinuteBar) -> None:
        self.high, self.low = max(self.high, bar.high), min(self.low, bar.low)
        self.close = bar.close
        self.volume += bar.volume
        self.end = bar.start + MINUTE_NS


@dataclass(slots=True)
class _Bucket:
    start: int
    bars: dict[int, _Forming] = field(default_factory=dict)


class Assembler:
    """Collects the minutes of a universe and gives out each event time once, when it is complete.

    That is when every asset's last minute has come, or when `grace_ns` have passed in the universe's time:
    the end of its newest minute and the time that has gone since it came. Minutes outside the sessions of an
    asset's calendar are left out. `completed_to` is the newest event time that was given out (ns, UTC).
    """

    def __init__(self, assets: Sequence[Asset], timeframe: str, grace_ns: int) -> None:
        self.universe = assets[0].universe
        self.assets = tuple(assets)
        self.completed_to = 0
        self._timeframe = timeframe
        self._length = timeframe_ns(timeframe)
        self._grace_ns = grace_ns
        self._calendars: dict[int, Calendar] = {asset.id: get_calendar(asset.calendar) for asset in assets}
        self._buckets: dict[int, _Bucket] = {}
        self._last_start: dict[int, int] = {}
        self._newest_end = 0
        self._newest_came_ns = 0

    def add(self, bar: MinuteBar, now_ns: int) -> bool:
        """Take a minute that came at `now_ns` (monotonic); False if it is too late to count.

        A minute that was taken before changes nothing.
        """
        if bar.start <= self._last_start.get(bar.asset_id, -1):
            return True
        place = self._place(bar)
        if place is None:
            return True
        start, end = place
        self._last_start[bar.asset_id] = bar.start
        if bar.start + MINUTE_NS > self._newest_end:
            self._newest_end, self._newest_came_ns = bar.start + MINUTE_NS, now_ns
        if end <= self.completed_to:
            return False
        bucket = self._buckets.setdefault(end, _Bucket(start))
        forming = bucket.bars.get(bar.asset_id)
        if forming is None:
            bucket.bars[bar.asset_id] = _Forming(*bar[2:], end=bar.start + MINUTE_NS)
        else:
            forming.extend(bar)
        return True

    def due(self, now_ns: int) -> list[BarBatch]:
        """Return the batches that are complete at `now_ns` (monotonic), oldest first."""
        batches = []
        for end in sorted(self._buckets):
            if not self._is_complete(end, now_ns):
                break
            batches.append(self._batch(end, self._buckets.pop(end)))
            self.completed_to = end
        return batches

    def due_at(self) -> int | None:
        """Return the monotonic time at which the oldest batch's grace is over, or None without one."""
        if not self._buckets:
            return None
        return min(self._buckets) + self._grace_ns - self._newest_end + self._newest_came_ns

    @property
    def newest_end(self) -> int:
        """End of the newest minute that was taken (ns, UTC)."""
        return self._newest_end

    def _is_complete(self, end: int, now_ns: int) -> bool:
        universe_time = self._newest_end + now_ns - self._newest_came_ns
        if universe_time >= end + self._grace_ns:
            return True
        bars = self._buckets[end].bars
        return len(bars) == len(self.assets) and all(forming.end >= end for forming in bars.values())

    def _place(self, bar: MinuteBar) -> tuple[int, int] | None:
        """Return start and end of the bar that a minute belongs to; None outside the sessions."""
        calendar = self._calendars[bar.asset_id]
        if not calendar.is_open(bar.start):
            return None
        starts = calendar.bucket_starts(np.array([bar.start], dtype=np.int64), self._timeframe)
        return int(starts[0]), int(calendar.bar_ends(starts, self._timeframe)[0])

    def _batch(self, end: int, bucket: _Bucket) -> BarBatch:
        ids = sorted(bucket.bars)
        bars = [bucket.bars[asset_id] for asset_id in ids]
        columns: dict[str, Any] = {
            name: np.array([getattr(bar, name) for bar in bars], dtype=np.float64)
            for name in ("open", "high", "low", "close", "volume")
        }
        return BarBatch(
            universe=self.universe,
            timeframe=self._timeframe,
            ts=end,
            asset_ids=np.array(ids, dtype=np.uint32),
            start=bucket.start,
            **columns,
        )
