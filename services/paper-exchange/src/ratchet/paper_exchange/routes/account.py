"""Account, configuration, activities and portfolio history."""

import re
from datetime import datetime
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from ratchet.common.timestamps import utc_day
from ratchet.core.assets import Asset
from ratchet.core.exchange import NO_ASSET, Activity
from ratchet.core.orders.rows import from_row
from ratchet.paper_exchange.bars.history import NS_PER_DAY, Floats, Times
from ratchet.paper_exchange.errors import InvalidError
from ratchet.paper_exchange.reporting_hours import within
from ratchet.paper_exchange.requests import ConfigurationBody
from ratchet.paper_exchange.routes import VenueDep
from ratchet.paper_exchange.venue import PaperVenue
from ratchet.paper_exchange.wire.account import DEFAULT_CONFIGURATION, account_json, activity_json
from ratchet.paper_exchange.wire.values import parse_day, parse_time

MAX_PAGE = 100
OPTION_ACTIVITIES = ("OPEXC", "OPASN", "OPEXP", "OPTRD", "OPCSH")
_MINUTE = 60_000_000_000
_FRAMES = {"1Min": _MINUTE, "5Min": 5 * _MINUTE, "15Min": 15 * _MINUTE, "1H": 60 * _MINUTE, "1D": NS_PER_DAY}
_PERIODS = {"D": 1, "W": 7, "M": 30, "A": 365}
_INTRADAY_LIMIT = 30 * NS_PER_DAY
_MAX_POINTS = 50_000

router = APIRouter(prefix="/v2/account")


@router.get("")
def account(venue: VenueDep) -> JSONResponse:
    """The account at the last closes."""
    with venue.exchange() as exchange:
        view, now = exchange.account(), venue.now
    suspended = bool(venue.configuration.get("suspend_trade"))
    last_equity = venue.past.at_day_start(now)
    return JSONResponse(account_json(view, venue.account_id, venue.created_ns, now, last_equity, suspended))


@router.get("/configurations")
def configurations(venue: VenueDep) -> JSONResponse:
    """The account's settings."""
    return JSONResponse({**DEFAULT_CONFIGURATION, **venue.configuration})


@router.patch("/configurations")
def configure(venue: VenueDep, body: ConfigurationBody) -> JSONResponse:
    """Change settings; null keeps the old value."""
    venue.configure(body.model_dump(exclude_none=True))
    return configurations(venue)


@router.get("/activities")
def activities(
    venue: VenueDep,
    activity_types: str | None = None,
    category: str | None = None,
    date: str | None = None,
    until: str | None = None,
    after: str | None = None,
    direction: str = "desc",
    page_size: Annotated[int, Query(ge=1, le=MAX_PAGE)] = MAX_PAGE,
    page_token: str | None = None,
) -> JSONResponse:
    """Fills, fees, interest, dividends and splits; a page begins after the row whose id is page_token."""
    conditions, parameters = _period(date, after, until)
    wanted = _types(activity_types, category)
    if wanted is not None:
        conditions.append("type = ANY(%s)")
        parameters.append(wanted)
    if direction not in ("asc", "desc"):
        raise InvalidError(f"direction {direction!r} is invalid; allowed: asc, desc")
    if page_token:
        beyond = ">" if direction == "asc" else "<"
        conditions.append(f"(ts_ns, number) {beyond} (%s, %s)")
        parameters.extend(_position(venue, page_token))
    where = " AND ".join(["account = %s", *conditions])
    rows = venue.store.query(
        f"SELECT doc FROM paper.activities WHERE {where} "  # noqa: S608 - constants of this file
        f"ORDER BY ts_ns {direction}, number {direction} LIMIT %s",
        *parameters,
        page_size,
    )
    found = [from_row(Activity, doc) for (doc,) in rows]
    return JSONResponse([activity_json(row, _asset_of(venue, row)) for row in found])


@router.get("/activities/{activity_type}")
def activities_of_type(
    venue: VenueDep,
    activity_type: str,
    date: str | None = None,
    until: str | None = None,
    after: str | None = None,
    direction: str = "desc",
    page_size: Annotated[int, Query(ge=1, le=MAX_PAGE)] = MAX_PAGE,
    page_token: str | None = None,
) -> JSONResponse:
    """Activities of one type."""
    return activities(venue, activity_type, None, date, until, after, direction, page_size, page_token)


