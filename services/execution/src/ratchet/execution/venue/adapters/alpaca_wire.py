"""Alpaca's JSON to the broker port's types and back."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from ratchet.common.timestamps import to_ns
from ratchet.core.assets import Registry
from ratchet.core.options import is_option_symbol
from ratchet.core.orders import Intent, OrderStatus, OrderType, Side, TimeInForce, Trail
from ratchet.execution.venue.broker import (
    BrokerAccount,
    BrokerActivity,
    BrokerFill,
    BrokerLeg,
    BrokerOrder,
    BrokerPosition,
    BrokerQuote,
    OrderRequest,
    ReplaceRequest,
    TradeUpdate,
)

Json = Mapping[str, Any]

# Every state that Alpaca documents. One that is missing here is UNKNOWN, never taken for working.
_STATUS = {
    "pending_new": OrderStatus.ACCEPTED,
    "new": OrderStatus.ACCEPTED,
    "accepted": OrderStatus.ACCEPTED,
    "accepted_for_bidding": OrderStatus.ACCEPTED,
    # A trade is guaranteed and has not happened yet.
    "stopped": OrderStatus.ACCEPTED,
    # Ended for the day, settlement still to be calculated: fills may come, so it is not over.
    "calculated": OrderStatus.ACCEPTED,
    "pending_review": OrderStatus.HELD,
    "held": OrderStatus.HELD,
    "suspended": OrderStatus.SUSPENDED,
    "partially_filled": OrderStatus.PARTIALLY_FILLED,
    "pending_cancel": OrderStatus.PENDING_CANCEL,
    "pending_replace": OrderStatus.PENDING_REPLACE,
    "filled": OrderStatus.FILLED,
    "canceled": OrderStatus.CANCELED,
    "replaced": OrderStatus.REPLACED,
    "expired": OrderStatus.EXPIRED,
    "done_for_day": OrderStatus.EXPIRED,
    "rejected": OrderStatus.REJECTED,
}
_ORDER_TYPES = {item.value: item for item in OrderType}
_TIMES_IN_FORCE = {item.value: item for item in TimeInForce}
_PACKAGE = "mleg"
_FILL_EVENTS = frozenset({"fill", "partial_fill"})


class WireError(ValueError):
    """A message does not have the shape that Alpaca documents; the text names the field."""


def order_body(request: OrderRequest) -> dict[str, Any]:
    """Return the body of POST /v2/orders; numbers are strings, which are exact."""
    if request.legs:
        return package_body(request)
    body = {
        "client_order_id": request.client_order_id,
        "symbol": request.symbol,
        "side": request.side.value,
        "type": request.type.value,
        "time_in_force": request.time_in_force.value,
        "qty": f"{request.qty:f}",
    }
    if request.limit_price is not None:
        body["limit_price"] = f"{request.limit_price:f}"
    if is_option_symbol(request.symbol):
        # Without it, an order that is larger than the position would turn it around.
        body["position_intent"] = _position_intent(request.side, is_closing=request.intent is Intent.EXIT)
    if request.stop_price is not None:
        body["stop_price"] = f"{request.stop_price:f}"
    if request.trail is not None and request.trail.price is not None:
        body["trail_price"] = f"{request.trail.price:f}"
    elif request.trail is not None:
        body["trail_percent"] = f"{request.trail.percent:f}"
    return body


def package_body(request: OrderRequest) -> dict[str, Any]:
    """Return the body of a package: one order of class mleg, at one net price."""
    body: dict[str, Any] = {
        "client_order_id": request.client_order_id,
        "order_class": _PACKAGE,
        "type": request.type.value,
        "time_in_force": request.time_in_force.value,
        "qty": f"{request.qty:f}",
        "legs": [
            {
                "symbol": leg.symbol,
                "ratio_qty": str(leg.ratio),
                "side": leg.side.value,
                "position_intent": _position_intent(leg.side, is_closing=leg.is_closing),
            }
            for leg in request.legs
        ],
    }
    if request.limit_price is not None:
        body["limit_price"] = f"{request.limit_price:f}"
    return body


def _position_intent(side: Side, *, is_closing: bool) -> str:
    return f"{side.value}_to_{'close' if is_closing else 'open'}"


def _parse_leg(data: Json) -> BrokerLeg:
    return BrokerLeg(
        broker_order_id=str(_need(data, "id")),
        symbol=str(_need(data, "symbol")),
        side=Side(_need(data, "side")),
        ratio=int(_must(data, "ratio_qty")),
        is_closing=str(data.get("position_intent") or "").endswith("close"),
    )


def parse_order(data: Json) -> BrokerOrder:
    """Read one order; a package with its legs."""
    status = str(_need(data, "status"))
    is_package = data.get("order_class") == _PACKAGE
    legs = tuple(_parse_leg(leg) for leg in data.get("legs") or ()) if is_package else ()
    return BrokerOrder(
        broker_order_id=str(_need(data, "id")),
        client_order_id=str(_need(data, "client_order_id")),
        symbol=legs[0].symbol if legs else str(data.get("symbol") or ""),
        side=legs[0].side if legs else Side(data.get("side") or "buy"),
        type=_order_type(data),
        time_in_force=_time_in_force(data),
        status=_STATUS.get(status, OrderStatus.UNKNOWN),
        qty=_decimal(data, "qty") or Decimal(0),
        filled_qty=_decimal(data, "filled_qty") or Decimal(0),
        filled_avg_price=_decimal(data, "filled_avg_price"),
        limit_price=_decimal(data, "limit_price"),
        stop_price=_decimal(data, "stop_price"),
        created_ns=parse_time(_need(data, "created_at")),
        updated_ns=parse_time(data.get("updated_at") or _need(data, "created_at")),
        raw_status=status,
        replaced_by=str(data.get("replaced_by") or ""),
        trail=_trail(data),
        legs=legs,
        is_leg=is_package and bool(data.get("symbol")),
    )


def replace_body(change: ReplaceRequest) -> dict[str, str]:
    """Return the body of PATCH /v2/orders/{id}; numbers are strings, which are exact."""
    body = {"client_order_id": change.client_order_id}
    for name in ("qty", "limit_price", "stop_price"):
        value = getattr(change, name)
        if value is not None:
            body[name] = f"{value:f}"
    if change.trail is not None:
        # One number: the order knows whether it trails by money or by per cent.
        body["trail"] = f"{change.trail.price or change.trail.percent:f}"
    return body


def parse_non_trade(data: Json, symbols: Mapping[str, str]) -> BrokerActivity:
    """Read an activity that is no execution; its day is the only time that it has for sure."""
    kind = str(_need(data, "activity_type"))
    sub = str(data.get("activity_sub_type") or "")
    day = str(_need(data, "date"))
    symbol = str(data.get("symbol") or "")
    return BrokerActivity(
        activity_id=str(_need(data, "id")),
        type=f"{kind}.{sub}" if sub else kind,
        ts=parse_time(data.get("created_at") or f"{day}T00:00:00Z"),
        day=day,
        symbol=symbols.get(symbol, symbol),
        qty=_decimal(data, "qty") or Decimal(0),
        amount=_decimal(data, "net_amount") or Decimal(0),
        price=_decimal(data, "price"),
        description=str(data.get("description") or ""),
    )


def parse_update(data: Json) -> TradeUpdate:
    """Read the data of one trade_updates message."""
    event = str(_need(data, "event"))
    order = parse_order(_need(data, "order"))
    ts = parse_time(data.get("timestamp") or _need(data, "at"))
    fill = None
    # The execution of a package is that of its legs, which are told by themselves.
    if event in _FILL_EVENTS and not order.legs:
        fill = BrokerFill(
            execution_id=str(_need(data, "execution_id")),
            broker_order_id=order.broker_order_id,
            client_order_id=order.client_order_id,
            symbol=order.symbol,
            side=order.side,
            qty=_must(data, "qty"),
            price=_must(data, "price"),
            cum_qty=order.filled_qty,
            ts=ts,
            fee=_decimal(data, "fee"),
            fee_in_base=bool(data.get("fee_in_base")),
        )
    return TradeUpdate(event, ts, order, fill, int(data.get("sequence") or 0))


def parse_activity(data: Json) -> BrokerFill:
    """Read one FILL activity; its id is `time::execution id`. The client_order_id is not part of it."""
    return BrokerFill(
        execution_id=str(_need(data, "id")).rpartition("::")[2],
        broker_order_id=str(_need(data, "order_id")),
        client_order_id="",
        symbol=str(_need(data, "symbol")),
        side=Side.BUY if str(_need(data, "side")) == "buy" else Side.SELL,
        qty=_must(data, "qty"),
        price=_must(data, "price"),
        cum_qty=_must(data, "cum_qty"),
        ts=parse_time(_need(data, "transaction_time")),
        fee=_decimal(data, "fee"),
        fee_in_base=bool(data.get("fee_in_base")),
    )


def parse_position(data: Json, symbols: Mapping[str, str]) -> BrokerPosition:
    """Read one position; `symbols` maps Alpaca's BTCUSD of positions to the registry's symbols."""
    qty = _must(data, "qty")
    symbol = str(_need(data, "symbol"))
    if data.get("side") == "short" and qty > 0:
        qty = -qty
    return BrokerPosition(symbols.get(symbol, symbol), qty, _must(data, "avg_entry_price"))


def parse_option_quote(symbol: str, data: Json) -> BrokerQuote:
    """Read the last quote of an option contract."""
    return BrokerQuote(symbol, _must(data, "bp"), _must(data, "ap"), parse_time(_need(data, "t")))


def parse_account(data: Json) -> BrokerAccount:
    """Read the account."""
    return BrokerAccount(
        account_number=str(_need(data, "account_number")),
        cash=_must(data, "cash"),
        equity=_decimal(data, "equity") or _must(data, "cash"),
        trading_blocked=bool(data.get("trading_blocked") or data.get("account_blocked")),
    )


def position_symbols(registry: Registry) -> dict[str, str]:
    """Map symbols without a slash, which is how Alpaca reports positions, to the registry's."""
    return {asset.symbol.replace("/", ""): asset.symbol for asset in registry}


