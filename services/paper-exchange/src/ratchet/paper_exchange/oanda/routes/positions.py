"""Positions: what is held in each instrument, and closing it."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from ratchet.core.fx import Closeout, FxExchange, Outcome, RejectReason, Transaction
from ratchet.paper_exchange.oanda import requests as read
from ratchet.paper_exchange.oanda.errors import OandaError
from ratchet.paper_exchange.oanda.routes import DeskDep, Json, JsonBody
from ratchet.paper_exchange.oanda.routes.orders import created_fields

router = APIRouter(prefix="/accounts/{account_id}")


@router.get("/positions")
def positions(desk: DeskDep) -> JSONResponse:
    """Every instrument that was ever traded."""
    with desk.account.exchange() as exchange:
        wire = desk.wire(exchange)
        return desk.reply({"positions": [wire.position(totals) for totals in exchange.totals()]})


@router.get("/openPositions")
def open_positions(desk: DeskDep) -> JSONResponse:
    """Every instrument that is held."""
    with desk.account.exchange() as exchange:
        wire, book = desk.wire(exchange), exchange.book
        return desk.reply({"positions": [wire.position(book.totals_of(name)) for name in book.held()]})


@router.get("/positions/{instrument}")
def position(desk: DeskDep, instrument: str) -> JSONResponse:
    """One instrument, flat or not."""
    name = desk.instrument(instrument).name
    with desk.account.exchange() as exchange:
        return desk.reply({"position": desk.wire(exchange).position(exchange.book.totals_of(name))})


@router.put("/positions/{instrument}/close")
def close(desk: DeskDep, instrument: str, body: JsonBody | None = None) -> JSONResponse:
    """Close the long or short side at the market: all of it, some units, or (NONE) nothing."""
    name, sides = desk.instrument(instrument).name, read.position_closeouts(body or {})
    if not sides:
        raise OandaError(
            "Invalid value specified for 'longUnits': one of longUnits and shortUnits must not be NONE",
            errorCode=RejectReason.CLOSEOUT_POSITION_INCOMPLETE_SPECIFICATION.value,
        )
    fields: Json = {}

    def apply(exchange: FxExchange, ts: int) -> Outcome:
        held = exchange.book.net_units(name)
        entries: list[Transaction] = []
        for side, units in sides:
            # Without a body both sides are meant, and an account that nets has only one of them.
            if not body and held and (held > 0) != (side is Closeout.LONG):
                continue
            outcome = exchange.close_position(name, side, units, ts)
            entries += outcome.transactions
            fields.update(_names(side.value, outcome))
            if outcome.rejected:
                return Outcome(tuple(entries), outcome.rejected)
        return Outcome(tuple(entries))

    outcome = desk.account.change(apply)
    missing = outcome.rejected is RejectReason.CLOSEOUT_POSITION_DOESNT_EXIST
    return desk.outcome(outcome, fields, 200, 404 if missing else 400)


def _names(side: str, outcome: Outcome) -> Json:
    if outcome.rejected:
        return {f"{side}OrderRejectTransaction": outcome.transactions[0]}
    return created_fields(outcome, f"{side}Order")
