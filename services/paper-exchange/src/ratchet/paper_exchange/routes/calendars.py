"""The newer clock and calendar, which know markets by name and their pre- and after-market phases."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, Literal

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from ratchet.common.timestamps import to_datetime, to_ns
from ratchet.core.sessions import Session, get_calendar
from ratchet.paper_exchange.errors import InvalidError
from ratchet.paper_exchange.routes import VenueDep
from ratchet.paper_exchange.routes.reference import FIRST_DAY, LAST_DAY, STOCK_CALENDAR
from ratchet.paper_exchange.wire.values import NEW_YORK, new_york_time, parse_day, parse_time

_PRE_OPENS = time(4)
_POST = timedelta(hours=4)
_DEFAULT_SPAN = timedelta(days=7)
_SEARCH = timedelta(days=14)

router = APIRouter(prefix="/v3")


@dataclass(frozen=True, slots=True)
class Market:
    """A market by its usual name and its code."""

    acronym: str
    name: str
    mic: str

    def shown(self) -> dict[str, Any]:
        """Return it as it is sent."""
        return {
            "acronym": self.acronym,
            "name": self.name,
            "mic": self.mic,
            "timezone": "America/New_York",
        }


_MARKETS = (
    Market("NYSE", "New York Stock Exchange", "XNYS"),
    Market("NASDAQ", "Nasdaq", "XNAS"),
    Market("IEX", "Investors Exchange", "IEXG"),
)
# The markets of US stocks keep the same days and hours.
MARKETS = {name: market for market in _MARKETS for name in (market.acronym, market.mic)}


@router.get("/clock")
def clock(venue: VenueDep, markets: str = "NYSE", time: str | None = None) -> JSONResponse:
    """Where each market stands in its day, now or at a given time."""
    now = parse_time("time", time) if time else venue.now
    found = {market.acronym: market for market in map(_market, markets.split(","))}
    return JSONResponse({"clocks": [_clock(market, now) for market in found.values()]})


@router.get("/calendar/{market}")
def calendar(
    venue: VenueDep,
    market: str,
    start: str | None = None,
    end: str | None = None,
    timezone: Literal["UTC"] | None = None,
) -> JSONResponse:
    """A market's days with all their phases, both ends included; by default a week from today."""
    today = to_datetime(venue.now).astimezone(NEW_YORK).date()
    first = parse_day("start", start) if start else today
    last = parse_day("end", end) if end else first + _DEFAULT_SPAN
    if last < first:
        raise InvalidError(f"end {last} is before start {first}")
    zone: tzinfo = UTC if timezone else NEW_YORK
    days = _days(max(first, FIRST_DAY), min(last, LAST_DAY))
    rows = [_day(session, settles, zone) for session, settles in days]
    return JSONResponse({"market": _market(market).shown(), "calendar": rows})


def _market(name: str) -> Market:
    market = MARKETS.get(name.strip().upper())
    if market is None:
        raise InvalidError(f"market {name!r} is not known here; allowed: {', '.join(MARKETS)}")
    return market


def _days(first: date, last: date) -> list[tuple[Session, str]]:
    sessions = get_calendar(STOCK_CALENDAR).sessions(first, last + _SEARCH)
    following = [session.date.isoformat() for session in sessions[1:]]
    return [pair for pair in zip(sessions, following, strict=False) if pair[0].date <= last]


def _phases(session: Session) -> list[tuple[int, str]]:
    """Return the ends of the phases of a session's day and their names, in order."""
    pre = datetime.combine(session.date, _PRE_OPENS, NEW_YORK)
    post = to_datetime(session.close) + _POST
    return [
        (to_ns(pre), "closed"),
        (session.open, "pre"),
        (session.close, "core"),
        (to_ns(post), "post"),
    ]


def _clock(market: Market, now: int) -> dict[str, Any]:
    calendar, today = get_calendar(STOCK_CALENDAR), to_datetime(now).astimezone(NEW_YORK).date()
    coming = calendar.sessions(today, today + _SEARCH)
    phases = (phase for session in coming for phase in _phases(session))
    until, phase = next((end, name) for end, name in phases if now < end)
    return {
        "market": market.shown(),
        "timestamp": new_york_time(now),
        "is_market_day": calendar.session_on(today) is not None,
        "next_market_open": new_york_time(calendar.next_open(now)),
        "next_market_close": new_york_time(calendar.next_close(now)),
        "phase": phase,
        "phase_until": new_york_time(until),
    }


def _day(session: Session, settles: str, zone: tzinfo) -> dict[str, Any]:
    (pre, _), (opened, _), (closed, _), (post, _) = _phases(session)
    times = {
        "pre_start": pre,
        "pre_end": opened,
        "core_start": opened,
        "core_end": closed,
        "post_start": closed,
        "post_end": post,
    }
    shown = {name: to_datetime(ts).astimezone(zone).isoformat() for name, ts in times.items()}
    return {"date": session.date.isoformat(), **shown, "settlement_date": settles}
