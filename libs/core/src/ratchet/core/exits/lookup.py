"""Find a few assets in column batches."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ratchet.core.market.batch import AssetIds


def rows_of(column: AssetIds, wanted: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Yield (position in wanted, row of the batch) for each wanted asset in a sorted id column."""
    if not len(column):
        return
    rows = np.searchsorted(column, wanted)
    inside = rows < len(column)
    hits = np.flatnonzero(inside & (column[np.where(inside, rows, 0)] == wanted))
    yield from zip(hits.tolist(), rows[hits].tolist(), strict=True)
