"""The ts column: start of bar as int64 ns UTC, from whatever a file holds."""

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ratchet.common.datasets.errors import DatasetError

_ALLOWED = "ISO 8601 with a zone such as 2024-01-02T14:30:00Z, a date, or an integer count since 1970"
_DATE = r"^\d{4}-\d{2}-\d{2}$"
_NAIVE = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?$"
_INTEGER = r"^-?\d+$"
_NS_PER_DAY = 86_400_000_000_000
_EPOCH_UNITS = ((10**11, 10**9), (10**14, 10**6), (10**17, 10**3))


def parse_starts(column: pa.ChunkedArray, path: Path) -> NDArray[np.int64]:
    """Return ts as ns UTC; DatasetError names the first row that is empty, malformed or without a zone."""
    if column.null_count:
        row = pc.index(pc.is_null(column), True).as_py()
        raise DatasetError(f"{path}: {_place(path, row)}: ts is empty; allowed: {_ALLOWED}")
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_timestamp(kind):
        return _from_timestamps(column, path)
    if pa.types.is_date(kind):
        return _to_ns(column.cast(pa.timestamp("s")))
    if pa.types.is_integer(kind):
        return _from_epoch(column.cast(pa.int64()))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _from_text(column, path)
    raise DatasetError(f"{path}: column ts has type {kind}; allowed: {_ALLOWED}")


def _from_timestamps(column: pa.ChunkedArray, path: Path) -> NDArray[np.int64]:
    values = _to_ns(column)
    if column.type.tz is None and (values % _NS_PER_DAY).any():
        row = int(np.flatnonzero(values % _NS_PER_DAY)[0])
        shown = column[row].as_py()
        raise DatasetError(f"{path}: {_place(path, row)}: ts {shown} has no time zone; allowed: {_ALLOWED}")
    return values


def _from_epoch(column: pa.ChunkedArray) -> NDArray[np.int64]:
    values = column.to_numpy()
    largest = int(np.abs(values).max(initial=0))
    factor = next((factor for limit, factor in _EPOCH_UNITS if largest < limit), 1)
    return np.asarray(values * factor, dtype=np.int64)


def _from_text(column: pa.ChunkedArray, path: Path) -> NDArray[np.int64]:
    text = pc.utf8_trim_whitespace(column)
    if len(text) and re.match(_INTEGER, text[0].as_py()):
        _require(text, _INTEGER, path)
        return _from_epoch(text.cast(pa.int64()))
    is_date = pc.match_substring_regex(text, _DATE)
    full = pc.if_else(is_date, pc.binary_join_element_wise(text, "00:00:00Z", "T"), text)
    try:
        return _to_ns(full.cast(pa.timestamp("ns", "UTC")))
    except pa.ArrowInvalid:
        row = _first_invalid(full)
        shown = text[row].as_py()
        problem = "has no time zone" if re.search(_NAIVE, shown) else "is not a time"
        raise DatasetError(
            f"{path}: {_place(path, row)}: ts {shown!r} {problem}; allowed: {_ALLOWED}"
        ) from None


def _first_invalid(text: pa.ChunkedArray) -> int:
    lower, upper = 0, len(text)
    while upper - lower > 1:  # the first half that fails to parse holds the first bad row
        middle = (lower + upper) // 2
        try:
            text.slice(lower, middle - lower).cast(pa.timestamp("ns", "UTC"))
            lower = middle
        except pa.ArrowInvalid:
            upper = middle
    return lower


def _require(text: pa.ChunkedArray, pattern: str, path: Path) -> None:
    matches = pc.match_substring_regex(text, pattern)
    if not pc.all(matches).as_py():
        row = pc.index(matches, False).as_py()
        shown = text[row].as_py()
        raise DatasetError(
            f"{path}: {_place(path, row)}: ts {shown!r} is not an integer like the rows before"
        )


def _to_ns(column: pa.ChunkedArray) -> NDArray[np.int64]:
    zone = column.type.tz
    return np.asarray(column.cast(pa.timestamp("ns", zone)).cast(pa.int64()).to_numpy(), dtype=np.int64)


def _place(path: Path, row: int) -> str:
    return f"line {row + 2}" if ".csv" in path.name else f"row {row}"