@router.get("/portfolio/history")
def portfolio_history(
    venue: VenueDep,
    period: str | None = None,
    timeframe: str | None = None,
    start: str | None = None,
    end: str | None = None,
    date_end: str | None = None,
    intraday_reporting: str = "continuous",
    pnl_reset: str = "per_day",
) -> JSONResponse:
    """Equity and profit over time, from account history and the closes.

    Profit counts from the start of the period, or within a day from the last midnight UTC before each point.
    """
    if period and start and (end or date_end):
        raise InvalidError("at most two of start, end and period are allowed")
    now = venue.now
    last = min(parse_time("end", end or date_end or "", end_of_day=True) if end or date_end else now, now)
    first = parse_time("start", start) if start else last - _span(period or "1M")
    first = max(first, venue.created_ns)
    frame = timeframe or ("1D" if last - first > NS_PER_DAY else "15Min")
    times = within(intraday_reporting, _grid(frame, first, last), intraday=_FRAMES[frame] < NS_PER_DAY)
    equity = venue.past.curve(times)
    base = float(venue.past.at(first)) if len(times) else float(venue.config.starting_cash)
    profit = equity - _baseline(venue, pnl_reset, frame, times, first, base)
    return JSONResponse(
        {
            "timestamp": (times // 1_000_000_000).tolist(),
            "equity": [round(value, 2) for value in equity.tolist()],
            "base_value_asof": utc_day(first).isoformat(),
            "profit_loss": [round(value, 2) for value in profit.tolist()],
            "profit_loss_pct": [round(value / base, 6) if base else None for value in profit.tolist()],
            "base_value": round(base, 2),
            "timeframe": frame,
        }
    )


def _baseline(
    venue: PaperVenue, reset: str, frame: str, times: Times, first: int, base: float
) -> float | Floats:
    if reset not in ("per_day", "no_reset"):
        raise InvalidError(f"pnl_reset {reset!r} is invalid; allowed: per_day, no_reset")
    if reset == "no_reset" or _FRAMES[frame] >= NS_PER_DAY or not len(times):
        return base
    # A point at midnight itself ends the day before.
    return venue.past.curve(np.maximum((times - 1) // NS_PER_DAY * NS_PER_DAY, first))


def _asset_of(venue: PaperVenue, row: Activity) -> Asset | None:
    return None if row.asset_id == NO_ASSET else venue.asset(row.asset_id)


def _grid(frame: str, first: int, last: int) -> Times:
    """Return the times of the points: ends of frames, and the last moment."""
    if frame not in _FRAMES:
        raise InvalidError(f"timeframe {frame!r} is invalid; allowed: {', '.join(_FRAMES)}")
    step = _FRAMES[frame]
    if step < NS_PER_DAY and last - first > _INTRADAY_LIMIT:
        raise InvalidError(f"timeframe {frame!r} is allowed for 30 days at most; use 1D")
    if (last - first) // step > _MAX_POINTS:
        raise InvalidError(f"period is longer than {_MAX_POINTS} points of {frame}")
    times = np.arange((first // step + 1) * step, last + 1, step, dtype=np.int64)
    return times if len(times) and times[-1] == last else np.append(times, last)


def _span(period: str) -> int:
    match = re.fullmatch(r"([1-9][0-9]{0,3})([DWMA])", period)
    if match is None:
        raise InvalidError(f"period {period!r} is invalid; allowed: a number and D, W, M or A, such as 1M")
    return int(match[1]) * _PERIODS[match[2]] * NS_PER_DAY


def _period(date: str | None, after: str | None, until: str | None) -> tuple[list[str], list[object]]:
    conditions: list[str] = []
    parameters: list[object] = []
    if date:
        day = parse_day("date", date).isoformat()
        conditions.append("ts_ns BETWEEN %s AND %s")
        parameters += [parse_time("date", day), parse_time("date", day, end_of_day=True)]
    if after:
        conditions.append("ts_ns > %s")
        parameters.append(parse_time("after", after))
    if until:
        conditions.append("ts_ns < %s")
        parameters.append(parse_time("until", until))
    return conditions, parameters


def _types(activity_types: str | None, category: str | None) -> list[str] | None:
    if activity_types and category:
        raise InvalidError("category cannot be used with activity_types")
    if category is None:
        return activity_types.upper().split(",") if activity_types else None
    categories = {
        "trade_activity": ["FILL"],
        "non_trade_activity": ["CFEE", "FEE", "DIV", "INT", "SPLIT", *OPTION_ACTIVITIES],
    }
    if category not in categories:
        raise InvalidError(f"category {category!r} is invalid; allowed: {', '.join(categories)}")
    return categories[category]


def _position(venue: PaperVenue, token: str) -> tuple[int, int]:
    stamp, _, row_id = token.partition("::")
    rows = []
    if re.fullmatch(r"[0-9a-f-]{36}", row_id) and _is_stamp(stamp):
        rows = venue.store.query(
            "SELECT ts_ns, number FROM paper.activities WHERE account = %s AND activity_id = %s", row_id
        )
    if not rows:
        raise InvalidError(f"page_token {token!r} is not the id of an activity")
    return rows[0][0], rows[0][1]


def _is_stamp(text: str) -> bool:
    try:
        datetime.strptime(text[:14] + "+0000", "%Y%m%d%H%M%S%z")
    except ValueError:
        return False
    return True
