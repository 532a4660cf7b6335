"""Correlation of daily returns, asked for one candidate after another against what is held."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from ratchet.core.market.batch import Floats


class Correlations:
    """Pearson correlation over the days that both assets have; NaN when they are too few to tell."""

    def __init__(self, returns: Mapping[int, Floats], min_days: int) -> None:
        self._returns = returns
        self._min_days = min_days
        self._unit: dict[int, Floats] = {}
        self._stacked: tuple[Sequence[int], Floats | None] = ((), None)

    def is_valid(self, asset_id: int) -> bool:
        """Return whether every known return of an asset is a finite number."""
        own = self._returns.get(asset_id)
        return own is None or math.isfinite(float(np.add.reduce(own)))

    def of(self, asset_id: int, others: Sequence[int]) -> list[float]:
        """Return the correlation of an asset with each of the others; a constant asset's is 0."""
        own = self._returns.get(asset_id)
        if own is None or own.size < self._min_days:
            return [math.nan] * len(others)
        rows = self._rows(others)
        if rows is not None and rows.shape[1] == own.size:
            found: list[float] = (rows @ self._unit_row(asset_id)).tolist()
            return found
        return [self._pair(own, self._returns.get(other)) for other in others]

    def _rows(self, others: Sequence[int]) -> Floats | None:
        """Return the unit rows of assets that all have equally many days, else None."""
        if self._stacked[0] != others:
            sizes = {row.size if (row := self._returns.get(i)) is not None else 0 for i in others}
            alike = len(sizes) == 1 and min(sizes) >= self._min_days
            self._stacked = (list(others), np.array([self._unit_row(i) for i in others]) if alike else None)
        return self._stacked[1]

    def _unit_row(self, asset_id: int) -> Floats:
        found = self._unit.get(asset_id)
        if found is None:
            found = self._unit[asset_id] = _unit(self._returns[asset_id])
        return found

    def _pair(self, own: Floats, other: Floats | None) -> float:
        if other is None or other.size < self._min_days:
            return math.nan
        days = min(own.size, other.size)
        return float(_unit(own[-days:]) @ _unit(other[-days:]))


def _unit(row: Floats) -> Floats:
    """Return the row less its mean, scaled to length one; zeros for a row of equal numbers."""
    left = row - np.add.reduce(row) / row.size
    length = math.sqrt(float(left.dot(left)))
    # Equal numbers have a rounding error for a deviation.
    if length <= 1e-14 * row.size * (abs(float(row[0])) + 1e-300):
        return np.zeros(row.size)
    return np.asarray(left / length)
