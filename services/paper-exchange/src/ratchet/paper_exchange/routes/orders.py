"""Orders: place, list, get, replace, cancel."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse
from pydantic import Discriminator, Tag

from ratchet.core.exchange import ExchangeOrder, OrderClass
from ratchet.core.orders.rows import from_row
from ratchet.paper_exchange.errors import InvalidError, NotFoundError
from ratchet.paper_exchange.options.requests import OptionOrderBody, concerns_options
from ratchet.paper_exchange.requests import OrderBody, ReplaceBody
from ratchet.paper_exchange.routes import VenueDep
from ratchet.paper_exchange.venue import PaperVenue
from ratchet.paper_exchange.wire.orders import nested_json, order_json
from ratchet.paper_exchange.wire.values import parse_flag, parse_time

MAX_LIST, DEFAULT_LIST = 500, 50
NO_CONTENT, MULTI_STATUS = 204, 207
_STATUS = {"open": ["is_open"], "closed": ["NOT is_open"], "all": []}

AnyOrder = Annotated[
    Annotated[OrderBody, Tag("asset")] | Annotated[OptionOrderBody, Tag("option")],
    Discriminator(lambda body: "option" if concerns_options(body) else "asset"),
]

router = APIRouter(prefix="/v2")


@router.post("/orders")
def place(venue: VenueDep, body: AnyOrder) -> JSONResponse:
    """Take an order; it is committed before it is answered."""
    if isinstance(body, OptionOrderBody):
        order = venue.options.submit(body.to_request())
        return JSONResponse(nested_json(order, venue.asset, venue.order))
    asset = venue.listing.find(body.symbol)
    if asset is None:
        raise InvalidError(f'asset "{body.symbol}" not found')
    order = venue.submit(body.to_request(asset.id))
    return JSONResponse(nested_json(order, venue.asset, venue.order))


@router.get("/orders")
def orders(
    venue: VenueDep,
    status: str = "open",
    limit: Annotated[int, Query(ge=1, le=MAX_LIST)] = DEFAULT_LIST,
    after: str | None = None,
    until: str | None = None,
    direction: str = "desc",
    nested: str | None = None,
    symbols: str | None = None,
    side: str | None = None,
) -> JSONResponse:
    """List orders by time of submission, newest first unless direction=asc."""
    rolled_up = parse_flag(nested)
    conditions, parameters = _conditions(venue, status, symbols, side)
    if rolled_up:
        conditions.append("parent_id IS NULL")
    for field, value, beyond in (("after", after, ">"), ("until", until, "<")):
        if value:
            conditions.append(f"created_ns {beyond} %s")
            parameters.append(parse_time(field, value))
    if direction not in ("asc", "desc"):
        raise InvalidError(f"direction {direction!r} is invalid; allowed: asc, desc")
    where = " AND ".join(["account = %s", *conditions])
    rows = venue.store.query(
        f"SELECT doc FROM paper.orders WHERE {where} "  # noqa: S608 - constants of this file
        f"ORDER BY created_ns {direction}, seq {direction} LIMIT %s",
        *parameters,
        limit,
    )
    found = [from_row(ExchangeOrder, doc) for (doc,) in rows]
    return JSONResponse([_shown(venue, order, rolled_up) for order in found])


@router.get("/orders:by_client_order_id")
def order_by_client_id(venue: VenueDep, client_order_id: str, nested: str | None = None) -> JSONResponse:
    """One order by its client's id, however old."""
    order = venue.order_by_client_id(client_order_id)
    if order is None:
        raise NotFoundError(f"order not found for {client_order_id}")
    return JSONResponse(_shown(venue, order, parse_flag(nested)))


@router.delete("/orders")
def cancel_all(venue: VenueDep) -> JSONResponse:
    """Cancel every open order."""
    return JSONResponse([{"id": order.id, "status": 200} for order in venue.cancel_all()], MULTI_STATUS)


@router.get("/orders/{order_id}")
def order_by_id(venue: VenueDep, order_id: str, nested: str | None = None) -> JSONResponse:
    """One order by the venue's id."""
    order = venue.order(order_id)
    if order is None:
        raise NotFoundError(f"order not found for {order_id}")
    return JSONResponse(_shown(venue, order, parse_flag(nested)))


@router.patch("/orders/{order_id}")
def replace(venue: VenueDep, order_id: str, body: ReplaceBody) -> JSONResponse:
    """Replace a working order by a new one with a new id."""
    order = venue.replace(order_id, body.to_request())
    return JSONResponse(_shown(venue, order, order.order_class is OrderClass.MLEG))


@router.delete("/orders/{order_id}")
def cancel(venue: VenueDep, order_id: str) -> Response:
    """Cancel one order, and with it its group."""
    venue.cancel(order_id)
    return Response(status_code=NO_CONTENT)


def _shown(venue: PaperVenue, order: ExchangeOrder, rolled_up: bool) -> dict[str, Any]:
    if rolled_up or order.order_class is OrderClass.MLEG:
        return nested_json(order, venue.asset, venue.order)
    return order_json(order, venue.asset(order.asset_id))


def _conditions(
    venue: PaperVenue, status: str, symbols: str | None, side: str | None
) -> tuple[list[str], list[object]]:
    if status not in _STATUS:
        raise InvalidError(f"status {status!r} is invalid; allowed: {', '.join(_STATUS)}")
    # The legs of a package are shown within it and nowhere else.
    conditions, parameters = [*_STATUS[status], "coalesce(doc->>'ratio_qty', '0') = '0'"], list[object]()
    if symbols:
        assets = [venue.options.find(name) for name in symbols.split(",")]
        conditions.append("asset_id = ANY(%s)")
        parameters.append([asset.id for asset in assets if asset is not None])
    if side:
        if side not in ("buy", "sell"):
            raise InvalidError(f"side {side!r} is invalid; allowed: buy, sell")
        conditions.append("side = %s")
        parameters.append(side)
    return conditions, parameters
