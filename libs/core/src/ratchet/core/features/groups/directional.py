"""Wilder's directional movement: PLUS_DI(14), MINUS_DI(14) and ADX(14) as TA-Lib computes them.

Source: Wilder, New Concepts in Technical Trading Systems (1978). Like TA-Lib, the first sums hold 13 bars.
"""

import numpy as np

from ratchet.core.features.types import CLOSE, HIGH, LOW, Counts, Mask
from ratchet.core.jit import kernel
from ratchet.core.market.batch import Floats

COLUMNS = ("plus_di_14", "minus_di_14", "adx_14")
_HIGH, _LOW, _CLOSE, _PLUS, _MINUS, _RANGE, _ADX, _DX = range(8)
ROWS = 8


@kernel
def update(bar: Floats, present: Mask, count: Counts, s: Floats, out: Floats, c: int) -> None:
    """Advance every present asset by one bar."""
    for i in range(present.size):
        if not present[i]:
            continue
        k = count[i]
        for column in range(3):
            out[c + column, i] = np.nan
        if k > 0:
            _accumulate(bar, s, i, k)
        if k >= 14:
            _write(s, i, k, out, c)
        s[_HIGH, i] = bar[HIGH, i]
        s[_LOW, i] = bar[LOW, i]
        s[_CLOSE, i] = bar[CLOSE, i]


@kernel
def _accumulate(bar: Floats, s: Floats, i: int, k: int) -> None:
    up = bar[HIGH, i] - s[_HIGH, i]
    down = s[_LOW, i] - bar[LOW, i]
    true_range = max(bar[HIGH, i], s[_CLOSE, i]) - min(bar[LOW, i], s[_CLOSE, i])
    keep = 1.0 if k < 14 else 13.0 / 14.0
    s[_PLUS, i] = keep * s[_PLUS, i] + (up if up > down and up > 0.0 else 0.0)
    s[_MINUS, i] = keep * s[_MINUS, i] + (down if down > up and down > 0.0 else 0.0)
    s[_RANGE, i] = keep * s[_RANGE, i] + true_range


@kernel
def _write(s: Floats, i: int, k: int, out: Floats, c: int) -> None:
    plus = minus = 0.0
    if s[_RANGE, i] > 0.0:
        plus = 100.0 * s[_PLUS, i] / s[_RANGE, i]
        minus = 100.0 * s[_MINUS, i] / s[_RANGE, i]
    if plus + minus > 0.0:
        s[_DX, i] = 100.0 * abs(plus - minus) / (plus + minus)
    out[c, i] = plus
    out[c + 1, i] = minus
    if k < 28:
        s[_ADX, i] += s[_DX, i] / 14.0
    else:
        s[_ADX, i] = (13.0 * s[_ADX, i] + s[_DX, i]) / 14.0
    if k >= 27:
        out[c + 2, i] = s[_ADX, i]
