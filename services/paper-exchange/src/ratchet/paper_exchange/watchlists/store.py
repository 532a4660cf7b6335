"""The rows of watchlists."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from psycopg2.errors import UniqueViolation

from ratchet.paper_exchange.errors import NotFoundError, UnprocessableError
from ratchet.paper_exchange.store import Store

_COLUMNS = "watchlist_id, name, symbols, created_ns, updated_ns"
MAX_LISTS = 200


@dataclass(frozen=True, slots=True)
class Watchlist:
    """A list; times are ns UTC."""

    id: str
    name: str
    symbols: tuple[str, ...]
    created_ns: int
    updated_ns: int


class Watchlists:
    """The lists of one account; every change is durable when its method returns."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self) -> list[Watchlist]:
        """Return every list by name."""
        return self._read("account = %s ORDER BY name")

    def get(self, field: str, value: str) -> Watchlist:
        """Return the list with a `watchlist_id` or `name`; NotFoundError."""
        found = (
            []
            if field == "watchlist_id" and not _is_uuid(value)
            else self._read(f"account = %s AND {field} = %s", value)
        )
        if not found:
            raise NotFoundError(f"watchlist not found for {value}")
        return found[0]

    def create(self, name: str, symbols: tuple[str, ...], now: int) -> Watchlist:
        """Add a list; UnprocessableError when the name is taken."""
        if len(self.all()) >= MAX_LISTS:
            raise UnprocessableError(f"there are {MAX_LISTS} watchlists already")
        made = Watchlist(str(uuid4()), name, symbols, now, now)
        self._change(
            name,
            "INSERT INTO paper.watchlists (account, watchlist_id, name, symbols, created_ns, updated_ns) "
            "VALUES (%s, %s, %s, %s, %s, %s)",
            (self._store.account, made.id, name, json.dumps(symbols), now, now),
        )
        return made

    def update(self, old: Watchlist, name: str, symbols: tuple[str, ...], now: int) -> Watchlist:
        """Change a list's name and assets."""
        self._change(
            name,
            "UPDATE paper.watchlists SET name = %s, symbols = %s, updated_ns = %s "
            "WHERE account = %s AND watchlist_id = %s",
            (name, json.dumps(symbols), now, self._store.account, old.id),
        )
        return Watchlist(old.id, name, symbols, old.created_ns, now)

    def delete(self, old: Watchlist) -> None:
        """Remove a list."""
        self._change(
            old.name,
            "DELETE FROM paper.watchlists WHERE account = %s AND watchlist_id = %s",
            (self._store.account, old.id),
        )

    def _read(self, where: str, *parameters: Any) -> list[Watchlist]:
        rows = self._store.query(
            f"SELECT {_COLUMNS} FROM paper.watchlists WHERE {where}",  # noqa: S608 - constants of this file
            *parameters,
        )
        return [Watchlist(str(row[0]), row[1], tuple(row[2]), row[3], row[4]) for row in rows]

    def _change(self, name: str, sql: str, parameters: tuple[Any, ...]) -> None:
        try:
            self._store.execute(sql, parameters)
        except UniqueViolation:
            raise UnprocessableError(f"watchlist name {name!r} must be unique") from None


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
