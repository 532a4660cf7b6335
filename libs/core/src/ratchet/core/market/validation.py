"""Validation of bars before anything trades on them."""

from collections.abc import Mapping, Sequence
from math import log1p

import numpy as np
from numpy.typing import NDArray

from ratchet.core.assets import Registry
from ratchet.core.market import kernel
from ratchet.core.market.batch import BarBatch, Floats
from ratchet.core.market.quality import BarDefect, Validation, ValidationConfig
from ratchet.core.sessions import get_calendar
from ratchet.core.timeframes import timeframe_ns

Ints = NDArray[np.int64]


class BarValidator:
    """Judges bars in event-time order with constant state per asset.

    A price that jumps by more than `spike_sigma` running volatilities and `spike_min_ratio` is quarantined;
    a second bar near the new level confirms the move, and no asset is quarantined for spikes for more than
    `max_spike_run_bars` bars in a row. The same bars always get the same verdicts, however they are batched.
    """

    def __init__(self, calendars: Sequence[str], config: ValidationConfig | None = None) -> None:
        """Take the calendar name of each asset, by asset id."""
        config = config or ValidationConfig()
        self._calendars = tuple(dict.fromkeys(calendars))
        codes = {name: code for code, name in enumerate(self._calendars)}
        self._codes = np.array([codes[name] for name in calendars], dtype=np.int64)
        self._limits = kernel.Limits(
            config.spike_sigma,
            log1p(config.spike_min_ratio),
            log1p(config.wick_min_ratio),
            config.warmup_bars,
            log1p(config.warmup_min_ratio),
            config.max_spike_run_bars,
            config.volatility_decay,
            config.stale_bars,
            config.quality_decay,
        )
        self._state = _new_state(len(calendars))

    @classmethod
    def for_registry(cls, registry: Registry, config: ValidationConfig | None = None) -> "BarValidator":
        """Return a validator for all assets of a registry."""
        return cls([asset.calendar for asset in registry], config)

    def validate(self, batch: BarBatch) -> Validation:
        """Judge one batch; its bars may repeat an asset, the first good one counts."""
        ends = np.full(len(batch), batch.ts, dtype=np.int64)
        prices = (batch.open, batch.high, batch.low, batch.close, batch.volume)
        return self.validate_columns(batch.asset_ids.astype(np.int64), ends, [batch.timeframe], None, prices)

    def validate_columns(
        self,
        assets: Ints,
        ends: Ints,
        timeframes: Sequence[str],
        timeframe_codes: NDArray[np.integer] | None,
        prices: Sequence[Floats] | Floats,
    ) -> Validation:
        """Judge many bars in event-time order.

        Columns are asset ids, bar ends (ns UTC), the index of each bar's timeframe in `timeframes` (None: all
        have the first) and open, high, low, close, volume.
        """
        size = len(assets)
        position, span = np.empty(size, dtype=np.int64), np.empty(size, dtype=np.int64)
        length, on_calendar = np.empty(size, dtype=np.int64), np.empty(size, dtype=np.bool_)
        groups = self._codes[assets] * len(timeframes) + (0 if timeframe_codes is None else timeframe_codes)
        for group in np.unique(groups):
            rows = slice(None) if (groups == group).all() else np.flatnonzero(groups == group)
            calendar = get_calendar(self._calendars[group // len(timeframes)])
            timeframe = timeframes[group % len(timeframes)]
            position[rows] = calendar.open_time(ends[rows])
            span[rows] = calendar.bar_open_ns(timeframe)
            length[rows] = timeframe_ns(timeframe)
            on_calendar[rows] = calendar.covers(ends[rows], timeframe)
        # Copies: to the compiler a read-only column is another type, and would be compiled a second time.
        columns = [np.array(column, dtype=np.float64) for column in prices]
        assets, ends = np.array(assets, dtype=np.int64), np.array(ends, dtype=np.int64)
        bars = kernel.Bars(assets, ends, position, span, length, on_calendar, *columns)
        result = Validation(np.zeros(size, np.uint8), np.zeros(size), np.zeros(size, np.int64))
        kernel.run(self._state, bars, self._limits, result.defects, result.quality, result.missing)
        return result

    def quality(self, assets: Sequence[int] | Ints) -> float:
        """Return the mean quality score in [0, 1] of those assets that have had a bar; 1.0 when none has."""
        expected = self._state.expected_weight[np.asarray(assets, dtype=np.int64)]
        good = self._state.good_weight[np.asarray(assets, dtype=np.int64)]
        seen = expected > 0
        return float(np.mean(good[seen] / expected[seen])) if seen.any() else 1.0

    def counts(self, asset: int) -> dict[BarDefect, int]:
        """Return how many bars of an asset had each defect, good ones under NONE."""
        return {defect: int(self._state.counts[asset, defect]) for defect in BarDefect}

    def missing(self, asset: int) -> int:
        """Return how many bars the calendar expected of an asset that did not come."""
        return int(self._state.missing[asset])

    def export_state(self) -> dict[str, NDArray[np.generic]]:
        """Return a copy of the state as named arrays, indexed by asset id."""
        return {name: column.copy() for name, column in self._state._asdict().items()}

    def restore_state(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Continue from an exported state; ValueError when it is not one of this registry's size."""
        for name, column in self._state._asdict().items():
            given = state.get(name)
            if given is None or given.shape != column.shape:
                shape = None if given is None else given.shape
                raise ValueError(f"validator state {name!r} has shape {shape}; expected {column.shape}")
            column[...] = given


def _new_state(size: int) -> kernel.State:
    def ints(fill: int = 0) -> Ints:
        return np.full(size, fill, dtype=np.int64)

    def floats() -> Floats:
        return np.zeros(size)

    return kernel.State(
        last_end=ints(kernel.NEVER),
        last_position=ints(kernel.NEVER),
        last_close=floats(),
        variance=floats(),
        returns=ints(),
        candidate=floats(),
        spike_run=ints(),
        stale_run=ints(),
        good_weight=floats(),
        expected_weight=floats(),
        counts=np.zeros((size, len(BarDefect)), dtype=np.int64),
        missing=ints(),
    )
