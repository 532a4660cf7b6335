"""Historical and latest market data of several stocks or pairs, up to the simulated clock."""

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse

from ratchet.paper_exchange.routes import PublicDep, VenueDep
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

# The pairs trade at one location here.
Location = Annotated[str, Path(pattern="^us$")]

stocks = APIRouter(prefix="/v2/stocks")
crypto = APIRouter(prefix="/v1beta3/crypto/{location}")


def _stock_endpoints(kind: str) -> None:
    @stocks.get(f"/{kind}", name=f"{kind} of stocks")
    def history(venue: VenueDep, symbols: str, query: HistoryDep, currency: CurrencyDep) -> JSONResponse:
        fetch = query.fetcher(venue, kind)
        rows, token = page(venue, find_assets(venue, symbols, crypto=False), query, fetch)
        return JSONResponse(with_currency({kind: rows, "next_page_token": token}, currency))

    @stocks.get(f"/{kind}/latest", name=f"latest {kind} of stocks")
    def latest(venue: VenueDep, symbols: str, currency: CurrencyDep) -> JSONResponse:
        return JSONResponse(with_currency(_latest(venue, symbols, kind, in_crypto=False), currency))


def _crypto_endpoints(kind: str) -> None:
    @crypto.get(f"/{kind}", name=f"{kind} of crypto")
    def history(venue: PublicDep, location: Location, symbols: str, query: HistoryDep) -> JSONResponse:  # noqa: ARG001
        fetch = query.fetcher(venue, kind)
        rows, token = page(venue, find_assets(venue, symbols, crypto=True), query, fetch)
        return JSONResponse({kind: rows, "next_page_token": token})


def _latest_crypto_endpoint(kind: str) -> None:
    @crypto.get(f"/latest/{kind}", name=f"latest {kind} of crypto")
    def latest(venue: PublicDep, location: Location, symbols: str) -> JSONResponse:  # noqa: ARG001
        return JSONResponse(_latest(venue, symbols, kind, in_crypto=True))


for _kind in KINDS:
    _stock_endpoints(_kind)
    _crypto_endpoints(_kind)
for _kind in (*KINDS, "orderbooks"):
    _latest_crypto_endpoint(_kind)


@stocks.get("/snapshots")
def stock_snapshots(venue: VenueDep, symbols: str, currency: CurrencyDep) -> JSONResponse:  # noqa: ARG001
    """Latest trade, quote and bars of stocks, by symbol without a wrapper."""
    return JSONResponse(_snapshots(venue, symbols, in_crypto=False))


@crypto.get("/snapshots")
def crypto_snapshots(venue: PublicDep, location: Location, symbols: str) -> JSONResponse:  # noqa: ARG001
    """Latest trade, quote and bars of crypto pairs."""
    return JSONResponse({"snapshots": _snapshots(venue, symbols, in_crypto=True)})


def _latest(venue: PaperVenue, symbols: str, kind: str, *, in_crypto: bool) -> dict[str, object]:
    assets = find_assets(venue, symbols, crypto=in_crypto)
    found = {name: venue.data.latest(asset, kind) for name, asset in assets.items()}
    return {kind: {name: timed(row) for name, row in found.items() if row is not None}}


def _snapshots(venue: PaperVenue, symbols: str, *, in_crypto: bool) -> dict[str, object]:
    assets = find_assets(venue, symbols, crypto=in_crypto)
    found = {name: snapshot(venue, asset) for name, asset in assets.items()}
    return {name: shown for name, shown in found.items() if shown is not None}
