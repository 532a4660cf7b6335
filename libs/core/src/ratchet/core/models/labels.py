"""Labels of what the price did next.

Source: Lopez de Prado, Advances in Financial Machine Learning (2018), chapter 3.
"""

import numpy as np
from numpy.typing import NDArray

from ratchet.core.jit import entry
from ratchet.core.market.batch import Floats

Labels = NDArray[np.int8]
Ends = NDArray[np.int64]
UNKNOWN = -1


def forward_return(close: Floats, horizon_bars: int) -> tuple[Labels, Ends]:
    """Label each bar of one asset 1 when the close `horizon_bars` later is higher, else 0.

    Returns labels [T] and the index of the bar that decided each; the last bars have -1 in both.
    """
    labels = np.full(close.size, UNKNOWN, dtype=np.int8)
    ends = np.full(close.size, UNKNOWN, dtype=np.int64)
    known = max(close.size - horizon_bars, 0)
    labels[:known] = close[horizon_bars:] > close[:known]
    ends[:known] = np.arange(known) + horizon_bars
    return labels, ends


@entry
def triple_barrier(
    high: Floats, low: Floats, close: Floats, width: Floats, horizon_bars: int
) -> tuple[Labels, Ends]:
    """Label each bar of one asset by the barrier that the next bars touch first: 1 upper, 0 lower.

    Barriers are at `width` (a fraction of the close, [T]) to both sides; when neither is touched within
    `horizon_bars` the sign of the return decides, and when one bar touches both its close does. Returns
    labels [T] and the index of the bar that decided each; both are -1 where the data end first or width is
    unknown.
    """
    labels = np.full(close.size, UNKNOWN, dtype=np.int8)
    ends = np.full(close.size, UNKNOWN, dtype=np.int64)
    for t in range(close.size - horizon_bars):
        if not width[t] > 0.0:
            continue
        upper, lower = close[t] * (1.0 + width[t]), close[t] * (1.0 - width[t])
        end = t + horizon_bars
        for n in range(t + 1, t + horizon_bars + 1):
            if high[n] >= upper or low[n] <= lower:
                end = n
                break
        touched_up, touched_down = high[end] >= upper, low[end] <= lower
        up = touched_up if touched_up != touched_down else close[end] > close[t]
        labels[t] = 1 if up else 0
        ends[t] = end
    return labels, ends
