"""Bulk writes by COPY: binary from columns (fastest), text from rows."""

import io
import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import psycopg2
import psycopg2.extensions
import psycopg2.extras
from numpy.typing import NDArray
from psycopg2 import sql

Cursor = psycopg2.extensions.cursor

_HEADER = b"PGCOPY\n\xff\r\n\0" + b"\0" * 8
_TRAILER = b"\xff\xff"
_POSTGRES_EPOCH_US = 946_684_800_000_000
# PostgreSQL's type name to the big-endian layout of its binary form.
_FIXED = {
    "float8": ">f8", "float4": ">f4", "int8": ">i8", "int4": ">i4", "int2": ">i2", "bool": "?",
    "timestamptz": ">i8",
}  # fmt: skip
_TEXT = ("text", "varchar")


@dataclass(frozen=True, slots=True)
class Coded:
    """A text column as integer codes into a short list of values, such as symbols of a batch."""

    codes: NDArray[np.integer[Any]]
    values: Sequence[str]


def copy_columns(cursor: Cursor, table: str, columns: Mapping[str, Any]) -> int:
    """Write equally long columns by binary COPY; return the number of rows. Row order is not kept.

    A column is an array, a list, a `Coded` text column, or one scalar for all rows (at least one is not).
    timestamptz columns take int64 nanoseconds (UTC). Columns are float8/4, int8/4/2, bool, timestamptz and
    text; nulls are not possible. ValueError names a column that does not fit.
    """
    types = _column_types(cursor, table)
    length = _length(columns)
    if not length:
        return 0
    packer = _Packer(length)
    for name, values in columns.items():
        packer.add(name, types.get(name), values)
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
        _identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    cursor.copy_expert(statement, io.BytesIO(packer.payload()))
    return length


