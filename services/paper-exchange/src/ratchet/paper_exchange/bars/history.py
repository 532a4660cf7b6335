"""Bars that the clock has passed, by asset and start time."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ratchet.common.timestamps import to_datetime, to_ns
from ratchet.core.assets import Asset
from ratchet.core.market import BarBatch
from ratchet.core.timeframes import timeframe_ns
from ratchet.paper_exchange.wire.values import NEW_YORK

NS_PER_DAY = 86_400_000_000_000
Times = NDArray[np.int64]
Floats = NDArray[np.float64]
Clock = Callable[[], int]


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars of one asset as columns, in order; times are ns UTC, starts stamped as Alpaca does."""

    starts: Times
    ends: Times
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    vwap: Floats

    def __len__(self) -> int:
        return len(self.starts)

    def take(self, index: slice | NDArray[np.intp] | NDArray[np.bool_]) -> "Bars":
        """Return some of the bars."""
        return Bars(
            self.starts[index],
            self.ends[index],
            self.open[index],
            self.high[index],
            self.low[index],
            self.close[index],
            self.volume[index],
            self.vwap[index],
        )


def make_bars(starts: Times, ends: Times, prices: Floats) -> Bars:
    """Return bars from the columns open, high, low, close and volume.

    Bars carry no volume-weighted price; (high + low + close) / 3 stands for it.
    """
    opened, high, low, close, volume = prices
    return Bars(starts, ends, opened, high, low, close, volume, np.asarray((high + low + close) / 3.0))


def no_bars() -> Bars:
    """Return no bars."""
    none = np.empty(0, dtype=np.int64)
    return make_bars(none, none, np.empty((5, 0)))


class BarHistory(Protocol):
    """Where the data API finds bars; nothing that ends after the clock is ever returned."""

    def timeframe(self, asset_id: int) -> str | None:
        """Return the timeframe of an asset's bars, None if it has none."""

    def load(self, asset_id: int, start: int, end: int) -> Bars:
        """Return the bars whose START lies in [start, end]."""

    def last(self, asset_id: int) -> Bars:
        """Return the last bar, empty if there is none yet."""


def last_batches(history: BarHistory, assets: Iterable[Asset]) -> list[BarBatch]:
    """Return each asset's last bar in a batch of its own, for the exchange's marks."""
    batches = []
    for asset in assets:
        bars, timeframe = history.last(asset.id), history.timeframe(asset.id)
        if timeframe is not None and len(bars):
            ids = np.array([asset.id], dtype=np.uint32)
            prices = (bars.open, bars.high, bars.low, bars.close, bars.volume)
            batches.append(BarBatch(asset.universe, timeframe, int(bars.ends[0]), ids, *prices))
    return batches


def stamp(starts: Times, timeframe: str, crypto: bool) -> Times:
    """Return the times by which Alpaca knows bars: daily ones of equities start at midnight in New York."""
    if crypto or timeframe_ns(timeframe) < NS_PER_DAY:
        return starts
    return np.fromiter((new_york_midnight(start) for start in starts.tolist()), np.int64, len(starts))


def new_york_midnight(ts: int) -> int:
    """Return when the UTC date of a time begins in New York."""
    day = to_datetime(ts).date()
    return to_ns(datetime(day.year, day.month, day.day, tzinfo=NEW_YORK))
