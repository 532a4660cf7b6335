"""Bounded oscillators on close, high and low.

RSI(14), STOCH(14, 3, 3), WILLR(14) and CCI(20) follow TA-Lib, except in a market that does not move:
there they take their neutral value (50, 50, -50, 0), where TA-Lib says 0, which reads as oversold.
"""

import numpy as np

from ratchet.core.features.types import CLOSE, HIGH, LOW, Counts, Mask
from ratchet.core.features.windows import rolling_max, rolling_sum, wilder
from ratchet.core.jit import kernel
from ratchet.core.market.batch import Floats

COLUMNS = ("rsi_14", "stochastic_k", "stochastic_d", "williams_r_14", "cci_20")
_PREVIOUS, _GAIN, _LOSS, _HIGH, _LOW, _K, _D, _TYPICAL, _MEAN = 0, 1, 2, 3, 18, 33, 37, 41, 61
ROWS = _MEAN + 21


@kernel
def update(bar: Floats, present: Mask, count: Counts, s: Floats, out: Floats, c: int) -> None:
    """Advance every present asset by one bar."""
    for i in range(present.size):
        if not present[i]:
            continue
        k = count[i]
        close = bar[CLOSE, i]
        out[c, i] = _rsi(s, i, k, close)
        highest = rolling_max(s, _HIGH, 14, i, k, bar[HIGH, i])
        lowest = -rolling_max(s, _LOW, 14, i, k, -bar[LOW, i])
        width = highest - lowest
        position = (close - lowest) / width if width != 0.0 else 0.5
        out[c + 1, i] = np.nan
        out[c + 2, i] = np.nan
        if k >= 13:
            out[c + 1, i] = rolling_sum(s, _K, 3, i, k - 13, 100.0 * position) / 3.0
        if k >= 15:
            out[c + 2, i] = rolling_sum(s, _D, 3, i, k - 15, out[c + 1, i]) / 3.0
        out[c + 3, i] = 100.0 * (position - 1.0)
        out[c + 4, i] = _cci(s, i, k, (bar[HIGH, i] + bar[LOW, i] + close) / 3.0)


@kernel
def _rsi(s: Floats, i: int, k: int, close: float) -> float:
    change = close - s[_PREVIOUS, i]
    s[_PREVIOUS, i] = close
    if k == 0:
        return np.nan
    gain = wilder(s, _GAIN, 14, i, k - 1, max(change, 0.0))
    loss = wilder(s, _LOSS, 14, i, k - 1, max(-change, 0.0))
    moved = gain + loss
    return 100.0 * gain / moved if moved != 0.0 else 50.0


@kernel
def _cci(s: Floats, i: int, k: int, typical: float) -> float:
    s[_TYPICAL + k % 20, i] = typical
    mean = rolling_sum(s, _MEAN, 20, i, k, typical) / 20.0
    deviation = 0.0
    for j in range(20):
        deviation += abs(s[_TYPICAL + j, i] - mean)
    # Rounding of the mean leaves a residue in a flat market; it is not a move.
    if deviation <= 1e-13 * abs(mean):
        return 0.0
    return (typical - mean) / (0.015 * deviation / 20.0)
