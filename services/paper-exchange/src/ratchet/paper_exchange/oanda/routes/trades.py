"""Trades: list, close, rename, and their dependent orders."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from ratchet.core.fx import FxExchange, FxTrade, OrderKind, Outcome, RejectReason, Transaction
from ratchet.paper_exchange.oanda import requests as read
from ratchet.paper_exchange.oanda.errors import NotFoundError, invalid
from ratchet.paper_exchange.oanda.routes import Desk, DeskDep, Json, JsonBody
from ratchet.paper_exchange.oanda.routes.orders import MAX_COUNT, created_fields, id_list
from ratchet.paper_exchange.oanda.store import Filter

router = APIRouter(prefix="/accounts/{account_id}")
STATES = ("OPEN", "CLOSED", "CLOSE_WHEN_TRADEABLE", "ALL")
_DEPENDENTS = {
    "takeProfit": (OrderKind.TAKE_PROFIT, "take_profit_id"),
    "stopLoss": (OrderKind.STOP_LOSS, "stop_loss_id"),
    "trailingStopLoss": (OrderKind.TRAILING_STOP_LOSS, "trailing_stop_id"),
}


@router.get("/trades")
def trades(
    desk: DeskDep,
    ids: str | None = None,
    state: str = "OPEN",
    instrument: str | None = None,
    count: str | None = None,
    before: Annotated[str | None, Query(alias="beforeID")] = None,
) -> JSONResponse:
    """Trades, newest first."""
    if state not in STATES:
        raise invalid("state", state, ", ".join(STATES))
    wanted = Filter(
        ids=id_list("ids", ids),
        states=None if state == "ALL" or ids else (state,),
        instrument=desk.instrument(instrument).name if instrument else None,
        before=read.whole("beforeID", before, 0, 1, 2**62),
        count=read.whole("count", count, 50, 1, MAX_COUNT),
    )
    with desk.account.exchange() as exchange:
        found = desk.account.store.trades(wanted)
        return desk.reply({"trades": [desk.wire(exchange).trade(trade) for trade in found]})


@router.get("/openTrades")
def open_trades(desk: DeskDep) -> JSONResponse:
    """Every open trade, newest first."""
    with desk.account.exchange() as exchange:
        wire = desk.wire(exchange)
        return desk.reply({"trades": [wire.trade(trade) for trade in reversed(exchange.open_trades())]})


@router.get("/trades/{specifier}")
def trade(desk: DeskDep, specifier: str) -> JSONResponse:
    """One trade by its id, or an open one by @ and its client id."""
    with desk.account.exchange() as exchange:
        return desk.reply({"trade": desk.wire(exchange).trade(_find(desk, exchange, specifier))})


def _find(desk: Desk, exchange: FxExchange, specifier: str) -> FxTrade:
    found = exchange.book.find_trade(specifier)
    if found is None and specifier.isdecimal() and len(specifier) < 19:
        found = desk.account.store.trade(int(specifier))
    if found is None:
        raise NotFoundError(
            f"The trade ID specified does not exist: {specifier!r}", errorCode="NO_SUCH_TRADE"
        )
    return found


@router.put("/trades/{specifier}/close")
def close(desk: DeskDep, specifier: str, body: JsonBody | None = None) -> JSONResponse:
    """Close a trade at the market, all of it or some units."""
    units = read.closing_units("units", (body or {}).get("units"))
    if isinstance(units, str):
        raise invalid("units", units, "ALL or a number")
    outcome = desk.account.change(lambda exchange, ts: exchange.close_trade(specifier, units, ts))
    if outcome.rejected:
        status = 404 if outcome.rejected is RejectReason.TRADE_DOESNT_EXIST else 400
        return desk.outcome(outcome, {"orderRejectTransaction": outcome.transactions[0]}, 200, status)
    return desk.outcome(outcome, created_fields(outcome), 200)


@router.put("/trades/{specifier}/clientExtensions")
def extend(desk: DeskDep, specifier: str, body: JsonBody) -> JSONResponse:
    """Change an open trade's client extensions."""
    wanted = read.extensions("clientExtensions", body.get("clientExtensions"))
    if not wanted:
        raise invalid("clientExtensions", body.get("clientExtensions"), "id, tag or comment")
    outcome = desk.account.change(lambda exchange, ts: exchange.extend_trade(specifier, wanted, ts))
    name = "tradeClientExtensionsModifyTransaction"
    if outcome.rejected:
        name = "tradeClientExtensionsModifyRejectTransaction"
    return desk.outcome(outcome, {name: outcome.transactions[0]}, 200, 404)


@router.put("/trades/{specifier}/orders")
def dependents(desk: DeskDep, specifier: str, body: JsonBody) -> JSONResponse:
    """Make, replace or (with null) cancel the take profit, stop loss and trailing stop of a trade."""
    unknown = set(body) - set(_DEPENDENTS)
    if unknown:
        raise invalid(min(unknown), body[min(unknown)], ", ".join(_DEPENDENTS))
    names: dict[str, Transaction] = {}

    def apply(exchange: FxExchange, ts: int) -> Outcome:
        trade = exchange.book.find_trade(specifier)
        if trade is None:
            raise NotFoundError(
                f"The trade ID specified does not exist: {specifier!r}", errorCode="NO_SUCH_TRADE"
            )
        entries: list[Transaction] = []
        for field in (name for name in _DEPENDENTS if name in body):
            outcome = _set_dependent(exchange, trade, field, body[field], ts)
            entries += outcome.transactions
            names.update(_dependent_names(field, outcome))
            if outcome.rejected:
                return Outcome(tuple(entries), outcome.rejected)
        return Outcome(tuple(entries))

    outcome = desk.account.change(apply)
    return desk.outcome(outcome, dict(names), 200)


def _set_dependent(exchange: FxExchange, trade: FxTrade, field: str, data: object, ts: int) -> Outcome:
    kind, attribute = _DEPENDENTS[field]
    current = getattr(exchange.book.trades[trade.id], attribute)
    if data is None:
        return exchange.cancel(str(current), ts) if current else Outcome(())
    if not isinstance(data, Mapping):
        raise invalid(field, data, "an object or null")
    request = read.dependent_request(kind, trade.id, field, data)
    return exchange.replace(str(current), request, ts) if current else exchange.submit(request, ts)


def _dependent_names(field: str, outcome: Outcome) -> Json:
    found: Json = {}
    for entry in outcome.transactions:
        if entry.type == "ORDER_CANCEL":
            found[f"{field}OrderCancelTransaction"] = entry
        elif entry.type.endswith("_REJECT"):
            found[f"{field}OrderRejectTransaction"] = entry
        else:
            found[f"{field}OrderTransaction"] = entry
    return found
