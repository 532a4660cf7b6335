"""Market data of options up to the simulated clock."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from ratchet.core.options import OptionContract, Right
from ratchet.paper_exchange.bars.paging import Rows, paged
from ratchet.paper_exchange.bars.query import Window
from ratchet.paper_exchange.bars.timeframes import BarSpec
from ratchet.paper_exchange.errors import InvalidError
from ratchet.paper_exchange.options.contracts import (
    ContractFilter,
    active_contracts,
    find_contract,
    key_of,
    page_of,
)
from ratchet.paper_exchange.options.data import OptionData
from ratchet.paper_exchange.routes import VenueDep
from ratchet.paper_exchange.routes.history import DEFAULT_LIMIT, HistoryQuery, Limit, timed
from ratchet.paper_exchange.venue import PaperVenue
from ratchet.paper_exchange.wire.options import CONDITIONS, EXCHANGES, quote_json, trade_json
from ratchet.paper_exchange.wire.values import parse_time

MAX_SYMBOLS = 100
DEFAULT_SNAPSHOTS, MAX_SNAPSHOTS = 100, 1_000
Fetch = Callable[[OptionContract, Window, int], Rows]

router = APIRouter(prefix="/v1beta1/options")


@router.get("/bars")
def bars(
    venue: VenueDep,
    symbols: str,
    timeframe: str,
    start: str | None = None,
    end: str | None = None,
    limit: Limit = DEFAULT_LIMIT,
    page_token: str | None = None,
    sort: str = "asc",
) -> JSONResponse:
    """Bars of contracts, modelled from their underlying's."""
    spec = BarSpec.parse(timeframe)
    window = HistoryQuery(start=start, end=end, sort=sort).window(venue.now)

    def fetch(data: OptionData, contract: OptionContract, within: Window, count: int) -> Rows:
        return data.bars(contract, spec, within, count)

    return _pages(venue, symbols, "bars", window, limit, page_token, fetch)


@router.get("/trades")
def trades(
    venue: VenueDep,
    symbols: str,
    start: str | None = None,
    end: str | None = None,
    limit: Limit = DEFAULT_LIMIT,
    page_token: str | None = None,
    sort: str = "asc",
) -> JSONResponse:
    """Trades of contracts, one per bar of the underlying."""
    window = HistoryQuery(start=start, end=end, sort=sort).window(venue.now)
    return _pages(venue, symbols, "trades", window, limit, page_token, OptionData.trades)


@router.get("/quotes/latest")
def latest_quotes(venue: VenueDep, symbols: str) -> JSONResponse:
    """The last quote of each contract."""
    with venue.options.data() as data:
        found = data.quotes(list(_contracts(venue, symbols).values()))
    return JSONResponse({"quotes": {name: timed(quote_json(quote)) for name, quote in found.items()}})


@router.get("/trades/latest")
def latest_trades(venue: VenueDep, symbols: str) -> JSONResponse:
    """The last trade of each contract."""
    with venue.options.data() as data:
        found = data.quotes(list(_contracts(venue, symbols).values()))
    rows = {name: timed(trade_json(quote.ts, float(quote.mid))) for name, quote in found.items()}
    return JSONResponse({"trades": rows})


@router.get("/snapshots")
def snapshots(
    venue: VenueDep,
    symbols: str,
    updated_since: str | None = None,
    limit: Annotated[int, Query(ge=1, le=MAX_SNAPSHOTS)] = DEFAULT_SNAPSHOTS,
    page_token: str | None = None,
) -> JSONResponse:
    """Quote, trade, bars, implied volatility and Greeks of contracts."""
    wanted = sorted(_contracts(venue, symbols).values(), key=key_of)
    page, token = page_of(iter(wanted), limit, page_token)
    return _snapshots(venue, page, token, updated_since, with_bars=True)


@router.get("/snapshots/{underlying}")
def chain(
    venue: VenueDep,
    underlying: str,
    type: Right | None = None,  # noqa: A002 - the API's name
    strike_price_gte: Decimal | None = None,
    strike_price_lte: Decimal | None = None,
    expiration_date: date | None = None,
    expiration_date_gte: date | None = None,
    expiration_date_lte: date | None = None,
    root_symbol: str | None = None,
    updated_since: str | None = None,
    limit: Annotated[int, Query(ge=1, le=MAX_SNAPSHOTS)] = DEFAULT_SNAPSHOTS,
    page_token: str | None = None,
) -> JSONResponse:
    """The chain of an underlying: quote, trade, implied volatility and Greeks of each contract."""
    wanted = ContractFilter(
        underlyings=(underlying.upper(),),
        first=expiration_date or expiration_date_gte,
        last=expiration_date or expiration_date_lte,
        root=root_symbol,
        right=type,
        strike_from=strike_price_gte,
        strike_to=strike_price_lte,
    )
    with venue.exchange() as exchange:
        found = active_contracts(exchange.options, wanted, venue.now)
        page, token = page_of(found, limit, page_token)
    return _snapshots(venue, page, token, updated_since, with_bars=False)


@router.get("/meta/exchanges")
def exchanges(_venue: VenueDep) -> JSONResponse:
    """The codes of exchanges in quotes and trades."""
    return JSONResponse(EXCHANGES)


@router.get("/meta/conditions/{ticktype}")
def conditions(_venue: VenueDep, ticktype: Literal["trade", "quote"]) -> JSONResponse:
    """The codes of conditions in trades or quotes."""
    return JSONResponse(CONDITIONS[ticktype])


def _pages(
    venue: PaperVenue,
    symbols: str,
    kind: str,
    window: Window,
    limit: int,
    page_token: str | None,
    fetch: Callable[[OptionData, OptionContract, Window, int], Rows],
) -> JSONResponse:
    contracts = _contracts(venue, symbols)
    with venue.options.data() as data:
        found, token = paged(
            list(contracts),
            limit,
            page_token,
            lambda name, after, count: fetch(data, contracts[name], window.after(after), count),
        )
    rows = {name: [timed(row) for row in page] for name, page in found.items()}
    return JSONResponse({kind: rows, "next_page_token": token})


def _snapshots(
    venue: PaperVenue,
    page: list[OptionContract],
    token: str | None,
    updated_since: str | None,
    *,
    with_bars: bool,
) -> JSONResponse:
    since = parse_time("updated_since", updated_since) if updated_since else 0
    with venue.options.data() as data:
        found = data.snapshots(page, with_bars=with_bars)
    shown = {
        name: {
            part: timed(row) if isinstance(row, dict) and "t" in row else row for part, row in body.items()
        }
        for name, body in found.items()
        if body["latestQuote"]["t"] >= since
    }
    return JSONResponse({"snapshots": shown, "next_page_token": token})


def _contracts(venue: PaperVenue, symbols: str) -> dict[str, OptionContract]:
    names = [name.strip().upper() for name in symbols.split(",") if name.strip()]
    if not 0 < len(names) <= MAX_SYMBOLS:
        raise InvalidError(f"symbols has {len(names)} contracts; allowed: 1 to {MAX_SYMBOLS}")
    with venue.exchange() as exchange:
        found = {name: find_contract(exchange.options, name, venue.now) for name in names}
    wrong = [name for name, contract in found.items() if contract is None]
    if wrong:
        raise InvalidError(f"invalid symbol: {', '.join(wrong)}")
    return {name: contract for name, contract in found.items() if contract is not None}
