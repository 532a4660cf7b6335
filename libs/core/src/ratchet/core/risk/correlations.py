"""Correlation of daily returns, asked for one candidate against what is held."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from ratchet.core.market.batch import Floats


class Correlations:
    """Pearson correlation over the days that both assets have; NaN when they are too few to tell."""

    def __init__(self, returns: Mapping[int, Floats], min_days: int) -> None:
        self._returns = returns
        self._min_days = min_days

    def of(self, asset_id: int, others: Sequence[int]) -> list[float]:
        """Return the correlation of an asset with each of the others; a constant asset's is 0."""
        own = self._returns.get(asset_id)
        if own is None or own.size < self._min_days:
            return [math.nan] * len(others)
        rows = [self._returns.get(other) for other in others]
        if rows and all(row is not None and row.size == own.size for row in rows):
            return _correlate(own, np.array(rows)).tolist()
        return [self._pair(own, row) for row in rows]

    def _pair(self, own: Floats, other: Floats | None) -> float:
        if other is None or other.size < self._min_days:
            return math.nan
        days = min(own.size, other.size)
        return float(_correlate(own[-days:], other[np.newaxis, -days:])[0])


def _correlate(own: Floats, rows: Floats) -> Floats:
    left = own - own.mean()
    right = rows - rows.mean(axis=1, keepdims=True)
    scale = np.sqrt((left @ left) * np.einsum("ij,ij->i", right, right))
    # A row of equal numbers has a rounding error for a deviation.
    still = scale <= 1e-12 * own.size * max(float(np.abs(rows).max()), float(np.abs(own).max()), 1e-300) ** 2
    found = (right @ left) / np.where(still, 1.0, scale)
    return np.asarray(np.clip(np.where(still, 0.0, found), -1.0, 1.0))
