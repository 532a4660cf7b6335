"""What makes OANDA refuse a request: a rule by rule reading, each with the API's own reason."""

from collections.abc import Iterator
from decimal import Decimal

from ratchet.core.fx.book import FxBook
from ratchet.core.fx.instruments import Instrument
from ratchet.core.fx.records import FxOrder, FxOrderRequest, FxTrade, OnFill
from ratchet.core.fx.types import DEPENDENT_KINDS, ON_FILL_PREFIX, FxTimeInForce, OrderKind, RejectReason
from ratchet.core.orders.money import is_multiple

MAX_CLIENT_ID = 128
_RESTING = frozenset({FxTimeInForce.GTC, FxTimeInForce.GTD, FxTimeInForce.GFD})
_IMMEDIATE = frozenset({FxTimeInForce.FOK, FxTimeInForce.IOC})
_ALLOWED_TIMES = {
    OrderKind.MARKET: _IMMEDIATE,
    OrderKind.LIMIT: _RESTING | _IMMEDIATE,
}
Reasons = Iterator[RejectReason]


def why_rejected(
    book: FxBook, request: FxOrderRequest, ts: int, replaced: FxOrder | None = None
) -> RejectReason | None:
    """Return the first rule that a new order breaks, None if it may be taken.

    `replaced` is the order whose place it takes, which frees its client id and its trade.
    """
    return next(_violations(book, request, ts, replaced), None)


def _violations(book: FxBook, request: FxOrderRequest, ts: int, replaced: FxOrder | None) -> Reasons:
    yield from _identity(book, request, replaced)
    instrument = None
    if request.kind in DEPENDENT_KINDS:
        trade = book.find_trade(request.trade) if request.trade else None
        yield from _trade(request, trade, replaced)
        if trade is not None:
            instrument = book.instruments[trade.instrument]
    else:
        instrument = book.instruments.get(request.instrument)
        if instrument is None:
            yield RejectReason.INSTRUMENT_UNKNOWN if request.instrument else RejectReason.INSTRUMENT_MISSING
    if instrument is None:
        return
    if request.kind not in DEPENDENT_KINDS:
        yield from units_violations(request.units, instrument)
    yield from _prices(request, instrument)
    yield from _time(request, ts)
    for kind, details in (
        (OrderKind.TAKE_PROFIT, request.take_profit),
        (OrderKind.STOP_LOSS, request.stop_loss),
        (OrderKind.TRAILING_STOP_LOSS, request.trailing_stop),
    ):
        if details is not None:
            yield from _on_fill(kind, details, instrument, ts)
    if book.quotes.get(instrument.name) is None or book.quotes.conversion(instrument.quote) is None:
        yield RejectReason.INSTRUMENT_PRICE_UNKNOWN


def _identity(book: FxBook, request: FxOrderRequest, replaced: FxOrder | None) -> Reasons:
    client_id = request.extensions.get("id", "")
    if len(client_id) > MAX_CLIENT_ID:
        yield RejectReason.CLIENT_ORDER_ID_INVALID
    holder = book.order_by_client_id(client_id)
    if holder is not None and holder is not replaced:
        yield RejectReason.CLIENT_ORDER_ID_ALREADY_EXISTS
    trade_id = request.trade_extensions.get("id", "")
    if len(trade_id) > MAX_CLIENT_ID:
        yield RejectReason.CLIENT_TRADE_ID_INVALID
    if trade_id and book.find_trade(f"@{trade_id}") is not None:
        yield RejectReason.CLIENT_TRADE_ID_ALREADY_EXISTS
    if len(book.orders) - (replaced is not None) >= book.config.maximum_pending_orders:
        yield RejectReason.PENDING_ORDERS_ALLOWED_EXCEEDED


def _trade(request: FxOrderRequest, trade: FxTrade | None, replaced: FxOrder | None) -> Reasons:
    if not request.trade:
        yield RejectReason.TRADE_ID_UNSPECIFIED
    if trade is None:
        yield RejectReason.TRADE_DOESNT_EXIST
        return
    present = {
        OrderKind.TAKE_PROFIT: trade.take_profit_id,
        OrderKind.STOP_LOSS: trade.stop_loss_id,
        OrderKind.TRAILING_STOP_LOSS: trade.trailing_stop_id,
    }[request.kind]
    if present and (replaced is None or present != replaced.id):
        yield RejectReason(f"{request.kind.value}_ORDER_ALREADY_EXISTS")
    if request.guaranteed:
        yield RejectReason.STOP_LOSS_ORDER_GUARANTEED_NOT_ALLOWED


