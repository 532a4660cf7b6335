"""Numbers and times on the wire. Money and quantities are JSON strings, times RFC 3339."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from ratchet.common.timestamps import EPOCH, to_datetime, to_ns
from ratchet.core.orders.money import canonical
from ratchet.paper_exchange.errors import InvalidError

NEW_YORK = ZoneInfo("America/New_York")


def rfc3339(ns: int) -> str:
    """Return a time in UTC with microseconds where it has any, such as 2026-01-02T15:00:00Z."""
    return to_datetime(ns).isoformat().replace("+00:00", "Z")


def optional_time(ns: int | None) -> str | None:
    """Return rfc3339(ns), or None for a time that has not come."""
    return None if not ns else rfc3339(ns)


def new_york_time(ns: int) -> str:
    """Return a time with New York's offset, as the clock endpoint shows it."""
    return to_datetime(ns).astimezone(NEW_YORK).isoformat()


def number(value: Decimal) -> str:
    """Return a quantity or price as a JSON string without exponent."""
    return canonical(value)


def optional_number(value: Decimal | None) -> str | None:
    """Return number(value), or None."""
    return None if value is None else canonical(value)


def money(value: Decimal) -> str:
    """Return an amount of dollars in cents or, where it has more digits, in full."""
    text = canonical(value)
    whole, _, digits = text.partition(".")
    return f"{whole}.{digits:0<2}"


def ratio(part: Decimal, whole: Decimal) -> str:
    """Return part / whole with ten digits, 0 when whole is 0."""
    return canonical((part / whole).quantize(Decimal("1e-10"))) if whole else "0"


def parse_time(field: str, text: str, *, end_of_day: bool = False) -> int:
    """Return ns UTC of an RFC 3339 time (naive means UTC) or of a date; InvalidError names the field.

    Digits under a microsecond are cut off.
    """
    try:
        if len(text) == 10:
            day = date.fromisoformat(text)
            moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
            return to_ns(moment + timedelta(days=1)) - 1 if end_of_day else to_ns(moment)
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        allowed = "allowed: RFC 3339 such as 2026-01-02T15:00:00Z, or YYYY-MM-DD"
        raise InvalidError(f"{field} {text!r} is not a time; {allowed}") from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - EPOCH) // timedelta(microseconds=1) * 1_000


def parse_day(field: str, text: str) -> date:
    """Return a date; InvalidError names the field."""
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise InvalidError(f"{field} {text!r} is not a date; allowed: YYYY-MM-DD") from None


def parse_flag(text: str | None) -> bool:
    """Return the boolean of a query parameter (alpaca-py sends True and False)."""
    return text is not None and text.lower() in ("true", "1", "yes")