def parse_time(value: Any) -> int:
    """Return RFC 3339 text as ns since the epoch, keeping all nine digits of its fraction."""
    text = str(value)
    try:
        head, fraction, zone = _split_fraction(text)
        moment = datetime.fromisoformat(f"{head}{zone}")
    except ValueError as error:
        raise WireError(f"time {text!r} is not RFC 3339") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return to_ns(moment) + fraction


def format_time(ns: int) -> str:
    """Return ns since the epoch as RFC 3339 text with nine digits."""
    seconds, fraction = divmod(ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z"


def _split_fraction(text: str) -> tuple[str, int, str]:
    head, dot, rest = text.partition(".")
    if not dot:
        return text, 0, ""
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    return head, int(digits[:9].ljust(9, "0") or "0"), rest[len(digits) :]


def _need(data: Json, field: str) -> Any:
    value = data.get(field)
    if value is None:
        raise WireError(f"field {field!r} is missing in {dict(data)!r:.200}")
    return value


def _decimal(data: Json, field: str) -> Decimal | None:
    value = data.get(field)
    if value is None or value == "":
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise WireError(f"field {field!r} is {value!r}, not a number") from None
    if not number.is_finite():
        raise WireError(f"field {field!r} is {value!r}, not a finite number")
    return number


def _must(data: Json, field: str) -> Decimal:
    number = _decimal(data, field)
    if number is None:
        raise WireError(f"field {field!r} is missing in {dict(data)!r:.200}")
    return number


def _order_type(data: Json) -> OrderType:
    text = str(data.get("type") or data.get("order_type") or "market")
    return _ORDER_TYPES.get(text, OrderType.STOP)


def _trail(data: Json) -> Trail | None:
    price, percent = _decimal(data, "trail_price"), _decimal(data, "trail_percent")
    if price is None and percent is None:
        return None
    try:
        return Trail(price) if price is not None else Trail(percent=percent)
    except ValueError as error:
        raise WireError(str(error)) from error


def _time_in_force(data: Json) -> TimeInForce:
    text = str(data.get("time_in_force") or "day")
    return _TIMES_IN_FORCE.get(text, TimeInForce.DAY)
