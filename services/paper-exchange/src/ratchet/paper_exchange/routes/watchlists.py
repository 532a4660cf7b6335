"""Watchlists, by id and by name."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from ratchet.paper_exchange.errors import NotFoundError
from ratchet.paper_exchange.routes import VenueDep
from ratchet.paper_exchange.venue import PaperVenue
from ratchet.paper_exchange.watchlists.store import Watchlist, Watchlists
from ratchet.paper_exchange.wire.assets import asset_json
from ratchet.paper_exchange.wire.values import rfc3339

Name = Annotated[str, Field(min_length=1, max_length=64)]

router = APIRouter(prefix="/v2")


class CreateBody(BaseModel):
    """A new list."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: Name
    symbols: list[str] | None = None


class UpdateBody(BaseModel):
    """What to change; what is absent stays."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: Name | None = None
    symbols: list[str] | None = None


class SymbolBody(BaseModel):
    """An asset to append."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    symbol: str


def _by_id(venue: VenueDep, watchlist_id: str) -> Watchlist:
    return Watchlists(venue.store).get("watchlist_id", watchlist_id)


def _by_name(venue: VenueDep, name: str) -> Watchlist:
    return Watchlists(venue.store).get("name", name)


@router.get("/watchlists")
def watchlists(venue: VenueDep) -> JSONResponse:
    """Every list, without its assets."""
    return JSONResponse([_head(venue, item) for item in Watchlists(venue.store).all()])


@router.post("/watchlists")
def create(venue: VenueDep, body: CreateBody) -> JSONResponse:
    """Add a list."""
    symbols = _symbols(venue, body.symbols or [])
    return _shown(venue, Watchlists(venue.store).create(body.name, symbols, venue.now))


def _endpoints(path: str, find: Callable[..., Watchlist]) -> None:
    @router.get(path, name=f"get {path}")
    def get(venue: VenueDep, item: Annotated[Watchlist, Depends(find)]) -> JSONResponse:
        return _shown(venue, item)

    @router.put(path, name=f"change {path}")
    def update(venue: VenueDep, item: Annotated[Watchlist, Depends(find)], body: UpdateBody) -> JSONResponse:
        symbols = item.symbols if body.symbols is None else _symbols(venue, body.symbols)
        changed = Watchlists(venue.store).update(item, body.name or item.name, symbols, venue.now)
        return _shown(venue, changed)

    @router.post(path, name=f"append to {path}")
    def append(venue: VenueDep, item: Annotated[Watchlist, Depends(find)], body: SymbolBody) -> JSONResponse:
        symbols = tuple(dict.fromkeys((*item.symbols, *_symbols(venue, [body.symbol]))))
        return _shown(venue, Watchlists(venue.store).update(item, item.name, symbols, venue.now))

    @router.delete(path, name=f"delete {path}")
    def delete(venue: VenueDep, item: Annotated[Watchlist, Depends(find)]) -> Response:
        Watchlists(venue.store).delete(item)
        return Response(status_code=204)


_endpoints("/watchlists:by_name", _by_name)
_endpoints("/watchlists/{watchlist_id}", _by_id)


@router.delete("/watchlists/{watchlist_id}/{symbol:path}")
def remove(venue: VenueDep, item: Annotated[Watchlist, Depends(_by_id)], symbol: str) -> JSONResponse:
    """Remove one asset from a list."""
    asset = venue.listing.get(symbol)
    if asset.symbol not in item.symbols:
        raise NotFoundError(f"symbol {symbol} is not in watchlist {item.name!r}")
    symbols = tuple(other for other in item.symbols if other != asset.symbol)
    return _shown(venue, Watchlists(venue.store).update(item, item.name, symbols, venue.now))


def _symbols(venue: PaperVenue, names: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(venue.listing.get(name).symbol for name in names))


def _head(venue: PaperVenue, item: Watchlist) -> dict[str, Any]:
    return {
        "id": item.id,
        "account_id": venue.account_id,
        "name": item.name,
        "created_at": rfc3339(item.created_ns),
        "updated_at": rfc3339(item.updated_ns),
    }


def _shown(venue: PaperVenue, item: Watchlist) -> JSONResponse:
    assets = [venue.listing.find(symbol) for symbol in item.symbols]
    shown = [asset_json(asset) for asset in assets if asset is not None]
    return JSONResponse({**_head(venue, item), "assets": shown})
