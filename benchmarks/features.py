"""One step of the feature engine over a universe, against TA-Lib called asset by asset on a look-back.

Both compute, for every asset, the newest value of the indicators: the engine all of its features in one call,
TA-Lib (which keeps no state) the ones that it has, on the last 250 bars.
"""

import statistics
import time
from collections.abc import Callable

import numpy as np
import talib
from numpy.typing import NDArray

from ratchet.core.features import FEATURES, FeatureEngine

ASSETS, LOOK_BACK, STEPS, BASELINE_STEPS = 2_567, 250, 100, 3
Column = NDArray[np.float64]
Row = tuple[str, str, str, float]


def run() -> list[Row]:
    """Return the median step of both, interleaved in one run."""
    columns = _walks()
    engine = FeatureEngine(ASSETS)
    present = np.ones(ASSETS, dtype=np.bool_)
    for t in range(LOOK_BACK):
        engine.update(*(column[t] for column in columns), present)
    ours: list[float] = []
    baseline: list[float] = []
    for t in range(LOOK_BACK, LOOK_BACK + STEPS):
        bar = tuple(column[t] for column in columns)
        ours.append(_seconds(lambda bar=bar: engine.update(*bar, present)))
        if len(baseline) < BASELINE_STEPS and t % (STEPS // BASELINE_STEPS) == 0:
            window = tuple(
                np.ascontiguousarray(column[t - LOOK_BACK + 1 : t + 1].T) for column in columns[1:]
            )
            baseline.append(_seconds(lambda window=window: _talib_step(*window)))
    mine, theirs = statistics.median(ours), statistics.median(baseline)
    name = f"feature step, {ASSETS:,} assets x {len(FEATURES)} features"
    other = f"{1e3 * theirs:,.0f} ms (TA-Lib per asset, {len(_INDICATORS)} indicators, {LOOK_BACK} bars)"
    return [(name, f"{1e3 * mine:.2f} ms", other, theirs / mine)]


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _walks() -> tuple[Column, ...]:
    rng = np.random.default_rng(7)
    shape = (LOOK_BACK + STEPS, ASSETS)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, shape), axis=0))
    open_ = np.vstack([close[:1], close[:-1]])
    high, low = np.maximum(open_, close) * 1.002, np.minimum(open_, close) * 0.998
    return open_, high, low, close, rng.lognormal(10, 1, shape)


# Function, its columns (high, low, close, volume) and its parameters.
_INDICATORS: tuple[tuple[Callable[..., object], str, tuple[int, ...]], ...] = (
    *((talib.SMA, "c", (bars,)) for bars in (20, 50, 200)),
    *((talib.EMA, "c", (bars,)) for bars in (12, 26, 50, 200)),
    (talib.MACD, "c", (12, 26, 9)),
    (talib.RSI, "c", (14,)),
    (talib.STOCH, "hlc", (14, 3, 0, 3, 0)),
    (talib.WILLR, "hlc", (14,)),
    (talib.CCI, "hlc", (20,)),
    (talib.ATR, "hlc", (14,)),
    (talib.NATR, "hlc", (14,)),
    (talib.BBANDS, "c", (20, 2, 2)),
    (talib.PLUS_DI, "hlc", (14,)),
    (talib.MINUS_DI, "hlc", (14,)),
    (talib.ADX, "hlc", (14,)),
    (talib.AROON, "hl", (25,)),
    (talib.MFI, "hlcv", (14,)),
    (talib.OBV, "cv", ()),
    (talib.ROC, "c", (10,)),
    (talib.MOM, "c", (10,)),
    (talib.STDDEV, "c", (48,)),
    *((talib.MAX, "h", (bars,)) for bars in (55, 168)),
    *((talib.MIN, "l", (bars,)) for bars in (55, 168)),
)


def _talib_step(high: Column, low: Column, close: Column, volume: Column) -> None:
    for i in range(ASSETS):
        columns = {"h": high[i], "l": low[i], "c": close[i], "v": volume[i]}
        for function, names, parameters in _INDICATORS:
            function(*(columns[name] for name in names), *parameters)