def copy_rows(cursor: Cursor, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Write rows of any types by text COPY; return their number."""
    buffer = io.StringIO()
    count = 0
    for row in rows:
        buffer.write("\t".join([_field(value) for value in row]))
        buffer.write("\n")
        count += 1
    if not count:
        return 0
    buffer.seek(0)
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        _identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    cursor.copy_expert(statement, buffer)
    return count


def copy_upsert(
    cursor: Cursor,
    table: str,
    columns: Sequence[str] | Mapping[str, Any],
    rows: Iterable[Sequence[Any]] | None = None,
    *,
    conflict: Sequence[str],
    update: bool = True,
) -> int:
    """COPY into a temporary table, then INSERT ... ON CONFLICT; return how many rows were written."""
    names = list(columns)
    staging = "staging_" + table.replace(".", "_")
    cursor.execute(
        sql.SQL(
            "CREATE TEMPORARY TABLE IF NOT EXISTS {} ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA"
        ).format(sql.Identifier(staging), sql.SQL(", ").join(map(sql.Identifier, names)), _identifier(table))
    )
    cursor.execute(sql.SQL("TRUNCATE {}").format(sql.Identifier(staging)))
    staged = f"pg_temp.{staging}"
    if isinstance(columns, Mapping):
        copy_columns(cursor, staged, columns)
    else:
        copy_rows(cursor, staged, names, rows or ())
    changed = [name for name in names if name not in conflict]
    action: sql.Composable = sql.SQL("NOTHING")
    if update and changed:
        action = sql.SQL("UPDATE SET {}").format(
            sql.SQL(", ").join(sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(name)) for name in changed)
        )
    cursor.execute(
        sql.SQL("INSERT INTO {} ({}) SELECT DISTINCT ON ({}) {} FROM {} ON CONFLICT ({}) DO {}").format(
            _identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, names)),
            sql.SQL(", ").join(map(sql.Identifier, conflict)),
            sql.SQL(", ").join(map(sql.Identifier, names)),
            _identifier(staged),
            sql.SQL(", ").join(map(sql.Identifier, conflict)),
            action,
        )
    )
    touched = cursor.rowcount
    cursor.execute(sql.SQL("DROP TABLE {}").format(_identifier(staged)))
    return touched


def ingest(cursor: Cursor, table: str, columns: Mapping[str, Any], *, conflict: Sequence[str]) -> int:
    """COPY columns straight into the table; if a row exists already, upsert all of them instead."""
    cursor.execute("SAVEPOINT ingest")
    try:
        written = copy_columns(cursor, table, columns)
    except psycopg2.errors.UniqueViolation:
        cursor.execute("ROLLBACK TO SAVEPOINT ingest")
        written = copy_upsert(cursor, table, columns, conflict=conflict)
    cursor.execute("RELEASE SAVEPOINT ingest")
    return written


class _Packer:
    """Builds the binary COPY rows: fixed-width rows side by side, grouped by the lengths of their texts."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._fields: list[tuple[str, NDArray[Any]]] = []
        self._texts: list[tuple[int, NDArray[Any], NDArray[np.int64]]] = []

    def add(self, name: str, kind: str | None, values: Any) -> None:
        if kind in _TEXT:
            encoded, lengths = self._encode(name, values)
            self._texts.append((len(self._fields), encoded, lengths))
            self._fields.append(("text", encoded))
            return
        layout = _FIXED.get(kind or "")
        if layout is None:
            raise ValueError(
                f"column {name!r} has type {kind}; binary COPY takes {', '.join([*_FIXED, *_TEXT])}: "
                "use copy with rows"
            )
        array = np.asarray(values)
        if kind == "timestamptz":
            array = array.astype(np.int64) // 1_000 - _POSTGRES_EPOCH_US
        self._check(name, array)
        self._fields.append((layout, np.broadcast_to(array, (self._length,))))

    def payload(self) -> bytes:
        key = np.zeros(self._length, dtype=np.int64)
        for _, _, lengths in self._texts:
            key = key * (int(lengths.max()) + 1) + lengths
        groups = np.unique(key)
        parts = [_HEADER]
        for group in groups:
            rows = slice(None) if len(groups) == 1 else np.flatnonzero(key == group)
            parts.append(self._pack(rows))
        parts.append(_TRAILER)
        return b"".join(parts)

    def _pack(self, rows: Any) -> bytes:
        widths = {index: int(lengths[rows][0]) for index, _, lengths in self._texts}
        layout: list[tuple[str, str]] = [("n", ">i2")]
        for index, (kind, _) in enumerate(self._fields):
            layout += [(f"l{index}", ">i4"), (f"v{index}", f"S{widths[index]}" if kind == "text" else kind)]
        # A zero-width text has no bytes, which numpy cannot express as a field.
        layout = [(name, kind) for name, kind in layout if kind != "S0"]
        packed = np.empty(len(self._fields[0][1][rows]), dtype=layout)
        packed["n"] = len(self._fields)
        for index, (kind, values) in enumerate(self._fields):
            width = widths[index] if kind == "text" else np.dtype(kind).itemsize
            packed[f"l{index}"] = width
            if width:
                packed[f"v{index}"] = values[rows]
        return packed.tobytes()

    def _encode(self, name: str, values: Any) -> tuple[NDArray[Any], NDArray[np.int64]]:
        if isinstance(values, str):
            values = Coded(np.zeros(self._length, dtype=np.int64), [values])
        if isinstance(values, Coded):
            words = [value.encode() for value in values.values]
            encoded = np.array(words, dtype=bytes)[values.codes]
            lengths = np.array([len(word) for word in words], dtype=np.int64)[values.codes]
        else:
            words = [str(value).encode() for value in values]
            encoded = np.array(words, dtype=bytes)
            lengths = np.array([len(word) for word in words], dtype=np.int64)
        self._check(name, lengths)
        return encoded, lengths

    def _check(self, name: str, array: NDArray[Any]) -> None:
        if array.ndim and len(array) != self._length:
            raise ValueError(f"column {name!r} has {len(array)} values, others have {self._length}")


# Catalogue look-ups by connection: types do not change while one is open.
_types: "weakref.WeakKeyDictionary[Any, dict[str, dict[str, str]]]" = weakref.WeakKeyDictionary()


def _column_types(cursor: Cursor, table: str) -> dict[str, str]:
    known = _types.setdefault(cursor.connection, {})
    temporary = table.startswith("pg_temp.")
    if temporary or table not in known:
        cursor.execute(
            "SELECT a.attname, t.typname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid "
            "WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped",
            (table,),
        )
        known[table] = dict(cursor.fetchall())
    return known[table]


def _length(columns: Mapping[str, Any]) -> int:
    for values in columns.values():
        if isinstance(values, Coded):
            return len(values.codes)
        if not isinstance(values, str) and np.ndim(values):
            return len(values)
    raise ValueError(f"columns {', '.join(columns)} are all scalars; at least one must have a value per row")


def _identifier(table: str) -> sql.Identifier:
    return sql.Identifier(*table.split("."))


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _field(value: Any) -> str:
    if value is None:
        return "\\N"
    if isinstance(value, bool | np.bool_):
        return "t" if value else "f"
    if isinstance(value, bytes | bytearray | memoryview):
        return "\\\\x" + bytes(value).hex()
    if isinstance(value, datetime) and value.tzinfo is None:
        raise ValueError(f"datetime {value.isoformat()} has no time zone; time columns are UTC")
    if isinstance(value, int | float | np.number):
        return str(value)
    if isinstance(value, dict):
        value = psycopg2.extras.Json(value).dumps(value)
    elif isinstance(value, list | tuple):
        value = "{" + ",".join(_element(item) for item in value) + "}"
    return str(value).translate(_ESCAPES)


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
