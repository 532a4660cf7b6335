"""The last marks of closed days, a row a day and portfolio: written by execution, read by risk as well."""

from collections.abc import Mapping

from ratchet.common.db import Cursor

_WRITE = (
    "INSERT INTO risk_daily_closes (portfolio, day, symbols, closes) VALUES (%s, %s, %s, %s) "
    "ON CONFLICT (portfolio, day) DO UPDATE SET symbols = EXCLUDED.symbols, closes = EXCLUDED.closes"
)
_READ = (
    "SELECT symbols, closes FROM (SELECT day, symbols, closes FROM risk_daily_closes WHERE portfolio = %s "
    "ORDER BY day DESC LIMIT %s) AS newest ORDER BY day"
)


def write_daily_closes(cursor: Cursor, portfolio: str, day: str, closes: Mapping[str, float]) -> None:
    """Keep the closes by symbol of a UTC day (YYYY-MM-DD); writing a day again replaces it."""
    cursor.execute(_WRITE, (portfolio, day, list(closes), list(closes.values())))


def read_daily_closes(cursor: Cursor, portfolio: str, days: int) -> list[dict[str, float]]:
    """Return the closes of the last days, oldest first."""
    cursor.execute(_READ, (portfolio, days))
    return [dict(zip(symbols, closes, strict=True)) for symbols, closes in cursor.fetchall()]
