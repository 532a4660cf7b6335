"""The validator's compiled loop: O(1) work and state per bar."""

from math import isfinite, log, sqrt
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ratchet.core.market.batch import Floats
from ratchet.core.market.quality import BarDefect

Ints = NDArray[np.int64]

NOT_A_NUMBER = int(BarDefect.NOT_A_NUMBER)
NON_POSITIVE_PRICE = int(BarDefect.NON_POSITIVE_PRICE)
OHLC_INCONSISTENT = int(BarDefect.OHLC_INCONSISTENT)
NEGATIVE_VOLUME = int(BarDefect.NEGATIVE_VOLUME)
DUPLICATE = int(BarDefect.DUPLICATE)
OUT_OF_ORDER = int(BarDefect.OUT_OF_ORDER)
OFF_CALENDAR = int(BarDefect.OFF_CALENDAR)
STALE_PRICE = int(BarDefect.STALE_PRICE)
SPIKE = int(BarDefect.SPIKE)

NEVER = np.iinfo(np.int64).min
MAX_MISSING_BARS = 1000
# A pause (a night, a weekend) widens the spike limit with the square root of its length in bars, up to this.
MAX_PAUSE_BARS = 25.0
CLIP_SIGMA = 5.0


class Limits(NamedTuple):
    """ValidationConfig in the kernel's units: log moves and plain numbers."""

    spike_sigma: float
    spike_min_log: float
    wick_min_log: float
    warmup_bars: int
    warmup_min_log: float
    max_spike_run_bars: int
    volatility_decay: float
    stale_bars: int
    quality_decay: float


class State(NamedTuple):
    """One entry per asset; times in ns, NEVER before the first bar."""

    last_end: Ints
    last_position: Ints
    last_close: Floats
    variance: Floats
    returns: Ints
    candidate: Floats
    spike_run: Ints
    stale_run: Ints
    good_weight: Floats
    expected_weight: Floats
    counts: Ints
    missing: Ints


class Bars(NamedTuple):
    """Columns of bars in event-time order; position is market time at the bar's end (Calendar.open_time)."""

    asset: Ints
    end: Ints
    position: Ints
    span: Ints
    length: Ints
    on_calendar: NDArray[np.bool_]
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats


def jit(function: Any) -> Any:
    """Compile without the GIL and keep the result on disk."""
    return njit(cache=True, nogil=True)(function)


@jit
def malformed(o: float, h: float, low: float, c: float, v: float) -> int:
    """Return the defect of a bar taken by itself."""
    if not (isfinite(o) and isfinite(h) and isfinite(low) and isfinite(c) and isfinite(v)):
        return NOT_A_NUMBER
    if min(o, h, low, c) <= 0.0:
        return NON_POSITIVE_PRICE
    if h < max(o, c) or low > min(o, c):
        return OHLC_INCONSISTENT
    if v < 0.0:
        return NEGATIVE_VOLUME
    return 0


@jit
def displaced(end: int, last_end: int, on_calendar: bool) -> int:
    """Return the defect of a bar's place in time."""
    if end == last_end:
        return DUPLICATE
    if end < last_end:
        return OUT_OF_ORDER
    return 0 if on_calendar else OFF_CALENDAR


@jit
def spike_limit(state: Any, a: int, pause: float, limits: Any) -> float:
    """Return the largest log move of asset a that is believed at once."""
    floor = limits.spike_min_log if state.returns[a] >= limits.warmup_bars else limits.warmup_min_log
    return float(max(limits.spike_sigma * sqrt(state.variance[a] * pause), floor))


@jit
def is_spike(state: Any, a: int, pause: float, h: float, low: float, c: float, limits: Any) -> bool:
    """Judge a move against the asset's volatility; a second bar at the new level confirms it."""
    previous = state.last_close[a]
    if previous <= 0.0:
        return False
    limit = spike_limit(state, a, pause, limits)
    confirmed = state.candidate[a] > 0.0 and abs(log(c / state.candidate[a])) <= limit
    if abs(log(c / previous)) > limit and not confirmed:
        state.candidate[a] = c
        return bool(state.spike_run[a] < limits.max_spike_run_bars)
    reference = state.candidate[a] if confirmed else previous
    wick = max(log(h / max(reference, c)), log(min(reference, c) / low))
    if wick > max(limit, limits.wick_min_log):
        return bool(state.spike_run[a] < limits.max_spike_run_bars)
    return False


@jit
def learn(state: Any, a: int, pause: float, c: float, limits: Any) -> None:
    """Update the running variance by a clipped return, so that one outlier does not widen the limit."""
    previous = state.last_close[a]
    if previous <= 0.0:
        return
    move = log(c / previous) / sqrt(pause)
    bound = limits.warmup_min_log
    if state.returns[a] >= limits.warmup_bars:
        bound = max(CLIP_SIGMA * sqrt(state.variance[a]), 1e-4)
    move = min(max(move, -bound), bound)
    state.returns[a] += 1
    weight = max(1.0 - limits.volatility_decay, 1.0 / state.returns[a])
    state.variance[a] += weight * (move * move - state.variance[a])


@jit
def judge(state: Any, bars: Any, i: int, limits: Any) -> int:
    """Return the defect of bar i and update what is known of its asset's price."""
    a = bars.asset[i]
    o, h, low, c = bars.open[i], bars.high[i], bars.low[i], bars.close[i]
    defect = displaced(bars.end[i], state.last_end[a], bars.on_calendar[i])
    if defect == 0:
        defect = malformed(o, h, low, c, bars.volume[i])
    if defect != 0:
        return int(defect)
    pause = 1.0
    if state.last_end[a] != NEVER:
        pause = min(max((bars.end[i] - state.last_end[a]) / bars.length[i], 1.0), MAX_PAUSE_BARS)
    unchanged = o == h and h == low and low == c and c == state.last_close[a]
    state.stale_run[a] = state.stale_run[a] + 1 if unchanged else 0
    if state.stale_run[a] >= limits.stale_bars:
        return STALE_PRICE
    if is_spike(state, a, pause, h, low, c, limits):
        state.spike_run[a] += 1
        return SPIKE
    learn(state, a, pause, c, limits)
    state.candidate[a] = 0.0
    state.spike_run[a] = 0
    state.last_end[a] = bars.end[i]
    state.last_close[a] = c
    return 0


@jit
def run(state: Any, bars: Any, limits: Any, defects: Any, quality: Any, missing: Any) -> None:
    """Judge bars in order, writing one defect, score and count of missing bars each."""
    for i in range(len(bars.asset)):
        a = bars.asset[i]
        defect = judge(state, bars, i, limits)
        defects[i] = defect
        state.counts[a, defect] += 1
        gap = 0
        if defect not in (OFF_CALENDAR, OUT_OF_ORDER):
            if state.last_position[a] != NEVER:
                steps = round((bars.position[i] - state.last_position[a]) / bars.span[i])
                gap = min(max(steps - 1, 0), MAX_MISSING_BARS)
            state.last_position[a] = bars.position[i]
        if defect != OFF_CALENDAR:
            decay = limits.quality_decay
            state.good_weight[a] = decay * state.good_weight[a] + (1.0 if defect == 0 else 0.0)
            state.expected_weight[a] = decay * state.expected_weight[a] + 1.0 + gap
        missing[i] = gap
        state.missing[a] += gap
        expected = state.expected_weight[a]
        quality[i] = state.good_weight[a] / expected if expected > 0.0 else 0.0
