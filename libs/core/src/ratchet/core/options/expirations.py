"""Expiration dates by the exchange's calendar: third Fridays, weekly Fridays, dailies of the busiest classes.

An expiration that falls on a holiday moves to the session before it (Cboe Rule 4.5(d)).
"""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache

from ratchet.core.options.config import ListingConfig
from ratchet.core.sessions import NEW_YORK, Calendar, get_calendar

_FRIDAY = 4
_WEEK = timedelta(days=7)


def third_friday(year: int, month: int) -> date:
    """Return the third Friday of a month, whether or not the market is open then."""
    first = date(year, month, 1)
    return first + timedelta(days=(_FRIDAY - first.weekday()) % 7 + 14)


def is_standard(day: date) -> bool:
    """Say whether a date is a monthly expiration: a third Friday, or the session before it."""
    return _standard(day.year, day.month) == day


def listed_expirations(config: ListingConfig, underlying: str, day: date) -> tuple[date, ...]:
    """Return the expirations that trade on a New York date, ascending, the day's own among them."""
    calendar = get_calendar(NEW_YORK)
    found = set(_monthlies(config, day))
    friday = day + timedelta(days=(_FRIDAY - day.weekday()) % 7)
    found.update(_on_or_before(calendar, friday + number * _WEEK) for number in range(config.weekly_count))
    if underlying in config.daily_classes:
        last = day + timedelta(days=config.daily_horizon_days)
        sessions = calendar.sessions(day, last)
        found.update(one.date for one in sessions if one.date.weekday() in config.daily_weekdays)
    return tuple(sorted(expiration for expiration in found if expiration >= day))


@lru_cache(maxsize=4096)
def expiration_close(expiration: date) -> int:
    """Return when a contract stops trading, in ns UTC: the end of its last session.

    ValueError when the exchange has no session on that date.
    """
    session = get_calendar(NEW_YORK).session_on(expiration)
    if session is None:
        raise ValueError(f"expiration {expiration} is not a session of the exchange")
    return session.close


def _monthlies(config: ListingConfig, day: date) -> Iterator[date]:
    month_index = day.year * 12 + day.month - 1
    if _standard(day.year, day.month) < day:
        month_index += 1
    for offset in range(config.monthly_count):
        yield _standard(*_year_month(month_index + offset))
    for years in range(1, config.january_years + 1):
        yield _standard(day.year + years, 1)


def _year_month(index: int) -> tuple[int, int]:
    return index // 12, index % 12 + 1


def _standard(year: int, month: int) -> date:
    return _on_or_before(get_calendar(NEW_YORK), third_friday(year, month))


def _on_or_before(calendar: Calendar, day: date) -> date:
    return calendar.sessions(day - timedelta(days=6), day)[-1].date
