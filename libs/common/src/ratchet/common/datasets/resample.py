"""Longer bars from shorter ones, aligned to the session's open."""

import numpy as np

from ratchet.common.datasets.columns import BarColumns
from ratchet.core.sessions import Calendar


def resample(bars: BarColumns, calendar: Calendar, timeframe: str) -> BarColumns:
    """Return bars of a longer timeframe.

    The input lies within sessions and holds no bar twice; a bucket that lacks bars is built from the rest.
    """
    buckets = calendar.bucket_starts(bars.starts, timeframe)
    order = np.lexsort((bars.starts, buckets, bars.assets))
    bars, buckets = bars.take(order), buckets[order]
    changes = (np.diff(bars.assets) != 0) | (np.diff(buckets) != 0)
    first = np.concatenate(([0], np.flatnonzero(changes) + 1))
    last = np.append(first[1:], len(bars)) - 1
    starts = buckets[first]
    opens, highs, lows, closes, volumes = bars.prices
    return BarColumns(
        bars.assets[first],
        starts,
        calendar.bar_ends(starts, timeframe),
        np.zeros(len(first), dtype=np.int64),
        (timeframe,),
        np.stack(
            (
                opens[first],
                np.maximum.reduceat(highs, first),
                np.minimum.reduceat(lows, first),
                closes[last],
                np.add.reduceat(volumes, first),
            )
        ),
    )
