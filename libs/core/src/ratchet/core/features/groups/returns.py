"""Returns over several horizons, rate of change and momentum, as fractions unless stated.

`roc_10` (percent) and `momentum_10` (price units) follow TA-Lib's ROC and MOM.
"""

import numpy as np

from ratchet.core.features.types import CLOSE, Counts, Mask
from ratchet.core.jit import kernel
from ratchet.core.market.batch import Floats

COLUMNS = (
    "return_1",
    "return_6",
    "return_24",
    "return_72",
    "return_168",
    "return_336",
    "return_720",
    "log_return_1",
    "log_return_24",
    "roc_10",
    "momentum_10",
)
_RING = 1024  # a power of two above the longest horizon
ROWS = _RING


@kernel
def _past(s: Floats, i: int, k: int, bars: int) -> float:
    return s[(k - bars) % _RING, i] if k >= bars else np.nan


@kernel
def update(bar: Floats, present: Mask, count: Counts, s: Floats, out: Floats, c: int) -> None:
    """Advance every present asset by one bar."""
    for i in range(present.size):
        if not present[i]:
            continue
        k = count[i]
        close = bar[CLOSE, i]
        s[k % _RING, i] = close
        one = close / _past(s, i, k, 1)
        day = close / _past(s, i, k, 24)
        ten = _past(s, i, k, 10)
        out[c, i] = one - 1.0
        out[c + 1, i] = close / _past(s, i, k, 6) - 1.0
        out[c + 2, i] = day - 1.0
        out[c + 3, i] = close / _past(s, i, k, 72) - 1.0
        out[c + 4, i] = close / _past(s, i, k, 168) - 1.0
        out[c + 5, i] = close / _past(s, i, k, 336) - 1.0
        out[c + 6, i] = close / _past(s, i, k, 720) - 1.0
        out[c + 7, i] = np.log(one)
        out[c + 8, i] = np.log(day)
        out[c + 9, i] = 100.0 * (close / ten - 1.0)
        out[c + 10, i] = close - ten
