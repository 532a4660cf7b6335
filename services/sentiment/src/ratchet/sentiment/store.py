"""Sentiment in the database."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ratchet.common.db import Database
from ratchet.common.timestamps import to_datetime, to_ns
from ratchet.core.assets import Registry
from ratchet.core.sentiment.window import SentimentRow

_COLUMNS = ("symbol", "ts", "source", "asset_class", "score", "mentions")


class SentimentStore:
    """The table social_sentiment: a score per symbol, bucket and source."""

    def __init__(self, db: Database, registry: Registry) -> None:
        self._db = db
        self._registry = registry

    def save(self, rows: Sequence[SentimentRow], source: str) -> None:
        """Write rows; a bucket that was written before is replaced."""
        values = []
        for row in rows:
            asset = self._registry[row.asset_id]
            score = max(-1.0, min(1.0, row.score))
            values.append(
                (asset.symbol, to_datetime(row.ts), source, asset.asset_class.value, score, row.mentions)
            )
        if values:
            with self._db.transaction() as cursor:
                self._db.copy_upsert(cursor, "social_sentiment", _COLUMNS, values, conflict=_COLUMNS[:3])

    def newest(self, source: str) -> int:
        """Return the end of a source's newest bucket (ns, UTC), 0 without one."""
        newest = self.newest_time(source)
        return to_ns(newest) if newest else 0

    def newest_time(self, source: str) -> datetime | None:
        """Return the end of a source's newest bucket."""
        rows = self._db.query("SELECT max(ts) FROM social_sentiment WHERE source = %s", (source,))
        found: datetime | None = rows[0][0]
        return found

    def recent(self, symbol: str | None, limit: int) -> list[dict[str, Any]]:
        """Return the newest scores, of one symbol or all."""
        names = ("symbol", "ts", "source", "score", "mentions")
        rows = self._db.query(
            f"SELECT {', '.join(names)} FROM social_sentiment "  # noqa: S608 - names are constants
            "WHERE %(symbol)s::text IS NULL OR symbol = %(symbol)s ORDER BY ts DESC, symbol LIMIT %(limit)s",
            {"symbol": symbol, "limit": limit},
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def between(self, symbol: str, start: datetime, end: datetime, limit: int) -> list[tuple[Any, ...]]:
        """Return (ts, score, mentions, source) of a symbol in [start, end), oldest first."""
        return self._db.query(
            "SELECT ts, score, mentions, source FROM social_sentiment "
            "WHERE symbol = %s AND ts >= %s AND ts < %s ORDER BY ts, source LIMIT %s",
            (symbol, start, end, limit),
        )
