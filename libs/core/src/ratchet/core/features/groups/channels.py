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
    "breakout_high_240",
    "breakout_low_240",
    "breakout_high_480",
    "breakout_low_480",
    "drawdown_168",
    "bars_since_high_168",
    "aroon_up_25",
    "aroon_down_25",
    "aroon_oscillator_25",
    "efficiency_48",
    "close_location",
    "range_ratio",
)
# The extremes up to the bar before, high and low per window, then the close before, then the windows.
_EXTREMES, _CLOSE = 0, 8
_H20, _L20, _H55, _L55, _H168, _L168 = 9, 30, 51, 107, 163, 332
_H240, _L240, _H480, _L480 = 501, 742, 983, 1464
_CLOSES, _SINCE, _UP, _DOWN, _GROSS, _NET = 1945, 2114, 2452, 2506, 2560, 2609
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
        out[c + 10, i] = close / peak - 1.0
        out[c + 11, i] = bars_since_max(s, _SINCE, 168, i, k, close) / 167.0
        up = 100.0 - 4.0 * bars_since_max(s, _UP, 26, i, k, high)
        down = 100.0 - 4.0 * bars_since_max(s, _DOWN, 26, i, k, -low)
        out[c + 12, i] = up
        out[c + 13, i] = down
        out[c + 14, i] = up - down
        out[c + 15, i] = _efficiency(s, i, k, close)
        out[c + 16, i] = (2.0 * close - high - low) / (high - low) if high > low else 0.0
        out[c + 17, i] = (high - low) / close


@kernel
def _donchian(s: Floats, i: int, k: int, high: float, low: float, close: float, out: Floats, c: int) -> None:
    for n, w in enumerate((55, 168, 240, 480)):
        full = k >= w
        out[c + 2 + 2 * n, i] = close / s[_EXTREMES + 2 * n, i] - 1.0 if full else np.nan
        out[c + 3 + 2 * n, i] = close / s[_EXTREMES + 2 * n + 1, i] - 1.0 if full else np.nan
    out[c, i] = _position(close, rolling_max(s, _H20, 20, i, k, high), -rolling_max(s, _L20, 20, i, k, -low))
    s[_EXTREMES, i] = rolling_max(s, _H55, 55, i, k, high)
    s[_EXTREMES + 1, i] = -rolling_max(s, _L55, 55, i, k, -low)
    s[_EXTREMES + 2, i] = rolling_max(s, _H168, 168, i, k, high)
    s[_EXTREMES + 3, i] = -rolling_max(s, _L168, 168, i, k, -low)
    s[_EXTREMES + 4, i] = rolling_max(s, _H240, 240, i, k, high)
    s[_EXTREMES + 5, i] = -rolling_max(s, _L240, 240, i, k, -low)
    s[_EXTREMES + 6, i] = rolling_max(s, _H480, 480, i, k, high)
    s[_EXTREMES + 7, i] = -rolling_max(s, _L480, 480, i, k, -low)
    out[c + 1, i] = _position(close, s[_EXTREMES, i], s[_EXTREMES + 1, i])


@kernel
def _position(close: float, highest: float, lowest: float) -> float:
    return (close - lowest) / (highest - lowest) if highest != lowest else 0.5


@kernel
def _efficiency(s: Floats, i: int, k: int, close: float) -> float:
    previous = s[_CLOSE, i]
    s[_CLOSE, i] = close
    net = close - lag(s, _NET, 48, i, k, close)
    if k == 0:
        return np.nan
    gross = rolling_sum(s, _GROSS, 48, i, k - 1, abs(close - previous))
    return abs(net) / gross if gross != 0.0 else 0.0
