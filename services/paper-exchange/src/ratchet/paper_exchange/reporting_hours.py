"""Which points of a portfolio history are shown: all, or those of the stock market's hours."""

import numpy as np

from ratchet.core.sessions import get_calendar
from ratchet.core.sessions.catalog import NEW_YORK
from ratchet.paper_exchange.bars.history import Times
from ratchet.paper_exchange.errors import InvalidError

_HOUR = 3_600_000_000_000
# How far each kind of hours reaches before the open and beyond the close.
_REACH = {"market_hours": (0, 0), "extended_hours": (5 * _HOUR + _HOUR // 2, 4 * _HOUR)}
CONTINUOUS = "continuous"


def within(reporting: str, times: Times, *, intraday: bool) -> Times:
    """Return the points to show; a point stands for what ended there. Daily points are never left out."""
    if reporting != CONTINUOUS and reporting not in _REACH:
        allowed = ", ".join((*_REACH, CONTINUOUS))
        raise InvalidError(f"intraday_reporting {reporting!r} is invalid; allowed: {allowed}")
    if reporting == CONTINUOUS or not intraday or not len(times):
        return times
    before, after = _REACH[reporting]
    calendar = get_calendar(NEW_YORK)
    opens, closes = calendar.opens - before, calendar.closes + after
    session = np.searchsorted(opens, times, side="left") - 1
    return times[times <= closes[np.maximum(session, 0)]]
