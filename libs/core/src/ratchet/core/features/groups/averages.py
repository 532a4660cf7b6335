"""Moving averages and MACD, in price units, and the close's distance from them as a fraction.

Seeding follows TA-Lib's SMA, EMA and MACD(12, 26, 9): an EMA starts from the mean of its first window,
and the fast EMA of MACD starts so that it is seeded on the same bar as the slow one.
`ema_200_slope` is the EMA's change over 24 bars as a fraction.
"""

from ratchet.core.features.types import CLOSE, Counts, Mask
from ratchet.core.features.windows import ema, lag, rolling_sum
from ratchet.core.jit import kernel
from ratchet.core.market.batch import Floats

COLUMNS = (
    "sma_50",
    "sma_200",
    "ema_12",
    "ema_26",
    "ema_50",
    "ema_200",
    "macd",
    "macd_signal",
    "macd_histogram",
    "sma_50_distance",
    "sma_200_distance",
    "sma_720_distance",
    "ema_spread",
    "ema_200_slope",
    "macd_histogram_ratio",
)
_SMA_50, _SMA_200, _EMAS, _MACD, _SLOPE = 0, 51, 252, 256, 259
_SMA_720 = _SLOPE + 24
ROWS = _SMA_720 + 721


@kernel
def update(bar: Floats, present: Mask, count: Counts, s: Floats, out: Floats, c: int) -> None:
    """Advance every present asset by one bar."""
    for i in range(present.size):
        if not present[i]:
            continue
        k = count[i]
        close = bar[CLOSE, i]
        sma_50 = rolling_sum(s, _SMA_50, 50, i, k, close) / 50.0
        sma_200 = rolling_sum(s, _SMA_200, 200, i, k, close) / 200.0
        ema_50 = ema(s, _EMAS + 2, 50, i, k, close)
        ema_200 = ema(s, _EMAS + 3, 200, i, k, close)
        out[c, i] = sma_50
        out[c + 1, i] = sma_200
        out[c + 2, i] = ema(s, _EMAS, 12, i, k, close)
        out[c + 3, i] = ema(s, _EMAS + 1, 26, i, k, close)
        out[c + 4, i] = ema_50
        out[c + 5, i] = ema_200
        macd, signal = _macd(s, i, k, close, out[c + 3, i])
        out[c + 6, i] = macd
        out[c + 7, i] = signal
        out[c + 8, i] = macd - signal
        out[c + 9, i] = close / sma_50 - 1.0
        out[c + 10, i] = close / sma_200 - 1.0
        out[c + 11, i] = close * 720.0 / rolling_sum(s, _SMA_720, 720, i, k, close) - 1.0
        out[c + 12, i] = ema_50 / ema_200 - 1.0
        out[c + 13, i] = ema_200 / lag(s, _SLOPE, 24, i, k, ema_200) - 1.0
        out[c + 14, i] = (macd - signal) / close


@kernel
def _macd(s: Floats, i: int, k: int, close: float, slow: float) -> tuple[float, float]:
    macd = signal = slow * float("nan")
    if k >= 14:
        macd = ema(s, _MACD, 12, i, k - 14, close) - slow
    if k >= 25:
        signal = ema(s, _MACD + 1, 9, i, k - 25, macd)
    return macd, signal
