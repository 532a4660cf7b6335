"""Volume: OBV and MFI(14) as TA-Lib has them, z-score, ratio and the rolling VWAP.

`obv_slope` is the OBV's change over 24 bars per unit of volume traded, in [-1, 1]. `vwap_distance_24` is
the close against the volume-weighted typical price of 24 bars, as a fraction. Without any volume (spot
forex) the neutral values are 0, MFI 50 and ratio 1.
"""

import numpy as np

from ratchet.core.features.types import CLOSE, HIGH, LOW, VOLUME, Counts, Mask
from ratchet.core.features.windows import rolling_moments, rolling_sum
from ratchet.core.jit import kernel
from ratchet.core.market.batch import Floats

COLUMNS = ("obv", "obv_slope", "mfi_14", "volume_zscore_48", "volume_ratio_24", "vwap_distance_24")
_CLOSE, _TYPICAL, _OBV = 0, 1, 2
_POSITIVE, _NEGATIVE, _Z, _VOLUME, _TURNOVER, _SIGNED = 3, 18, 33, 131, 156, 181
ROWS = _SIGNED + 25


@kernel
def update(bar: Floats, present: Mask, count: Counts, s: Floats, out: Floats, c: int) -> None:
    """Advance every present asset by one bar."""
    for i in range(present.size):
        if not present[i]:
            continue
        k = count[i]
        close, volume = bar[CLOSE, i], bar[VOLUME, i]
        typical = (bar[HIGH, i] + bar[LOW, i] + close) / 3.0
        signed = volume if k == 0 else volume * np.sign(close - s[_CLOSE, i])
        s[_OBV, i] += signed
        out[c, i] = s[_OBV, i]
        total = rolling_sum(s, _VOLUME, 24, i, k, volume)
        turnover = rolling_sum(s, _TURNOVER, 24, i, k, typical * volume)
        slope = rolling_sum(s, _SIGNED, 24, i, k, signed)
        empty = total == 0.0
        out[c + 1, i] = slope / total if not empty else 0.0
        out[c + 2, i] = _mfi(s, i, k, typical, volume)
        out[c + 3, i] = _zscore(s, i, k, volume)
        out[c + 4, i] = volume * 24.0 / total if not empty else 1.0
        out[c + 5, i] = close * total / turnover - 1.0 if not empty else 0.0
        s[_CLOSE, i] = close
        s[_TYPICAL, i] = typical


@kernel
def _mfi(s: Floats, i: int, k: int, typical: float, volume: float) -> float:
    if k == 0:
        return np.nan
    change = typical - s[_TYPICAL, i]
    flow = typical * volume
    positive = rolling_sum(s, _POSITIVE, 14, i, k - 1, flow if change > 0.0 else 0.0)
    negative = rolling_sum(s, _NEGATIVE, 14, i, k - 1, flow if change < 0.0 else 0.0)
    moved = positive + negative
    return 100.0 * positive / moved if moved != 0.0 else 50.0


@kernel
def _zscore(s: Floats, i: int, k: int, volume: float) -> float:
    mean, m2 = rolling_moments(s, _Z, 48, i, k, volume)
    deviation = np.sqrt(m2 / 47.0)
    return (volume - mean) / deviation if deviation != 0.0 else 0.0
