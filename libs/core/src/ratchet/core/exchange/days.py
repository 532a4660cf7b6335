"""Days as an American broker counts them: dates in New York, as day numbers (`date.toordinal`)."""

from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from ratchet.core.sessions import get_calendar
from ratchet.core.sessions.catalog import NEW_YORK

_ZONE = ZoneInfo("America/New_York")
_NS = 1_000_000_000


def new_york_day(ts: int) -> int:
    """Return the day number of an event time (ns, UTC); midnight itself ends the day before."""
    moment = datetime.fromtimestamp((ts - 1) // _NS, tz=UTC).astimezone(_ZONE)
    return moment.date().toordinal()


@lru_cache(maxsize=64)
def day_end(day: int) -> int:
    """Return the end of a day (ns, UTC): midnight in New York."""
    return local_time(day + 1, 0, 0)


def local_time(day: int, hour: int, minute: int) -> int:
    """Return a time of day in New York as ns UTC."""
    found = date.fromordinal(day)
    moment = datetime(found.year, found.month, found.day, hour, minute, tzinfo=_ZONE)
    return int(moment.timestamp()) * _NS


def business_days_after(first: int, last: int) -> int:
    """Return how many trading days lie in (first, last]."""
    if last <= first:
        return 0
    sessions = get_calendar(NEW_YORK).sessions(date.fromordinal(first + 1), date.fromordinal(last))
    return len(sessions)
