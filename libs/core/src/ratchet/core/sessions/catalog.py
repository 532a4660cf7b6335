"""The calendars by name; each is computed once, on first use."""

from functools import cache

import numpy as np

from ratchet.core.sessions.calendar import NS_PER_DAY, Calendar, Times

ALWAYS_OPEN = "24/7"
FOREX_WEEK = "FX"
NEW_YORK = "XNYS"

# Fixed bounds: the calendars are the same on every day that the program runs.
_FIRST, _LAST = "1980-01-01", "2040-12-31"


@cache
def get_calendar(name: str) -> Calendar:
    """Return a calendar by name.

    Names: 24/7, FX (Sunday 17:00 to Friday 17:00 New York) or an exchange's ISO code, such as XNYS.
    ValueError names an unknown calendar.
    """
    if name == ALWAYS_OPEN:
        return _always_open()
    if name == FOREX_WEEK:
        return _forex_week()
    return _exchange(name)


def _days() -> Times:
    return np.arange(np.datetime64(_FIRST, "D"), np.datetime64(_LAST, "D") + 1).astype(np.int64) * NS_PER_DAY


def _always_open() -> Calendar:
    days = _days()
    return Calendar(ALWAYS_OPEN, days, days.copy(), days + NS_PER_DAY, NS_PER_DAY)


def _forex_week() -> Calendar:
    import pandas as pd  # heavy, and most processes never ask for this calendar

    days = _days()
    weekday = (days // NS_PER_DAY + 3) % 7  # 1970-01-01 was a Thursday; Monday is 0
    dates = days[weekday < 5]
    rollover = pd.Timedelta(hours=17)
    local = pd.DatetimeIndex(dates)
    closes = (local + rollover).tz_localize("America/New_York").as_unit("ns").asi8
    previous = local - pd.Timedelta(days=1)
    opens = (previous + rollover).tz_localize("America/New_York").as_unit("ns").asi8
    return Calendar(FOREX_WEEK, dates, opens.copy(), closes.copy(), NS_PER_DAY)


def _exchange(name: str) -> Calendar:
    import exchange_calendars  # takes over a second to import

    try:
        source = exchange_calendars.get_calendar(name, start=_FIRST, end=_LAST)
    except exchange_calendars.errors.InvalidCalendarName:
        allowed = f"{ALWAYS_OPEN}, {FOREX_WEEK} or an exchange code such as XNYS"
        raise ValueError(f"calendar {name!r} is unknown; allowed: {allowed}") from None
    dates, opens, closes = (
        index.as_unit("ns").asi8.copy()
        for index in (
            source.sessions,
            source.schedule["open"].dt.as_unit("ns").array,
            source.schedule["close"].dt.as_unit("ns").array,
        )
    )
    return Calendar(name, dates, opens, closes, int(np.median(closes - opens)))
