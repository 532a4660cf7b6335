"""Bars of many assets as equally long columns: sorting, selecting and joining without a loop per bar."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BarColumns:
    """One entry per bar; starts and ends are ns UTC, timeframe codes are indices into `timeframes`.

    `prices` has the shape (5, bars): open, high, low, close and volume.
    """

    assets: Ints
    starts: Ints
    ends: Ints
    timeframe_codes: Ints
    timeframes: tuple[str, ...]
    prices: Floats

    def __len__(self) -> int:
        return len(self.assets)

    def take(self, rows: NDArray[np.generic] | slice) -> "BarColumns":
        """Return the selected rows, in the order given."""
        return BarColumns(
            self.assets[rows],
            self.starts[rows],
            self.ends[rows],
            self.timeframe_codes[rows],
            self.timeframes,
            np.ascontiguousarray(self.prices[:, rows]),
        )

    def with_ends(self, ends: Ints) -> "BarColumns":
        """Return the same bars with other ends."""
        return replace(self, ends=ends)

    def freeze(self) -> "BarColumns":
        """Make the columns read-only, so that batches cut from them cannot be changed by a consumer."""
        for column in (self.assets, self.starts, self.ends, self.timeframe_codes, self.prices):
            column.flags.writeable = False
        return self


def concatenate(parts: Sequence[BarColumns]) -> BarColumns:
    """Join columns, merging their timeframe tables."""
    names: dict[str, int] = {}
    codes = []
    for part in parts:
        local = [names.setdefault(timeframe, len(names)) for timeframe in part.timeframes]
        codes.append(np.array(local, dtype=np.int64)[part.timeframe_codes])
    return BarColumns(
        np.concatenate([part.assets for part in parts]),
        np.concatenate([part.starts for part in parts]),
        np.concatenate([part.ends for part in parts]),
        np.concatenate(codes),
        tuple(names),
        np.concatenate([part.prices for part in parts], axis=1),
    )
