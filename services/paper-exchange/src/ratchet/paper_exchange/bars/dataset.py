"""The bars of a dataset up to the clock."""

import copy

import numpy as np
from numpy.typing import NDArray

from ratchet.common.datasets.columns import BarColumns
from ratchet.core.assets import Registry
from ratchet.paper_exchange.bars.history import Bars, Clock, make_bars, no_bars, stamp
from ratchet.paper_exchange.wire.assets import is_crypto


class DatasetHistory:
    """The bars of a dataset up to the clock."""

    def __init__(self, columns: BarColumns, registry: Registry, clock: Clock) -> None:
        self._columns = columns
        self._registry = registry
        self._clock = clock
        self._order = np.argsort(columns.assets, kind="stable")
        self._borders = np.searchsorted(columns.assets[self._order], np.arange(len(registry) + 1))
        self._cache: dict[int, Bars] = {}

    def seen_by(self, clock: Clock) -> "DatasetHistory":
        """Return the same bars up to another clock; nothing is copied."""
        other = copy.copy(self)
        other._clock = clock  # noqa: SLF001 - its own class
        return other

    def timeframe(self, asset_id: int) -> str | None:
        """Return the timeframe of an asset's bars, None if it has none."""
        rows = self._rows(asset_id)
        return self._columns.timeframes[self._columns.timeframe_codes[rows[0]]] if len(rows) else None

    def load(self, asset_id: int, start: int, end: int) -> Bars:
        """Return the bars whose START lies in [start, end]."""
        bars = self._passed(asset_id)
        first = int(np.searchsorted(bars.starts, start, side="left"))
        return bars.take(slice(first, int(np.searchsorted(bars.starts, end, side="right"))))

    def last(self, asset_id: int) -> Bars:
        """Return the last bar, empty if there is none yet."""
        return self._passed(asset_id).take(slice(-1, None))

    def _passed(self, asset_id: int) -> Bars:
        bars = self._cache.get(asset_id)
        if bars is None:
            bars = self._cache[asset_id] = self._build(asset_id)
        return bars.take(slice(int(np.searchsorted(bars.ends, self._clock(), side="right"))))

    def _build(self, asset_id: int) -> Bars:
        rows = self._rows(asset_id)
        if not len(rows):
            return no_bars()
        columns, crypto = self._columns, is_crypto(self._registry[asset_id])
        timeframe = columns.timeframes[columns.timeframe_codes[rows[0]]]
        starts = stamp(columns.starts[rows], timeframe, crypto)
        return make_bars(starts, columns.ends[rows], columns.prices[:, rows])

    def _rows(self, asset_id: int) -> NDArray[np.intp]:
        return self._order[self._borders[asset_id] : self._borders[asset_id + 1]]
