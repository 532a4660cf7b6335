"""Ranges, bands and realised volatility.

ATR(14), NATR(14) and BBANDS(20, 2) follow TA-Lib (population deviation). `volatility_n` is the sample
standard deviation of log returns per bar, `trend_t_n` their mean over its standard error, `zscore_48`
the close against mean and sample deviation of 48 bars, and Keltner uses EMA(20) and 2 ATR(14).
"""

import numpy as np

from ratchet.core.features.types import CLOSE, HIGH, LOW, Counts, Mask
from ratchet.core.features.windows import ema, rolling_moments, wilder
from ratchet.core.jit import kernel
from ratchet.core.market.batch import Floats

COLUMNS = (
    "atr_14",
    "natr_14",
    "sma_20",
    "bollinger_percent_b",
    "bollinger_bandwidth",
    "keltner_position",
    "zscore_48",
    "volatility_24",
    "volatility_72",
    "volatility_168",
    "trend_t_72",
    "trend_t_168",
    "volatility_ratio",
)
_PREVIOUS, _ATR, _KELTNER, _BAND, _Z = 0, 1, 2, 3, 45
_DAY, _THREE_DAYS, _WEEK = 143, 193, 339
ROWS = _WEEK + 338


@kernel
def update(bar: Floats, present: Mask, count: Counts, s: Floats, out: Floats, c: int) -> None:
    """Advance every present asset by one bar."""
    for i in range(present.size):
        if not present[i]:
            continue
        k = count[i]
        close = bar[CLOSE, i]
        previous = s[_PREVIOUS, i]
        s[_PREVIOUS, i] = close
        _bands(s, i, k, close, out, c)
        for column in (0, 1, 5, 7, 8, 9, 10, 11, 12):
            out[c + column, i] = np.nan
        middle = ema(s, _KELTNER, 20, i, k, close)
        if k == 0:
            continue
        true_range = max(bar[HIGH, i], previous) - min(bar[LOW, i], previous)
        atr = wilder(s, _ATR, 14, i, k - 1, true_range)
        out[c, i] = atr
        out[c + 1, i] = 100.0 * atr / close
        out[c + 5, i] = (close - middle) / (2.0 * atr) if atr > 0.0 else 0.0 * middle
        _realised(s, i, k - 1, np.log(close / previous), out, c)


@kernel
def _bands(s: Floats, i: int, k: int, close: float, out: Floats, c: int) -> None:
    mean, m2 = rolling_moments(s, _BAND, 20, i, k, close)
    half = 2.0 * np.sqrt(m2 / 20.0)
    out[c + 2, i] = mean
    out[c + 3, i] = 0.5 + (close - mean) / (2.0 * half) if half != 0.0 else 0.5
    out[c + 4, i] = 2.0 * half / mean
    mean, m2 = rolling_moments(s, _Z, 48, i, k, close)
    deviation = np.sqrt(m2 / 47.0)
    out[c + 6, i] = (close - mean) / deviation if deviation != 0.0 else 0.0


@kernel
def _realised(s: Floats, i: int, k: int, change: float, out: Floats, c: int) -> None:
    _, m2 = rolling_moments(s, _DAY, 24, i, k, change)
    day = np.sqrt(m2 / 23.0)
    mean_72, m2 = rolling_moments(s, _THREE_DAYS, 72, i, k, change)
    three_days = np.sqrt(m2 / 71.0)
    mean_168, m2 = rolling_moments(s, _WEEK, 168, i, k, change)
    week = np.sqrt(m2 / 167.0)
    out[c + 7, i] = day
    out[c + 8, i] = three_days
    out[c + 9, i] = week
    out[c + 10, i] = mean_72 * np.sqrt(72.0) / three_days if three_days != 0.0 else 0.0
    out[c + 11, i] = mean_168 * np.sqrt(168.0) / week if week != 0.0 else 0.0
    out[c + 12, i] = day / week if week != 0.0 else 1.0
