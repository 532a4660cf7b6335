"""Each asset against its universe, over the assets that have a bar and a value.

`momentum_rank` is the percentile rank of `return_168` in [0, 1], ties at their mean, 0.5 when alone.
`relative_return_24` is `return_24` less its mean.
"""

import numpy as np

from ratchet.core.features.types import Mask
from ratchet.core.jit import kernel
from ratchet.core.market.batch import Floats

COLUMNS = ("momentum_rank", "relative_return_24")


@kernel
def update(present: Mask, out: Floats, c: int, momentum: int, day: int) -> None:
    """Fill in the columns from the rows `momentum` and `day` of the table."""
    total = 0.0
    known = 0
    for i in range(present.size):
        if present[i]:
            out[c, i] = np.nan
            out[c + 1, i] = np.nan
            if not np.isnan(out[day, i]):
                total += out[day, i]
                known += 1
    for i in range(present.size):
        if present[i] and known > 0:
            out[c + 1, i] = out[day, i] - total / known
    _rank(present, out, c, momentum)


@kernel
def _rank(present: Mask, out: Floats, c: int, momentum: int) -> None:
    members = np.flatnonzero(present & ~np.isnan(out[momentum]))
    n = members.size
    order = members[np.argsort(out[momentum][members], kind="mergesort")]
    start = 0
    while start < n:
        end = start
        while end + 1 < n and out[momentum, order[end + 1]] == out[momentum, order[start]]:
            end += 1
        for j in range(start, end + 1):
            out[c, order[j]] = 0.5 * (start + end) / (n - 1) if n > 1 else 0.5
        start = end + 1
