"""Price channels, extremes and how long ago they were.

`donchian_position_n` is the close within the range of n bars, 0 at the low and 1 at the high.
`breakout_high_n` and `breakout_low_n` compare the close with the extreme of the n bars BEFORE it, as a
fraction: above 0 (below 0) is a breakout. `drawdown_168` is the close below the highest close, and
`bars_since_high_168` the age of that close as a fraction of the window. Aroon(25) follows TA-Lib.
`efficiency_48` is Kaufman's ratio of net to gross movement (Trading Systems and Methods).
`close_location` is where the close lies within its bar, -1 at the low and 1 at the high.
"""

import numpy as np

from ratchet.core.features.types import CLOSE, HIGH, LOW, Counts, Mask
from ratchet.core.features.windows import bars_since_max, lag, rolling_max, rolling_sum
from ratchet.core.jit import kernel
from ratchet.core.market.batch import Floats

COLUMNS = (
    "donchian_position_20",
    "donchian_position_55",
    "breakout_high_55",
    "breakout_low_55",
    "breakout_high_168",
    "breakout_low_168",
    "drawdown_168",
    "bars_since_high_168",
    "aroon_up_25",
    "aroon_down_25",
    "aroon_oscillator_25",
    "efficiency_48",
    "close_location",
    "range_ratio",
)
_H20, _L20, _H55, _L55, _H168, _L168 = 5, 26, 47, 103, 159, 328
_CLOSES, _SINCE, _UP, _DOWN, _GROSS, _NET = 497, 666, 1004, 1058, 1112, 1161
ROWS = _NET + 48


@kernel
def update(bar: Floats, present: Mask, count: Counts, s: Floats, out: Floats, c: int) -> None:
    """Advance every present asset by one bar."""
    for i in range(present.size):
        if not present[i]:
            continue
        k = count[i]
        high, low, close = bar[HIGH, i], bar[LOW, i], bar[CLOSE, i]
        _donchian(s, i, k, high, low, close, out, c)
        peak = rolling_max(s, _CLOSES, 168, i, k, close)
        out[c + 6, i] = close / peak - 1.0
        out[c + 7, i] = bars_since_max(s, _SINCE, 168, i, k, close) / 167.0
        up = 100.0 - 4.0 * bars_since_max(s, _UP, 26, i, k, high)
        down = 100.0 - 4.0 * bars_since_max(s, _DOWN, 26, i, k, -low)
        out[c + 8, i] = up
        out[c + 9, i] = down
        out[c + 10, i] = up - down
        out[c + 11, i] = _efficiency(s, i, k, close)
        out[c + 12, i] = (2.0 * close - high - low) / (high - low) if high > low else 0.0
        out[c + 13, i] = (high - low) / close


@kernel
def _donchian(s: Floats, i: int, k: int, high: float, low: float, close: float, out: Floats, c: int) -> None:
    # Rows 0 to 3 hold the extremes up to the bar before.
    out[c + 2, i] = close / s[0, i] - 1.0 if k >= 55 else np.nan
    out[c + 3, i] = close / s[1, i] - 1.0 if k >= 55 else np.nan
    out[c + 4, i] = close / s[2, i] - 1.0 if k >= 168 else np.nan
    out[c + 5, i] = close / s[3, i] - 1.0 if k >= 168 else np.nan
    highest = rolling_max(s, _H20, 20, i, k, high)
    lowest = -rolling_max(s, _L20, 20, i, k, -low)
    out[c, i] = (close - lowest) / (highest - lowest) if highest != lowest else 0.5
    s[0, i] = rolling_max(s, _H55, 55, i, k, high)
    s[1, i] = -rolling_max(s, _L55, 55, i, k, -low)
    out[c + 1, i] = (close - s[1, i]) / (s[0, i] - s[1, i]) if s[0, i] != s[1, i] else 0.5
    s[2, i] = rolling_max(s, _H168, 168, i, k, high)
    s[3, i] = -rolling_max(s, _L168, 168, i, k, -low)


@kernel
def _efficiency(s: Floats, i: int, k: int, close: float) -> float:
    previous = s[4, i]
    s[4, i] = close
    net = close - lag(s, _NET, 48, i, k, close)
    if k == 0:
        return np.nan
    gross = rolling_sum(s, _GROSS, 48, i, k - 1, abs(close - previous))
    return abs(net) / gross if gross != 0.0 else 0.0
