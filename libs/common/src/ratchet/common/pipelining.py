"""A cursor that sends statements together, so that a transaction of many costs few round trips."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import psycopg2.extensions

Statement = tuple[str, Sequence[Any] | Mapping[str, Any]]
"""SQL and its parameters."""


class PipelinedCursor(psycopg2.extensions.cursor):
    """A psycopg2 cursor with `later`: what it is given travels with the next statement, or with COMMIT.

    Their order is kept. An error of a statement that was to be sent later is raised by the statement that it
    travelled with; nothing after it is executed.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._queued: list[bytes] = []

    def later(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] | None = None) -> None:
        """Queue a statement whose result nobody reads."""
        self._queued.append(self.mogrify(sql, parameters))

    def later_values(self, sql: str, rows: Iterable[Sequence[Any]], *, template: str | None = None) -> None:
        """Queue an INSERT or UPDATE with one VALUES list in place of its only %s; nothing without rows.

        `template` gives the form of one row, by default a %s for each of its values.
        """
        values = []
        for row in rows:
            template = template or f"({', '.join(['%s'] * len(row))})"
            values.append(self.mogrify(template, row))
        if values:
            before, _, after = sql.partition("%s")
            self._queued.append(before.encode() + b", ".join(values) + after.encode())

    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002 - psycopg2's name
        """Execute a statement, and before it those that are queued, in one round trip."""
        if not self._queued:
            super().execute(query, vars)
            return
        statements = [*self._queued, self.mogrify(query, vars)]
        self._queued.clear()
        # A new line ends a comment that a statement may end with.
        super().execute(b"\n;".join(statements))

    def executemany(self, query: Any, vars_list: Any) -> None:
        """Execute what is queued, then a statement for each of many parameters."""
        self._flush()
        super().executemany(query, vars_list)

    def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> None:
        """Execute what is queued, then COPY."""
        self._flush()
        super().copy_expert(sql, file, size)

    def forget_queued(self) -> None:
        """Drop what was not sent."""
        self._queued.clear()

    def _flush(self) -> None:
        if self._queued:
            self.execute("SELECT")
