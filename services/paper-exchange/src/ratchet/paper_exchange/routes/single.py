"""Market data of one stock: the same as of several, without the level of symbols."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from ratchet.core.assets import Asset
from ratchet.paper_exchange.errors import NotFoundError
from ratchet.paper_exchange.routes import VenueDep
from ratchet.paper_exchange.routes.history import (
    KINDS,
    CurrencyDep,
    HistoryDep,
    find_assets,
    page,
    snapshot,
    timed,
    with_currency,
)
from ratchet.paper_exchange.venue import PaperVenue

router = APIRouter(prefix="/v2/stocks/{symbol}")


def _endpoints(kind: str) -> None:
    @router.get(f"/{kind}", name=f"{kind} of one stock")
    def history(venue: VenueDep, symbol: str, query: HistoryDep, currency: CurrencyDep) -> JSONResponse:
        fetch = query.fetcher(venue, kind)
        rows, token = page(venue, {symbol: _stock(venue, symbol)}, query, fetch)
        body = {"symbol": symbol, kind: rows.get(symbol, []), "next_page_token": token}
        return JSONResponse(with_currency(body, currency))

    @router.get(f"/{kind}/latest", name=f"latest {kind} of one stock")
    def latest(venue: VenueDep, symbol: str, currency: CurrencyDep) -> JSONResponse:
        row = venue.data.latest(_stock(venue, symbol), kind)
        one = kind.removesuffix("s")
        if row is None:
            raise NotFoundError(f"no {one} found for {symbol}")
        return JSONResponse(with_currency({"symbol": symbol, one: timed(row)}, currency))


for _kind in KINDS:
    _endpoints(_kind)


@router.get("/snapshot")
def one_snapshot(venue: VenueDep, symbol: str, currency: CurrencyDep) -> JSONResponse:
    """Latest trade, quote and bars of one stock."""
    found = snapshot(venue, _stock(venue, symbol))
    if found is None:
        raise NotFoundError(f"no snapshot found for {symbol}")
    return JSONResponse(with_currency({"symbol": symbol, **found}, currency))


def _stock(venue: PaperVenue, symbol: str) -> Asset:
    return next(iter(find_assets(venue, symbol, crypto=False).values()))