def units_violations(units: Decimal | None, instrument: Instrument) -> Reasons:
    """Yield what is wrong with the units of an order."""
    if units is None:
        yield RejectReason.UNITS_MISSING
        return
    if not units.is_finite() or units == 0:
        yield RejectReason.UNITS_INVALID
        return
    if not is_multiple(units, instrument.unit_step):
        yield RejectReason.UNITS_PRECISION_EXCEEDED
    if abs(units) < instrument.minimum_trade_size:
        yield RejectReason.UNITS_MIMIMUM_NOT_MET
    if abs(units) > instrument.maximum_order_units:
        yield RejectReason.UNITS_LIMIT_EXCEEDED


def _prices(request: FxOrderRequest, instrument: Instrument) -> Reasons:
    kind = request.kind
    if kind is OrderKind.TRAILING_STOP_LOSS:
        yield from _trailing("PRICE_DISTANCE", request.distance, instrument)
    elif kind is OrderKind.STOP_LOSS:
        if request.price is None and request.distance is None:
            yield RejectReason.STOP_LOSS_ORDER_PRICE_AND_DISTANCE_BOTH_MISSING
        elif request.price is not None and request.distance is not None:
            yield RejectReason.STOP_LOSS_ORDER_PRICE_AND_DISTANCE_BOTH_SPECIFIED
        elif request.price is not None:
            yield from _number("PRICE", request.price, instrument)
        else:
            yield from _number("PRICE_DISTANCE", request.distance, instrument)
    elif kind is not OrderKind.MARKET:
        yield from _number("PRICE", request.price, instrument)
    if request.price_bound is not None:
        yield from _number("PRICE_BOUND", request.price_bound, instrument)


def _number(prefix: str, value: Decimal | None, instrument: Instrument) -> Reasons:
    if value is None:
        yield RejectReason(f"{prefix}_MISSING")
    elif not value.is_finite() or value <= 0:
        yield RejectReason(f"{prefix}_INVALID")
    elif not is_multiple(value, instrument.tick):
        yield RejectReason(f"{prefix}_PRECISION_EXCEEDED")


def _trailing(prefix: str, distance: Decimal | None, instrument: Instrument) -> Reasons:
    yield from _number(prefix, distance, instrument)
    if distance is not None and distance > instrument.maximum_trailing_distance:
        yield RejectReason(f"{prefix}_MAXIMUM_EXCEEDED")


def _time(request: FxOrderRequest, ts: int) -> Reasons:
    if request.time_in_force not in _ALLOWED_TIMES.get(request.kind, _RESTING):
        yield RejectReason.TIME_IN_FORCE_INVALID
    if request.time_in_force is FxTimeInForce.GTD:
        if not request.gtd_ts:
            yield RejectReason.TIME_IN_FORCE_GTD_TIMESTAMP_MISSING
        elif request.gtd_ts <= ts:
            yield RejectReason.TIME_IN_FORCE_GTD_TIMESTAMP_IN_PAST


def _on_fill(kind: OrderKind, details: OnFill, instrument: Instrument, ts: int) -> Reasons:
    prefix = ON_FILL_PREFIX[kind]
    if kind is OrderKind.TRAILING_STOP_LOSS:
        yield from _trailing(f"{prefix}_PRICE_DISTANCE", details.distance, instrument)
    elif kind is OrderKind.TAKE_PROFIT:
        yield from _number(f"{prefix}_PRICE", details.price, instrument)
    else:
        yield from _stop_on_fill(details, instrument)
    if details.time_in_force not in _RESTING:
        yield RejectReason(f"{prefix}_TIME_IN_FORCE_INVALID")
    if details.time_in_force is FxTimeInForce.GTD:
        if not details.gtd_ts:
            yield RejectReason(f"{prefix}_GTD_TIMESTAMP_MISSING")
        elif details.gtd_ts <= ts:
            yield RejectReason(f"{prefix}_GTD_TIMESTAMP_IN_PAST")


def _stop_on_fill(details: OnFill, instrument: Instrument) -> Reasons:
    if details.guaranteed:
        yield RejectReason.STOP_LOSS_ON_FILL_GUARANTEED_NOT_ALLOWED
    if details.price is None and details.distance is None:
        yield RejectReason.STOP_LOSS_ON_FILL_PRICE_AND_DISTANCE_BOTH_MISSING
    elif details.price is not None and details.distance is not None:
        yield RejectReason.STOP_LOSS_ON_FILL_PRICE_AND_DISTANCE_BOTH_SPECIFIED
    elif details.price is not None:
        yield from _number("STOP_LOSS_ON_FILL_PRICE", details.price, instrument)
    else:
        yield from _number("STOP_LOSS_ON_FILL_DISTANCE", details.distance, instrument)
