"""Pages of rows over several symbols: a token names the symbol and time where the last page ended."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ratchet.paper_exchange.errors import InvalidError

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins: after this time of this symbol (the first symbol and no time at the start)."""

    symbol: str
    after: int

    def encode(self) -> str:
        """Return the opaque token."""
        return base64.urlsafe_b64encode(json.dumps([self.symbol, self.after]).encode()).decode()

    @classmethod
    def decode(cls, token: str) -> "Cursor":
        """Parse a token; InvalidError when it is not one of ours."""
        try:
            symbol, after = json.loads(base64.urlsafe_b64decode(token.encode()))
            return cls(str(symbol), int(after))
        except (ValueError, TypeError, binascii.Error):
            raise InvalidError(f"page_token {token!r} is not a next_page_token of this API") from None


def paged(
    symbols: Sequence[str],
    limit: int,
    token: str | None,
    load: Callable[[str, int | None, int], Rows],
) -> tuple[dict[str, Rows], str | None]:
    """Gather up to `limit` rows over all symbols in order.

    `load(symbol, after, count)` returns up to `count` rows that follow the time `after`, each with `t` in ns.
    Returns the rows by symbol and the token of the next page, None at the end.
    """
    cursor = Cursor.decode(token) if token else None
    names = sorted(symbols)
    if cursor is not None:
        names = [name for name in names if name >= cursor.symbol]
    found: dict[str, Rows] = {}
    left = limit
    for name in names:
        after = cursor.after if cursor is not None and name == cursor.symbol else None
        rows = load(name, after, left + 1)
        page = rows[:left]
        if page:
            found[name] = page
        if len(rows) > left:
            return found, _next(name, page, found, after)
        left -= len(page)
    return found, None


def _next(name: str, page: Rows, found: dict[str, Rows], after: int | None) -> str:
    if page:
        return Cursor(name, page[-1]["t"]).encode()
    last = max(found) if found else name
    return Cursor(last, found[last][-1]["t"] if found else (after or 0)).encode()
