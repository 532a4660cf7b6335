"""Auctions, codes and corporate actions: what the data API has beside prices."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from ratchet.common.timestamps import utc_day
from ratchet.paper_exchange.bars.auctions import auctions
from ratchet.paper_exchange.bars.paging import Rows
from ratchet.paper_exchange.errors import InvalidError
from ratchet.paper_exchange.routes import VenueDep
from ratchet.paper_exchange.routes.history import CurrencyDep, HistoryDep, find_assets, page, with_currency
from ratchet.paper_exchange.venue import PaperVenue
from ratchet.paper_exchange.wire.actions import action_rows
from ratchet.paper_exchange.wire.values import parse_day

ACTION_TYPES = (
    "reverse_split",
    "forward_split",
    "unit_split",
    "cash_dividend",
    "stock_dividend",
    "spin_off",
    "cash_merger",
    "stock_merger",
    "stock_and_cash_merger",
    "redemption",
    "name_change",
    "worthless_removal",
    "rights_distribution",
    "partial_call",
    "reorganization",
)
# The codes that occur in this venue's data.
EXCHANGES = {"N": "New York Stock Exchange", "P": "NYSE Arca", "Q": "NASDAQ", "V": "IEX"}
CONDITIONS = {
    "trade": {"@": "Regular Sale", "O": "Opening Prints", "6": "Closing Prints"},
    "quote": {"R": "Regular Market Maker Open"},
}

router = APIRouter()


@router.get("/v2/stocks/auctions")
def stock_auctions(venue: VenueDep, symbols: str, query: HistoryDep, currency: CurrencyDep) -> JSONResponse:
    """Opening and closing auctions of several stocks by day."""
    rows, token = _auctions(venue, symbols, query)
    return JSONResponse(with_currency({"auctions": rows, "next_page_token": token}, currency))


@router.get("/v2/stocks/meta/exchanges")
def exchanges(_venue: VenueDep) -> JSONResponse:
    """The exchange codes."""
    return JSONResponse(EXCHANGES)


@router.get("/v2/stocks/meta/conditions/{ticktype}")
def conditions(
    _venue: VenueDep,
    ticktype: Literal["trade", "quote"],
    tape: Literal["A", "B", "C"],  # noqa: ARG001
) -> JSONResponse:
    """The condition codes, which are the same on all tapes here."""
    return JSONResponse(CONDITIONS[ticktype])


@router.get("/v2/stocks/{symbol}/auctions")
def one_stocks_auctions(
    venue: VenueDep, symbol: str, query: HistoryDep, currency: CurrencyDep
) -> JSONResponse:
    """Opening and closing auctions of one stock by day."""
    rows, token = _auctions(venue, symbol, query)
    body = {"symbol": symbol, "auctions": rows.get(symbol, []), "next_page_token": token}
    return JSONResponse(with_currency(body, currency))


@router.get("/v1/corporate-actions")
def corporate_actions(
    venue: VenueDep,
    symbols: str | None = None,
    types: str | None = None,
    start: str | None = None,
    end: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    page_token: str | None = None,
    sort: Literal["asc", "desc"] = "asc",
) -> JSONResponse:
    """Dividends and splits that the clock has passed, by the day on which they were processed."""
    wrong = [name for name in (types or "").split(",") if name and name not in ACTION_TYPES]
    if wrong:
        raise InvalidError(f"types {', '.join(wrong)!r} is invalid; allowed: {', '.join(ACTION_TYPES)}")
    today = utc_day(venue.now)
    first = parse_day("start", start) if start else today
    last = min(parse_day("end", end) if end else today, today)
    rows = action_rows(venue.corporate_actions, venue.registry, first, last)
    wanted, kinds = set((symbols or "").split(",")) - {""}, set((types or "").split(",")) - {""}
    found = [
        (group, row)
        for group, row in rows
        if (not wanted or row["symbol"] in wanted) and (not kinds or group.removesuffix("s") in kinds)
    ]
    if sort == "desc":
        found.reverse()
    return JSONResponse(_page_of_actions(found, limit, page_token))


def _page_of_actions(
    found: list[tuple[str, dict[str, Any]]], limit: int, page_token: str | None
) -> dict[str, Any]:
    """Return a page; its token is the id of its last row."""
    begin = 0
    if page_token:
        ids = [row["id"] for _, row in found]
        if page_token not in ids:
            raise InvalidError(f"page_token {page_token!r} is not a next_page_token of this API")
        begin = ids.index(page_token) + 1
    page = found[begin : begin + limit]
    groups: dict[str, list[dict[str, Any]]] = {}
    for group, row in page:
        groups.setdefault(group, []).append(row)
    more = begin + limit < len(found)
    return {"corporate_actions": groups, "next_page_token": page[-1][1]["id"] if more else None}


def _auctions(
    venue: PaperVenue, symbols: str, query: HistoryDep
) -> tuple[dict[str, list[dict[str, Any]]], str | None]:
    assets = find_assets(venue, symbols, crypto=False)
    found, token = page(venue, assets, query, lambda *asked: auctions(venue.history, *asked))
    rows: dict[str, Rows] = {
        name: [{key: part for key, part in row.items() if key != "t"} for row in days]
        for name, days in found.items()
    }
    return rows, token
