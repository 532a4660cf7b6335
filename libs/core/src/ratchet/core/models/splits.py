"""Cross-validation in time without leakage: purging and embargo."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.int64]
Indices = NDArray[np.intp]


class PurgedKFold:
    """K folds of consecutive time, each tested on what was trained without it.

    A training label is dropped (purged) when its span overlaps the test fold's, or when it starts within
    `embargo_ns` after it. Source: Lopez de Prado, Advances in Financial Machine Learning (2018), chapter 7.
    """

    def __init__(self, n_splits: int, embargo_ns: int) -> None:
        if n_splits < 2:
            raise ValueError(f"n_splits is {n_splits}, but at least 2 are needed")
        if embargo_ns < 0:
            raise ValueError(f"embargo_ns is {embargo_ns}, but must not be negative")
        self._n_splits = n_splits
        self._embargo_ns = embargo_ns

    def split(self, start: Times, end: Times) -> Iterator[tuple[Indices, Indices]]:
        """Yield training and test indices per fold, for labels that span [start, end] (ns, UTC).

        ValueError when there are fewer moments than folds. A training set may be empty.
        """
        moments = np.unique(start)
        if moments.size < self._n_splits:
            raise ValueError(f"{moments.size} moments are too few for {self._n_splits} folds")
        for fold in np.array_split(moments, self._n_splits):
            tested = (start >= fold[0]) & (start <= fold[-1])
            last = int(end[tested].max())
            trained = (end < fold[0]) | (start > last + self._embargo_ns)
            yield np.flatnonzero(trained), np.flatnonzero(tested)
