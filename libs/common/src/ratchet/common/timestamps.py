"""Event time (int64 nanoseconds since the epoch, UTC) to and from datetime, with microsecond precision."""

from datetime import UTC, date, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NS_PER_DAY = 86_400_000_000_000


def to_datetime(ns: int) -> datetime:
    """Return the aware UTC datetime of an event time; digits under a microsecond are cut off."""
    return EPOCH + timedelta(microseconds=ns // 1_000)


def to_ns(moment: datetime) -> int:
    """Return the event time of an aware datetime; ValueError if it is naive."""
    if moment.tzinfo is None:
        raise ValueError(f"datetime {moment.isoformat()} has no time zone; event times are UTC")
    return (moment - EPOCH) // timedelta(microseconds=1) * 1_000


def utc_day(ns: int) -> date:
    """Return the UTC date that an event time falls on."""
    return to_datetime(ns).date()
