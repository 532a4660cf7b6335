"""How an order begins and ends without a fill, each with its transaction."""

from dataclasses import replace
from decimal import Decimal

from ratchet.core.fx.book import FxBook
from ratchet.core.fx.describe import order_fields
from ratchet.core.fx.instruments import Instrument
from ratchet.core.fx.quotes import Quote
from ratchet.core.fx.records import FxOrder, FxOrderRequest, FxTrade, OnFill, Transaction
from ratchet.core.fx.types import (
    CancelReason,
    Closeout,
    FxTimeInForce,
    OrderKind,
    OrderState,
    PositionFill,
    RejectReason,
)
from ratchet.core.fx.valuation import closing_side
from ratchet.core.orders.money import ZERO
from ratchet.core.orders.rows import evolve
from ratchet.core.orders.types import Side
from ratchet.core.sessions.catalog import get_calendar

_DEPENDENT_FIELD = {
    OrderKind.TAKE_PROFIT: "take_profit_id",
    OrderKind.STOP_LOSS: "stop_loss_id",
    OrderKind.TRAILING_STOP_LOSS: "trailing_stop_id",
}


def expiry(instrument: Instrument, request: FxOrderRequest | OnFill, ts: int) -> int:
    """Return when an order runs out (ns UTC), 0 for never; GFD ends at 17:00 New York."""
    if request.time_in_force is FxTimeInForce.GTD:
        return request.gtd_ts
    if request.time_in_force is FxTimeInForce.GFD:
        return get_calendar(instrument.calendar).day_end(ts)
    return 0


def place(
    book: FxBook, request: FxOrderRequest, ts: int, replaces: FxOrder | None = None
) -> tuple[FxOrder, Transaction]:
    """Make an order of an admitted request; return it with its transaction."""
    trade = book.find_trade(request.trade) if request.trade else None
    instrument = book.instruments[trade.instrument if trade is not None else request.instrument]
    order = FxOrder(
        id=book.last_id + 1,
        kind=request.kind,
        instrument=instrument.name,
        units=request.units or ZERO,
        time_in_force=request.time_in_force,
        reason="REPLACEMENT" if replaces is not None else "CLIENT_ORDER",
        created_ts=ts,
        expires_ts=expiry(instrument, request, ts),
        gtd_ts=request.gtd_ts,
        price=request.price,
        distance=request.distance,
        price_bound=request.price_bound,
        position_fill=request.position_fill,
        trigger=request.trigger,
        extensions=request.extensions,
        trade_extensions=request.trade_extensions,
        take_profit=request.take_profit,
        stop_loss=request.stop_loss,
        trailing_stop=request.trailing_stop,
        trade_id=trade.id if trade is not None else 0,
        replaces=replaces.id if replaces is not None else 0,
    )
    return _enter(book, _aimed(order, trade, book.quotes[instrument.name]), {})


def place_closing(
    book: FxBook,
    instrument: str,
    units: Decimal,
    ts: int,
    closeout: Closeout,
    *,
    asked: str = "ALL",
    trade_id: int = 0,
    extensions: dict[str, str] | None = None,
) -> tuple[FxOrder, Transaction]:
    """Make a market order that closes a trade or a position; `units` are its own, signed."""
    reasons = {Closeout.TRADE: "TRADE_CLOSE", Closeout.MARGIN: "MARGIN_CLOSEOUT"}
    order = FxOrder(
        id=book.last_id + 1,
        kind=OrderKind.MARKET,
        instrument=instrument,
        units=units,
        time_in_force=FxTimeInForce.FOK,
        reason=reasons.get(closeout, "POSITION_CLOSEOUT"),
        created_ts=ts,
        position_fill=PositionFill.REDUCE_ONLY,
        extensions=extensions or {},
        trade_id=trade_id,
        closeout=closeout,
        asked=asked,
    )
    return _enter(book, order, {})


