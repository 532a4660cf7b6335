"""Historical and latest market data of stocks and crypto, up to the simulated clock."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from ratchet.core.assets import Asset
from ratchet.paper_exchange.bars.paging import Rows, paged
from ratchet.paper_exchange.bars.query import Window
from ratchet.paper_exchange.bars.timeframes import BarSpec
from ratchet.paper_exchange.errors import InvalidError
from ratchet.paper_exchange.routes import VenueDep
from ratchet.paper_exchange.venue import PaperVenue
from ratchet.paper_exchange.wire.assets import is_crypto
from ratchet.paper_exchange.wire.values import parse_time, rfc3339

NS_PER_DAY = 86_400_000_000_000
MAX_LIMIT, DEFAULT_LIMIT = 10_000, 1_000
KINDS = ("bars", "quotes", "trades")

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
Fetch = Callable[[Asset, Window, int], Rows]

stocks = APIRouter(prefix="/v2/stocks")
crypto = APIRouter(prefix="/v1beta3/crypto/us")


def _history_endpoint(router: APIRouter, kind: str, crypto_market: bool) -> None:
    @router.get(f"/{kind}", name=f"{kind} of {'crypto' if crypto_market else 'stocks'}")
    def endpoint(
        venue: VenueDep,
        symbols: str,
        timeframe: str | None = None,
        start: str | None = None,
        end: str | None = None,
        limit: Limit = DEFAULT_LIMIT,
        page_token: str | None = None,
        sort: str = "asc",
    ) -> JSONResponse:
        assets = _assets(venue, symbols, crypto_market)
        window = _window(venue, start, end, sort)
        fetch = _fetcher(venue, kind, timeframe)
        found, token = paged(
            list(assets),
            limit,
            page_token,
            lambda name, after, count: fetch(assets[name], window.after(after), count),
        )
        rows = {name: [_timed(row) for row in page] for name, page in found.items()}
        return JSONResponse({kind: rows, "next_page_token": token})


def _latest_endpoint(router: APIRouter, path: str, kind: str, crypto_market: bool) -> None:
    @router.get(path, name=f"latest {kind} of {'crypto' if crypto_market else 'stocks'}")
    def endpoint(venue: VenueDep, symbols: str) -> JSONResponse:
        assets = _assets(venue, symbols, crypto_market)
        found = {name: venue.data.latest(asset, kind) for name, asset in assets.items()}
        return JSONResponse({kind: {name: _timed(row) for name, row in found.items() if row is not None}})


for _kind in KINDS:
    _history_endpoint(stocks, _kind, crypto_market=False)
    _history_endpoint(crypto, _kind, crypto_market=True)
    _latest_endpoint(stocks, f"/{_kind}/latest", _kind, crypto_market=False)
    _latest_endpoint(crypto, f"/latest/{_kind}", _kind, crypto_market=True)


@stocks.get("/snapshots")
def stock_snapshots(venue: VenueDep, symbols: str) -> JSONResponse:
    """Latest trade, quote and bars of stocks, by symbol without a wrapper."""
    return JSONResponse(_snapshots(venue, symbols, crypto_market=False))


@crypto.get("/snapshots")
def crypto_snapshots(venue: VenueDep, symbols: str) -> JSONResponse:
    """Latest trade, quote and bars of crypto pairs."""
    return JSONResponse({"snapshots": _snapshots(venue, symbols, crypto_market=True)})


def _snapshots(venue: PaperVenue, symbols: str, crypto_market: bool) -> dict[str, Any]:
    found = {}
    for name, asset in _assets(venue, symbols, crypto_market).items():
        snapshot = venue.data.snapshot(asset)
        if snapshot is not None:
            found[name] = {part: _timed(row) for part, row in snapshot.items()}
    return found


def _assets(venue: PaperVenue, symbols: str, crypto_market: bool) -> dict[str, Asset]:
    names = [name.strip() for name in symbols.split(",") if name.strip()]
    if not names:
        raise InvalidError("symbols is empty; allowed: one or more symbols, separated by commas")
    found = {name: venue.listing.find(name) for name in names}
    wrong = [name for name, asset in found.items() if asset is None or is_crypto(asset) != crypto_market]
    if wrong:
        raise InvalidError(f"invalid symbol: {', '.join(wrong)}")
    return {name: asset for name, asset in found.items() if asset is not None}


def _window(venue: PaperVenue, start: str | None, end: str | None, sort: str) -> Window:
    if sort not in ("asc", "desc"):
        raise InvalidError(f"sort {sort!r} is invalid; allowed: asc, desc")
    now = venue.now
    first = parse_time("start", start) if start else now - now % NS_PER_DAY
    last = parse_time("end", end, end_of_day=True) if end else now
    if last < first:
        raise InvalidError(f"end {rfc3339(last)} is before start {rfc3339(first)}")
    return Window(first, min(last, now), sort == "desc")


def _fetcher(venue: PaperVenue, kind: str, timeframe: str | None) -> Fetch:
    if kind == "quotes":
        return venue.data.quotes
    if kind == "trades":
        return venue.data.trades
    if timeframe is None:
        raise InvalidError("timeframe is required, such as 1Hour")
    spec = BarSpec.parse(timeframe)
    return lambda asset, window, count: venue.data.bars(asset, spec, window, count)


def _timed(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "t": rfc3339(row["t"])}
