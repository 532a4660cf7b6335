"""Files of bars, read column by column with every defect of form named."""

import difflib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ratchet.common.datasets.errors import DatasetError
from ratchet.common.datasets.timestamps import parse_starts

PRICES = ("open", "high", "low", "close", "volume")
REQUIRED = ("symbol", "ts", *PRICES)
SUFFIXES = (".parquet", ".csv", ".csv.gz")
_TEXT = ("symbol", "ts", "timeframe")


@dataclass(frozen=True, slots=True)
class FileBars:
    """The bars of one file; symbol and timeframe are codes into their names, starts are ns UTC."""

    path: Path
    symbols: tuple[str, ...]
    symbol_codes: NDArray[np.int64]
    starts: NDArray[np.int64]
    prices: tuple[NDArray[np.float64], ...]
    timeframes: tuple[str, ...] = ()
    timeframe_codes: NDArray[np.int64] | None = None


def find_files(path: Path) -> list[Path]:
    """Return the bar files of a folder in a fixed order, or the file itself."""
    if path.is_file():
        if not path.name.endswith(SUFFIXES):
            raise DatasetError(f"{path}: not a bar file; allowed: {', '.join(SUFFIXES)}")
        return [path]
    inside = (file for file in sorted(path.rglob("*")) if file.is_file() and file.name.endswith(SUFFIXES))
    files = [
        file for file in inside if not any(part.startswith(".") for part in file.relative_to(path).parts)
    ]
    if not files:
        raise DatasetError(f"{path}: holds no bar files; allowed: {', '.join(SUFFIXES)}")
    return files


def read_symbols(path: Path) -> list[str]:
    """Return a file's symbols, sorted, without reading its prices."""
    return sorted(_symbol_column(_read_table(path, ["symbol"]), path)[0])


def read_bars(path: Path) -> FileBars:
    """Read one file; DatasetError names file, line, column, value and what is allowed."""
    table = _read_table(path, None)
    if table.num_rows == 0:
        raise DatasetError(f"{path}: holds no bars")
    symbols, codes = _symbol_column(table, path)
    timeframes: tuple[str, ...] = ()
    timeframe_codes = None
    if "timeframe" in table.column_names:
        timeframes, timeframe_codes = _encode(table["timeframe"], "timeframe", path)
    prices = tuple(_numbers(table[name], name, path) for name in PRICES)
    starts = parse_starts(table["ts"], path)
    return FileBars(path, symbols, codes, starts, prices, timeframes, timeframe_codes)


def _read_table(path: Path, columns: list[str] | None) -> pa.Table:
    try:
        names = _column_names(path)
        _check_columns(path, names)
        wanted = columns or [*REQUIRED, *(["timeframe"] if "timeframe" in names else [])]
        if path.suffix == ".parquet":
            return pq.read_table(path, columns=wanted)
        return _read_csv(path, wanted, names)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DatasetError(f"{path}: {_first_line(error)}") from None
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {error}") from None


def _column_names(path: Path) -> list[str]:
    if path.suffix == ".parquet":
        return list(pq.read_schema(path).names)
    with pa.input_stream(path) as stream:
        header = stream.read(64 * 1024).split(b"\n", 1)[0].decode("utf-8", "replace")
    if not header.rstrip("\r").replace("\t", " ").isprintable():
        raise DatasetError(f"{path}: is not a text file of comma-separated values")
    return [name.strip().strip('"') for name in header.lstrip("\ufeff").rstrip("\r").split(",")]


def _check_columns(path: Path, names: list[str]) -> None:
    if names == [""]:
        raise DatasetError(f"{path}: is empty")
    missing = [name for name in REQUIRED if name not in names]
    if not missing:
        return
    others = [name for name in names if name not in REQUIRED]
    hints = [(name, difflib.get_close_matches(name, others, 1)) for name in missing]
    near = "".join(f"; did you mean {match[0]!r} to be {name!r}?" for name, match in hints if match)
    raise DatasetError(
        f"{path}: column {', '.join(map(repr, missing))} is missing; found {', '.join(names)}; "
        f"required: {', '.join(REQUIRED)}{near}"
    )


def _read_csv(path: Path, columns: list[str], header: list[str]) -> pa.Table:
    types = {name: pa.string() if name in _TEXT else pa.float64() for name in columns}
    bad_rows: list[pa_csv.InvalidRow] = []

    def remember(row: pa_csv.InvalidRow) -> str:
        bad_rows.append(row)
        return "error"

    # One thread: only then does the parser know the line numbers that its errors name.
    try:
        return pa_csv.read_csv(
            path,
            read_options=pa_csv.ReadOptions(use_threads=False),
            parse_options=pa_csv.ParseOptions(invalid_row_handler=remember),
            convert_options=pa_csv.ConvertOptions(
                include_columns=columns, column_types=types, null_values=["", "NA", "null", "None"],
                strings_can_be_null=True,
            ),
        )  # fmt: skip
    except pa.ArrowInvalid as error:
        if bad_rows:
            row = bad_rows[0]
            raise DatasetError(
                f"{path}: line {row.number}: {row.actual_columns} columns, expected {row.expected_columns}: "
                f"{row.text[:120]!r}"
            ) from None
        raise DatasetError(f"{path}: {_conversion(error, header)}") from None


def _conversion(error: pa.ArrowInvalid, header: list[str]) -> str:
    # Arrow says: In CSV column #3: Row #5: CSV conversion error to double: invalid value 'abc'
    text = _first_line(error)
    head, _, value = text.partition("invalid value ")
    words = head.replace(":", "").split("#")
    if not value or len(words) < 3:
        return text
    column, line = header[int(words[1].split()[0])], words[2].split()[0]
    return f"line {line}: {column} is {value}; allowed: a number"


def _symbol_column(table: pa.Table, path: Path) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    return _encode(table["symbol"], "symbol", path)


def _encode(column: pa.ChunkedArray, name: str, path: Path) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        raise DatasetError(f"{path}: column {name} has type {column.type}; allowed: text")
    if column.null_count or pc.any(pc.equal(column, "")).as_py():
        row = pc.index(pc.or_kleene(pc.is_null(column), pc.equal(pc.fill_null(column, ""), "")), True).as_py()
        place = f"row {row}" if path.suffix == ".parquet" else f"line {row + 2}"
        raise DatasetError(f"{path}: {place}: {name} is empty")
    encoded = pa.chunked_array(column).combine_chunks().dictionary_encode()
    return tuple(encoded.dictionary.to_pylist()), encoded.indices.to_numpy().astype(np.int64)


def _numbers(column: pa.ChunkedArray, name: str, path: Path) -> NDArray[np.float64]:
    kind = column.type
    numeric = pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind)
    if not (numeric or pa.types.is_null(kind)):
        raise DatasetError(f"{path}: column {name} has type {kind}; allowed: a number")
    values = column.cast(pa.float64())
    # Spot forex has no volume: none stated is none traded. A missing price stays NaN and is quarantined.
    values = pc.fill_null(values, 0.0 if name == "volume" else float("nan"))
    return np.asarray(values.to_numpy(), dtype=np.float64)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