def place_on_fill(
    book: FxBook, kind: OrderKind, details: OnFill, trade: FxTrade, closing_price: Decimal, ts: int
) -> FxOrder:
    """Make a dependent order of a trade just opened; `closing_price` is that at which it could be closed."""
    instrument = book.instruments[trade.instrument]
    order = FxOrder(
        id=book.last_id + 1,
        kind=kind,
        instrument=trade.instrument,
        units=ZERO,
        time_in_force=details.time_in_force,
        reason="ON_FILL",
        created_ts=ts,
        expires_ts=expiry(instrument, details, ts),
        gtd_ts=details.gtd_ts,
        price=details.price,
        distance=details.distance,
        extensions=details.extensions,
        trade_id=trade.id,
    )
    away = -1 if trade.units > 0 else 1
    if kind is OrderKind.STOP_LOSS and details.distance is not None:
        order = replace(order, price=trade.price + away * details.distance)
    if kind is OrderKind.TRAILING_STOP_LOSS and details.distance is not None:
        order = replace(order, trailing_value=closing_price + away * details.distance)
    return _enter(book, order, {"orderFillTransactionID": str(trade.id)})[0]


def _aimed(order: FxOrder, trade: FxTrade | None, quote: Quote) -> FxOrder:
    """Fix what depends on the price at which an order is made."""
    if trade is not None and order.distance is not None:
        away = -1 if trade.units > 0 else 1
        level = quote.at(closing_side(trade.units)) + away * order.distance
        if order.kind is OrderKind.TRAILING_STOP_LOSS:
            return replace(order, trailing_value=level)
        return replace(order, price=level)
    if order.kind is OrderKind.MARKET_IF_TOUCHED and order.price is not None:
        side = Side.BUY if order.units > 0 else Side.SELL
        return replace(order, rises=order.price >= quote.at(side))
    return order


def _enter(book: FxBook, order: FxOrder, extra: dict[str, str]) -> tuple[FxOrder, Transaction]:
    body = {**order_fields(order, book.instruments[order.instrument]), "reason": order.reason, **extra}
    entry = book.record(f"{order.kind.value}_ORDER", order.created_ts, body)
    if order.is_dependent:
        trade = book.trades[order.trade_id]
        book.put_trade(evolve(trade, **{_DEPENDENT_FIELD[order.kind]: order.id}))
    return book.put_order(order), entry


def reject(book: FxBook, request: FxOrderRequest, reason: RejectReason, ts: int) -> Transaction:
    """Record that a request was refused."""
    body: dict[str, object] = {"timeInForce": request.time_in_force.value, "reason": "CLIENT_ORDER"}
    if request.instrument:
        body["instrument"] = request.instrument
    if request.trade:
        body["tradeID"] = request.trade
    for name, value in (
        ("units", request.units),
        ("price", request.price),
        ("distance", request.distance),
        ("priceBound", request.price_bound),
    ):
        if value is not None:
            body[name] = f"{value:f}"
    if request.extensions:
        body["clientExtensions"] = dict(request.extensions)
    return book.record(f"{request.kind.value}_ORDER_REJECT", ts, {**body, "rejectReason": reason.value})


def cancel(book: FxBook, order: FxOrder, reason: CancelReason, ts: int, replaced_by: int = 0) -> Transaction:
    """End a pending order without a fill."""
    body = {"orderID": str(order.id), "reason": reason.value}
    if order.client_id:
        body["clientOrderID"] = order.client_id
    if replaced_by:
        body["replacedByOrderID"] = str(replaced_by)
    entry = book.record("ORDER_CANCEL", ts, body)
    book.put_order(
        replace(
            order,
            state=OrderState.CANCELLED,
            cancelled_by=entry.id,
            cancelled_ts=ts,
            replaced_by=replaced_by,
        )
    )
    release(book, order)
    return entry


def release(book: FxBook, order: FxOrder) -> None:
    """Let a trade forget a dependent order that has ended."""
    trade = book.trades.get(order.trade_id) if order.is_dependent else None
    if trade is not None and order.id in trade.dependents:
        book.put_trade(evolve(trade, **{_DEPENDENT_FIELD[order.kind]: 0}))


def expire_due(book: FxBook, ts: int, name: str | None = None) -> None:
    """Cancel what has run out by ts, in all instruments or one."""
    due = [
        order
        for order in book.orders.values()
        if 0 < order.expires_ts <= ts and (name is None or order.instrument == name)
    ]
    for order in sorted(due, key=lambda item: item.id):
        if order.id in book.orders:
            book.begin()
            cancel(book, order, CancelReason.TIME_IN_FORCE_EXPIRED, ts)
