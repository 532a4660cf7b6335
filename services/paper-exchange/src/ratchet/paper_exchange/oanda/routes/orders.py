"""Orders: make, list, replace, cancel, rename."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from ratchet.common import metrics
from ratchet.core.fx import FxOrder, FxOrderRequest, Outcome, RejectReason
from ratchet.paper_exchange.oanda import requests as read
from ratchet.paper_exchange.oanda.errors import NotFoundError, invalid
from ratchet.paper_exchange.oanda.routes import Desk, DeskDep, Json, JsonBody
from ratchet.paper_exchange.oanda.store import Filter

router = APIRouter(prefix="/accounts/{account_id}")
STATES = ("PENDING", "FILLED", "TRIGGERED", "CANCELLED", "ALL")
MAX_COUNT = 500
_ABSENT = frozenset(
    {RejectReason.TRADE_DOESNT_EXIST, RejectReason.TRADE_ID_UNSPECIFIED, RejectReason.ORDER_DOESNT_EXIST}
)


@router.post("/orders")
def create(desk: DeskDep, body: JsonBody) -> JSONResponse:
    """Take an order; what the present quote fills, or would never fill, has ended when it is answered."""
    request = read.order_request(body)
    outcome = desk.account.change(lambda exchange, ts: exchange.submit(request, ts))
    metrics.EXCHANGE_ORDERS_TOTAL.labels("rejected" if outcome.rejected else "accepted").inc()
    if outcome.rejected:
        fields: Json = {"orderRejectTransaction": outcome.transactions[0]}
        return desk.outcome(outcome, fields, 201, 404 if outcome.rejected in _ABSENT else 400)
    answer = desk.outcome(outcome, created_fields(outcome), 201)
    answer.headers["Location"] = f"/v3/accounts/{desk.account.id}/orders/{outcome.transactions[0].id}"
    return answer


def created_fields(outcome: Outcome, prefix: str = "order") -> Json:
    """Return the transactions of a new order under their names."""
    made = outcome.transactions[0]
    return {
        f"{prefix}CreateTransaction": made,
        f"{prefix}FillTransaction": outcome.ending("ORDER_FILL", made.id),
        f"{prefix}CancelTransaction": outcome.ending("ORDER_CANCEL", made.id),
    }


@router.get("/orders")
def orders(
    desk: DeskDep,
    ids: str | None = None,
    state: str = "PENDING",
    instrument: str | None = None,
    count: str | None = None,
    before: Annotated[str | None, Query(alias="beforeID")] = None,
) -> JSONResponse:
    """Orders, newest first."""
    if state not in STATES:
        raise invalid("state", state, ", ".join(STATES))
    wanted = Filter(
        ids=id_list("ids", ids),
        states=None if state == "ALL" or ids else (state,),
        instrument=desk.instrument(instrument).name if instrument else None,
        before=read.whole("beforeID", before, 0, 1, 2**62),
        count=read.whole("count", count, 50, 1, MAX_COUNT),
    )
    found = desk.account.store.orders(wanted)
    with desk.account.exchange() as exchange:
        return desk.reply({"orders": [desk.wire(exchange).order(order) for order in found]})


def id_list(field: str, text: str | None) -> tuple[int, ...] | None:
    """Return the ids of a comma-separated list, None if it is absent."""
    if not text:
        return None
    return tuple(read.whole(field, part.strip(), 0, 1, 2**62) for part in text.split(","))


@router.get("/pendingOrders")
def pending(desk: DeskDep) -> JSONResponse:
    """Every pending order, newest first."""
    with desk.account.exchange() as exchange:
        wire = desk.wire(exchange)
        return desk.reply({"orders": [wire.order(order) for order in reversed(exchange.pending_orders())]})


@router.get("/orders/{specifier}")
def order(desk: DeskDep, specifier: str) -> JSONResponse:
    """One order by its id, or a pending one by @ and its client id."""
    with desk.account.exchange() as exchange:
        found = _find(desk, specifier)
        return desk.reply({"order": desk.wire(exchange).order(found)})


def _find(desk: Desk, specifier: str) -> FxOrder:
    with desk.account.exchange() as exchange:
        found = exchange.book.find_order(specifier)
    if found is None and specifier.isdecimal() and len(specifier) < 19:
        found = desk.account.store.order(int(specifier))
    if found is None:
        raise NotFoundError(
            f"The order ID specified does not exist: {specifier!r}", errorCode="NO_SUCH_ORDER"
        )
    return found


@router.put("/orders/{specifier}")
def replace(desk: DeskDep, specifier: str, body: JsonBody) -> JSONResponse:
    """Cancel a pending order and take another one in its place."""
    request: FxOrderRequest = read.order_request(body)
    outcome = desk.account.change(lambda exchange, ts: exchange.replace(specifier, request, ts))
    if outcome.rejected is RejectReason.ORDER_DOESNT_EXIST:
        return desk.outcome(outcome, {"orderCancelRejectTransaction": outcome.transactions[0]}, 201, 404)
    if outcome.rejected:
        return desk.outcome(outcome, {"orderRejectTransaction": outcome.transactions[0]}, 201)
    cancelled, made = outcome.transactions[:2]
    fields = {
        "orderCancelTransaction": cancelled,
        "orderCreateTransaction": made,
        "orderFillTransaction": outcome.ending("ORDER_FILL", made.id),
        "replacingOrderCancelTransaction": outcome.ending("ORDER_CANCEL", made.id),
    }
    return desk.outcome(outcome, fields, 201)


@router.put("/orders/{specifier}/cancel")
def cancel(desk: DeskDep, specifier: str) -> JSONResponse:
    """Cancel a pending order."""
    outcome = desk.account.change(lambda exchange, ts: exchange.cancel(specifier, ts))
    name = "orderCancelRejectTransaction" if outcome.rejected else "orderCancelTransaction"
    return desk.outcome(outcome, {name: outcome.transactions[0]}, 200, 404)


@router.put("/orders/{specifier}/clientExtensions")
def extend(desk: DeskDep, specifier: str, body: JsonBody) -> JSONResponse:
    """Change an order's client extensions, and those that its trade will have."""
    own = read.extensions("clientExtensions", body.get("clientExtensions")) or None
    trade = read.extensions("tradeClientExtensions", body.get("tradeClientExtensions")) or None
    if own is None and trade is None:
        raise invalid("clientExtensions", body.get("clientExtensions"), "id, tag or comment")
    outcome = desk.account.change(lambda exchange, ts: exchange.extend_order(specifier, own, trade, ts))
    name = "orderClientExtensionsModifyTransaction"
    if outcome.rejected:
        name = "orderClientExtensionsModifyRejectTransaction"
    status = 404 if outcome.rejected is RejectReason.ORDER_DOESNT_EXIST else 400
    return desk.outcome(outcome, {name: outcome.transactions[0]}, 200, status)
