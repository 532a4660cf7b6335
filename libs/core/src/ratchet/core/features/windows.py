"""Sliding windows at O(1) per bar, over all assets of a universe.

State is a float64 array [rows, assets]; a window owns consecutive rows from `r`. `i` is the asset's
column and `k` the 0-based number of the value within the asset's own series, so that an asset which
misses a bar just does not advance.

Sums, moments and extremes use the two-block method (van Herk, 1992; Gil and Werman, 1993): the running
aggregate of the current block is combined with a suffix aggregate of the block before. Nothing is ever
subtracted, so nothing cancels at high prices and no error accumulates. When a block ends its values are
turned into suffix aggregates in place. Extremes, which are exact however they are grouped, end their blocks
at another bar for each group of assets, so that no bar pays for all.
"""

import numpy as np

from ratchet.core.jit import kernel
from ratchet.core.market.batch import Floats


@kernel
def lag(s: Floats, r: int, w: int, i: int, k: int, x: float) -> float:
    """Return the value `w` bars ago and store this one. Rows: w."""
    p = r + k % w
    old = s[p, i]
    s[p, i] = x
    return old if k >= w else np.nan


@kernel
def rolling_sum(s: Floats, r: int, w: int, i: int, k: int, x: float) -> float:
    """Return the sum of the last `w` values. Rows: w + 1."""
    p = k % w
    if p == 0:
        total = 0.0
        for j in range(w - 1, 0, -1):
            total += s[r + j, i]
            s[r + j, i] = total
        s[r + w, i] = x
    else:
        s[r + w, i] += x
    tail = s[r + p + 1, i] if p < w - 1 else 0.0
    s[r + p, i] = x
    return s[r + w, i] + tail if k >= w - 1 else np.nan


@kernel
def rolling_moments(s: Floats, r: int, w: int, i: int, k: int, x: float) -> tuple[float, float]:
    """Return mean and sum of squared deviations of the last `w` values. Rows: 2 w + 2.

    Source: Welford (1962) within a block, Chan, Golub and LeVeque (1979) to combine two blocks.
    """
    p = k % w
    head = r + 2 * w
    if p == 0:
        mean = 0.0
        m2 = 0.0
        for j in range(w - 1, 0, -1):
            value = s[r + j, i]
            delta = value - mean
            mean += delta / (w - j)
            m2 += delta * (value - mean)
            s[r + j, i] = mean
            s[r + w + j, i] = m2
        s[head, i] = x
        s[head + 1, i] = 0.0
    else:
        delta = x - s[head, i]
        s[head, i] += delta / (p + 1)
        s[head + 1, i] += delta * (x - s[head, i])
    mean = s[head, i]
    m2 = s[head + 1, i]
    if p < w - 1:
        older = w - 1 - p
        delta = s[r + p + 1, i] - mean
        m2 += s[r + w + p + 1, i] + delta * delta * ((p + 1) * older / w)
        mean += delta * (older / w)
    s[r + p, i] = x
    if k < w - 1:
        return np.nan, np.nan
    return mean, m2


@kernel
def _staggered(i: int, k: int, w: int) -> int:
    return (k + i // 64 * 37) % w


@kernel
def rolling_max(s: Floats, r: int, w: int, i: int, k: int, x: float) -> float:
    """Return the largest of the last `w` values. Rows: w + 1. (Minimum: negate in and out.)"""
    p = _staggered(i, k, w)
    if p == 0 or k == 0:
        best = -np.inf
        for j in range(w - 1, 0, -1):
            best = max(best, s[r + j, i])
            s[r + j, i] = best
        s[r + w, i] = x
    else:
        s[r + w, i] = max(s[r + w, i], x)
    best = s[r + w, i]
    if p < w - 1:
        best = max(best, s[r + p + 1, i])
    s[r + p, i] = x
    return best if k >= w - 1 else np.nan


@kernel
def bars_since_max(s: Floats, r: int, w: int, i: int, k: int, x: float) -> float:
    """Return the age in bars of the largest of the last `w` values, the latest of equals. Rows: 2 w + 2."""
    p = _staggered(i, k, w)
    head = r + 2 * w
    if p == 0 or k == 0:
        best = -np.inf
        at = -1.0
        for j in range(w - 1, 0, -1):
            if s[r + j, i] > best:
                best = s[r + j, i]
                at = float(k - w + j)
            s[r + j, i] = best
            s[r + w + j, i] = at
        s[head, i] = x
        s[head + 1, i] = k
    elif x >= s[head, i]:
        s[head, i] = x
        s[head + 1, i] = k
    at = s[head + 1, i]
    if p < w - 1 and s[r + p + 1, i] > s[head, i]:
        at = s[r + w + p + 1, i]
    s[r + p, i] = x
    return k - at if k >= w - 1 else np.nan


@kernel
def ema(s: Floats, r: int, w: int, i: int, k: int, x: float) -> float:
    """Return the exponential average with alpha 2 / (w + 1), seeded with the mean of `w` values. Rows: 1."""
    return _smooth(s, r, w, i, k, x, 2.0 / (w + 1.0))


@kernel
def wilder(s: Floats, r: int, w: int, i: int, k: int, x: float) -> float:
    """Return Wilder's average with alpha 1 / w, seeded with the mean of `w` values. Rows: 1."""
    return _smooth(s, r, w, i, k, x, 1.0 / w)


@kernel
def _smooth(s: Floats, r: int, w: int, i: int, k: int, x: float, alpha: float) -> float:
    value: float = s[r, i]
    value = value + alpha * (x - value) if k >= w else value + x
    if k == w - 1:
        value /= w
    s[r, i] = value
    return value if k >= w - 1 else np.nan
