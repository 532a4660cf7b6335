"""Texts from a file: CSV, JSON lines or parquet."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ratchet.common.texts.records import as_text
from ratchet.common.texts.types import SourceError, Text

_SUFFIXES = (".csv", ".jsonl", ".parquet")


class FileSource:
    """A file with the columns ts, text and optionally symbol; read whole, sorted by time."""

    def __init__(self, path: Path) -> None:
        if path.suffix not in _SUFFIXES:
            raise SourceError(f"{path}: not a file of texts; allowed: {', '.join(_SUFFIXES)}")
        if not path.is_file():
            raise SourceError(f"{path}: there is no such file")
        self._path = path
        self.name = path.stem

    def check(self) -> None:
        """Read everything once; SourceError names file, record and field of the first error."""
        for _ in self.read(0):
            pass

    def read(self, after: int) -> Iterator[Text]:
        """Yield texts published after an event time, oldest first."""
        unit = "line" if self._path.suffix == ".jsonl" else "record"
        texts = [as_text(record, f"{self._path}, {unit} {number}") for number, record in self._records()]
        yield from sorted((text for text in texts if text.ts > after), key=lambda text: text.ts)

    def _records(self) -> Iterator[tuple[int, object]]:
        if self._path.suffix == ".jsonl":
            return self._lines()
        return enumerate(self._table(), start=1)

    def _lines(self) -> Iterator[tuple[int, object]]:
        with self._path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                if not line.strip():
                    continue
                try:
                    record = json.loads(line)
                except json.JSONDecodeError as error:
                    raise SourceError(f"{self._path}, line {number}: not JSON: {error}") from None
                yield number, record

    def _table(self) -> list[dict[str, Any]]:
        import pyarrow as pa
        import pyarrow.csv as pa_csv
        import pyarrow.parquet as pa_parquet

        try:
            if self._path.suffix == ".csv":
                kinds = {"ts": pa.string(), "text": pa.string(), "symbol": pa.string()}
                parsing = pa_csv.ParseOptions(newlines_in_values=True)
                options = pa_csv.ConvertOptions(column_types=kinds)
                table = pa_csv.read_csv(self._path, parse_options=parsing, convert_options=options)
            else:
                table = pa_parquet.read_table(self._path)
        except (pa.ArrowInvalid, OSError) as error:
            raise SourceError(f"{self._path}: cannot be read: {error}") from error
        missing = [name for name in ("ts", "text") if name not in table.column_names]
        if missing:
            raise SourceError(
                f"{self._path}: column {missing[0]} is missing; it has {', '.join(table.column_names)}"
            )
        rows: list[dict[str, Any]] = table.to_pylist()
        return rows
