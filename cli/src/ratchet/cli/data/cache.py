"""Pulled bars of one symbol, kept on disk so that a pull resumes where the last one ended."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ratchet.cli.errors import CommandError

Rows = NDArray[np.float64]
"""Shape (bars, 6): start in ms UTC, open, high, low, close, volume; ascending, no start twice."""

NO_ROWS: Rows = np.empty((0, 6))
COLUMNS = ("ts", "open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True)
class SeriesCache:
    """The file of one symbol of one source."""

    path: Path

    @classmethod
    def of(cls, home: Path, source: str, symbol: str, timeframe: str) -> "SeriesCache":
        """Return the cache of a symbol below the data home."""
        name = f"{symbol.replace('/', '-')}_{timeframe}.parquet"
        return cls(home / ".cache" / source / name)

    def load(self) -> Rows:
        """Return the cached bars; a damaged file counts as none and is pulled again."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            table = pq.read_table(self.path, columns=list(COLUMNS))
        except (OSError, pa.ArrowInvalid, pa.ArrowKeyError):
            return NO_ROWS
        return np.column_stack([table[name].to_numpy() for name in COLUMNS]).astype(np.float64)

    def save(self, rows: Rows) -> None:
        """Replace the file in one step; CommandError when the disk refuses."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        fresh = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.table({name: rows[:, i] for i, name in enumerate(COLUMNS)}), fresh)
            fresh.replace(self.path)
        except OSError as error:
            raise CommandError(f"{self.path} cannot be written: {error}") from None
        finally:
            with suppress(OSError):
                fresh.unlink(missing_ok=True)


def merge(old: Rows, new: Rows) -> Rows:
    """Return both, sorted by start; where a start is in both, the new bar counts."""
    both = np.concatenate((new, old))
    _, first = np.unique(both[:, 0], return_index=True)
    return both[first]
