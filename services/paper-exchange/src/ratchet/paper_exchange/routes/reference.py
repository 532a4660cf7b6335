"""Clock, calendar and assets."""

from datetime import date, timedelta
from typing import Any, Literal

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from ratchet.common.timestamps import to_datetime
from ratchet.core.sessions import Session, get_calendar
from ratchet.paper_exchange.routes import VenueDep
from ratchet.paper_exchange.wire.assets import asset_json
from ratchet.paper_exchange.wire.values import NEW_YORK, new_york_time, parse_day

STOCK_CALENDAR = "XNYS"
FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2040, 12, 1)
_SETTLEMENT_SEARCH = timedelta(days=14)

router = APIRouter(prefix="/v2")


@router.get("/clock")
def clock(venue: VenueDep) -> JSONResponse:
    """The stock market's clock at the simulated time."""
    now, calendar = venue.now, get_calendar(STOCK_CALENDAR)
    return JSONResponse(
        {
            "timestamp": new_york_time(now),
            "is_open": calendar.is_open(now),
            "next_open": new_york_time(calendar.next_open(now)),
            "next_close": new_york_time(calendar.next_close(now)),
        }
    )


@router.get("/calendar")
def calendar_days(
    _venue: VenueDep,
    start: str | None = None,
    end: str | None = None,
    date_type: Literal["TRADING", "SETTLEMENT"] = "TRADING",
) -> JSONResponse:
    """Trading days of the stock market, both ends included, by their own or their settlement's date."""
    first = max(parse_day("start", start), FIRST_DAY) if start else FIRST_DAY
    last = min(parse_day("end", end), LAST_DAY) if end else LAST_DAY
    if last < first:
        return JSONResponse([])
    by_settlement = date_type == "SETTLEMENT"
    early = first - _SETTLEMENT_SEARCH if by_settlement else first
    sessions = get_calendar(STOCK_CALENDAR).sessions(max(early, FIRST_DAY), last + _SETTLEMENT_SEARCH)
    following = [session.date for session in sessions[1:]]
    rows = zip(sessions, following, strict=False)
    return JSONResponse(
        [
            _day(session, settles.isoformat())
            for session, settles in rows
            if first <= (settles if by_settlement else session.date) <= last
        ]
    )


@router.get("/assets")
def assets(
    venue: VenueDep,
    status: str | None = None,
    asset_class: str | None = None,
    exchange: str | None = None,
    attributes: str | None = None,
) -> JSONResponse:
    """The assets that this venue trades; of several attributes an asset has one at least."""
    wanted = {"status": status, "class": asset_class, "exchange": exchange}
    marks = set((attributes or "").split(",")) - {""}
    found = [asset_json(asset) for asset in venue.listing.assets]
    return JSONResponse(
        [
            row
            for row in found
            if _matches(row, wanted) and (not marks or not marks.isdisjoint(row["attributes"]))
        ]
    )


@router.get("/assets/{symbol:path}")
def asset(venue: VenueDep, symbol: str) -> JSONResponse:
    """One asset, by symbol or id."""
    return JSONResponse(asset_json(venue.listing.get(symbol)))


def _matches(row: dict[str, Any], wanted: dict[str, str | None]) -> bool:
    return all(value is None or row[field] == value for field, value in wanted.items())


def _day(session: Session, settles: str) -> dict[str, Any]:
    opened, closed = (
        to_datetime(ts).astimezone(NEW_YORK).strftime("%H:%M") for ts in (session.open, session.close)
    )
    return {
        "date": session.date.isoformat(),
        "open": opened,
        "close": closed,
        "session_open": "0400",
        "session_close": "2000",
        "settlement_date": settles,
    }
