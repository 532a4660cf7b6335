"""Open positions, and closing them."""

from decimal import Decimal, InvalidOperation
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from ratchet.core.assets import Asset
from ratchet.core.exchange import HeldPosition, OrderRejected
from ratchet.paper_exchange.bars.history import NS_PER_DAY
from ratchet.paper_exchange.errors import InvalidError, NotFoundError
from ratchet.paper_exchange.routes import VenueDep
from ratchet.paper_exchange.venue import PaperVenue
from ratchet.paper_exchange.wire.account import position_json
from ratchet.paper_exchange.wire.assets import position_symbol
from ratchet.paper_exchange.wire.orders import order_json
from ratchet.paper_exchange.wire.values import parse_flag

MULTI_STATUS = 207
_PERCENT = Decimal(100)

router = APIRouter(prefix="/v2/positions")


@router.get("")
def positions(venue: VenueDep) -> JSONResponse:
    """Every open position at the last closes."""
    with venue.exchange() as exchange:
        held = exchange.positions()
    return JSONResponse([_shown(venue, position) for position in held])


@router.delete("")
def close_all(venue: VenueDep, cancel_orders: str | None = None) -> JSONResponse:
    """Close every position at the market, after canceling all orders if asked to."""
    if parse_flag(cancel_orders):
        venue.cancel_all()
    with venue.exchange() as exchange:
        # Shorts first: a long that covers one cannot be sold before.
        held = sorted(exchange.positions(), key=lambda position: position.qty > 0)
    answers = [_closed(venue, venue.asset(position.asset_id)) for position in held]
    return JSONResponse(answers, MULTI_STATUS)


@router.get("/{symbol:path}")
def position(venue: VenueDep, symbol: str) -> JSONResponse:
    """One position, by symbol (BTC/USD or BTCUSD) or asset id."""
    asset = _held_asset(venue, symbol)
    with venue.exchange() as exchange:
        held = exchange.position(asset.id)
    if held is None:
        raise NotFoundError("position does not exist")
    return JSONResponse(_shown(venue, held))


@router.delete("/{symbol:path}")
def close(
    venue: VenueDep, symbol: str, qty: str | None = None, percentage: str | None = None
) -> JSONResponse:
    """Close a position at the market: all of it, a quantity or a percentage."""
    if qty and percentage:
        raise InvalidError("only one of qty and percentage is allowed")
    asset = _held_asset(venue, symbol)
    order = venue.close_position(asset, _positive("qty", qty), _positive("percentage", percentage, _PERCENT))
    return JSONResponse(order_json(order, asset))


def _held_asset(venue: PaperVenue, symbol: str) -> Asset:
    asset = venue.options.find(symbol)
    if asset is None:
        raise NotFoundError(f"symbol not found: {symbol}")
    return asset


def _shown(venue: PaperVenue, held: HeldPosition) -> dict[str, Any]:
    midnight = venue.now - venue.now % NS_PER_DAY
    lastday = venue.past.close_at(held.asset_id, midnight) or held.avg_entry_price
    return position_json(held, venue.asset(held.asset_id), lastday, held.opened_ts > midnight)


def _closed(venue: PaperVenue, asset: Asset) -> dict[str, Any]:
    symbol = position_symbol(asset)
    try:
        order = venue.close_position(asset)
    except OrderRejected as error:
        body = {"code": error.code, "message": error.message, **error.extras}
        return {"symbol": symbol, "status": error.http_status, "body": body}
    return {"symbol": symbol, "status": 200, "body": order_json(order, asset)}


def _positive(field: str, text: str | None, most: Decimal | None = None) -> Decimal | None:
    if text is None:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal(-1)
    if not value.is_finite() or value <= 0 or (most is not None and value > most):
        limit = "" if most is None else f" up to {most}"
        raise InvalidError(f"{field} {text!r} is invalid; allowed: a number above 0{limit}")
    return value
