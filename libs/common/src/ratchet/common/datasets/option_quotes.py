"""Option quotes that lie beside a dataset's bars, in option_quotes.csv or .parquet.

Columns: ts (when the quote was known, UTC), symbol (OCC symbol, or the underlying's with expiry, type and
strike beside it), bid, ask, and optionally bid_size and ask_size (100 if absent). A row without an ask is
left out.
"""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ratchet.common.datasets.errors import DatasetError

if TYPE_CHECKING:
    import pandas as pd

    from ratchet.common.datasets.dataset import Dataset

NAME = "option_quotes"
SUFFIXES = (".csv", ".parquet")
_DEFAULT_SIZE = 100
_REQUIRED = ("ts", "symbol", "bid", "ask")
_TERMS = ("expiry", "type", "strike")


@dataclass(frozen=True, slots=True)
class QuoteColumns:
    """Quotes as columns [n]: OCC symbols, times (ns, UTC), prices per share and sizes in contracts."""

    symbols: NDArray[np.str_]
    ts: NDArray[np.int64]
    bid: NDArray[np.float64]
    ask: NDArray[np.float64]
    bid_size: NDArray[np.int64]
    ask_size: NDArray[np.int64]


def is_option_quotes(path: Path) -> bool:
    """Say whether a file of a dataset's folder holds option quotes instead of bars."""
    return path.stem == NAME and path.suffix in SUFFIXES


def load_option_quotes(dataset: "Dataset | None") -> QuoteColumns | None:
    """Return the option quotes of a dataset's folder, None if it has no such file.

    DatasetError names the file and what is wrong with it: a missing column, a malformed symbol or time.
    """
    if dataset is None or not dataset.path.is_dir():
        return None
    files = [dataset.path / (NAME + suffix) for suffix in SUFFIXES]
    found = [path for path in files if path.is_file()]
    if len(found) > 1:
        raise DatasetError(f"{dataset.path}: has both {found[0].name} and {found[1].name}; keep one")
    return _read(found[0]) if found else None


def _read(path: Path) -> QuoteColumns:
    import pandas as pd  # heavy, and most datasets have no such file

    frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    missing = [name for name in _REQUIRED if name not in frame.columns]
    if missing:
        raise DatasetError(f"{path}: column {missing[0]!r} is missing; it needs {', '.join(_REQUIRED)}")
    frame = frame[frame["ask"] > 0]
    try:
        moments = pd.to_datetime(frame["ts"], utc=True).dt.as_unit("ns")
        times = np.asarray(moments.astype("int64"), dtype=np.int64)
        symbols = _symbols(frame)
    except ValueError as error:
        raise DatasetError(f"{path}: {' '.join(str(error).split())}") from None
    return QuoteColumns(
        symbols,
        times,
        frame["bid"].fillna(0.0).to_numpy(dtype=np.float64),
        frame["ask"].to_numpy(dtype=np.float64),
        _sizes(frame, "bid_size"),
        _sizes(frame, "ask_size"),
    )


def _symbols(frame: "pd.DataFrame") -> NDArray[np.str_]:
    import pandas as pd  # heavy, and most datasets have no such file

    from ratchet.core.options import OccSymbol, Right

    if not all(name in frame.columns for name in _TERMS):
        for name in frame["symbol"].unique().tolist():
            OccSymbol.parse(str(name))
        return frame["symbol"].to_numpy(dtype=np.str_)
    terms = frame[["symbol", *_TERMS]].astype(str)
    unique = terms.drop_duplicates()
    names = {
        row: str(OccSymbol(row[0], pd.Timestamp(row[1]).date(), Right(row[2]), Decimal(str(float(row[3])))))
        for row in unique.itertuples(index=False, name=None)
    }
    return np.array([names[row] for row in terms.itertuples(index=False, name=None)], dtype=np.str_)


def _sizes(frame: "pd.DataFrame", name: str) -> NDArray[np.int64]:
    if name not in frame.columns:
        return np.full(len(frame), _DEFAULT_SIZE, dtype=np.int64)
    return frame[name].fillna(0).to_numpy(dtype=np.int64)
