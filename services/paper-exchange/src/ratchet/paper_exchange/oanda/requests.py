"""Bodies of requests, read field by field; OandaError names the field, the value and what is allowed."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any, TypeVar

from ratchet.core.fx import (
    Closeout,
    FxOrderRequest,
    FxTimeInForce,
    OnFill,
    OrderKind,
    PositionFill,
    TriggerCondition,
)
from ratchet.paper_exchange.oanda.errors import invalid
from ratchet.paper_exchange.oanda.times import parse_time

Json = Mapping[str, Any]
E = TypeVar("E", bound=Enum)
_EXTENSION_FIELDS = ("id", "tag", "comment")


def order_request(body: Json) -> FxOrderRequest:
    """Read {"order": {...}} of a new or replacing order."""
    data = section(body, "order")
    kind = choice("order.type", data.get("type"), OrderKind, OrderKind.MARKET)
    default = FxTimeInForce.FOK if kind is OrderKind.MARKET else FxTimeInForce.GTC
    return FxOrderRequest(
        kind=kind,
        instrument=text("order.instrument", data.get("instrument")),
        units=number("order.units", data.get("units")),
        price=number("order.price", data.get("price")),
        distance=number("order.distance", data.get("distance")),
        price_bound=number("order.priceBound", data.get("priceBound")),
        time_in_force=choice("order.timeInForce", data.get("timeInForce"), FxTimeInForce, default),
        gtd_ts=optional_time("order.gtdTime", data.get("gtdTime")),
        position_fill=choice(
            "order.positionFill", data.get("positionFill"), PositionFill, PositionFill.DEFAULT
        ),
        trigger=choice(
            "order.triggerCondition",
            data.get("triggerCondition"),
            TriggerCondition,
            TriggerCondition.DEFAULT,
        ),
        guaranteed=bool(data.get("guaranteed", False)),
        extensions=extensions("order.clientExtensions", data.get("clientExtensions")),
        trade_extensions=extensions("order.tradeClientExtensions", data.get("tradeClientExtensions")),
        take_profit=on_fill("order.takeProfitOnFill", data.get("takeProfitOnFill")),
        stop_loss=on_fill("order.stopLossOnFill", data.get("stopLossOnFill")),
        trailing_stop=on_fill("order.trailingStopLossOnFill", data.get("trailingStopLossOnFill")),
        trade=_trade(data),
    )


def dependent_request(kind: OrderKind, trade_id: int, field: str, data: Json) -> FxOrderRequest:
    """Read the details of a dependent order of a trade, as PUT /trades/{id}/orders gives them."""
    details = on_fill(field, data)
    if details is None:
        raise invalid(field)
    return FxOrderRequest(
        kind,
        price=details.price,
        distance=details.distance,
        time_in_force=details.time_in_force,
        gtd_ts=details.gtd_ts,
        guaranteed=details.guaranteed,
        extensions=details.extensions,
        trade=str(trade_id),
    )


def on_fill(field: str, data: object) -> OnFill | None:
    """Read the details of a dependent order."""
    if data is None:
        return None
    if not isinstance(data, Mapping):
        raise invalid(field, data, "an object")
    return OnFill(
        price=number(f"{field}.price", data.get("price")),
        distance=number(f"{field}.distance", data.get("distance")),
        time_in_force=choice(
            f"{field}.timeInForce", data.get("timeInForce"), FxTimeInForce, FxTimeInForce.GTC
        ),
        gtd_ts=optional_time(f"{field}.gtdTime", data.get("gtdTime")),
        guaranteed=bool(data.get("guaranteed", False)),
        extensions=extensions(f"{field}.clientExtensions", data.get("clientExtensions")),
    )


def extensions(field: str, data: object) -> dict[str, str]:
    """Read client extensions: id, tag and comment."""
    if data is None:
        return {}
    if not isinstance(data, Mapping):
        raise invalid(field, data, "an object")
    return {
        name: text(f"{field}.{name}", data[name]) for name in _EXTENSION_FIELDS if data.get(name) is not None
    }


def closing_units(field: str, value: object, *, none_allowed: bool = False) -> Decimal | str | None:
    """Read ALL (None), NONE ("NONE", where it is allowed) or a number of units."""
    if value in (None, "ALL"):
        return None
    if value == "NONE" and none_allowed:
        return "NONE"
    return number(field, value)


def position_closeouts(body: Json) -> list[tuple[Closeout, Decimal | None]]:
    """Read which sides of a position are to be closed, and how much of each; both fully by default."""
    sides = []
    for side, name in ((Closeout.LONG, "longUnits"), (Closeout.SHORT, "shortUnits")):
        given = body.get(name, "NONE" if {"longUnits", "shortUnits"} & set(body) else "ALL")
        units = closing_units(name, given, none_allowed=True)
        if not isinstance(units, str):
            sides.append((side, units))
    return sides


def section(body: Json, name: str) -> Json:
    """Return an object of the body."""
    found = body.get(name)
    if not isinstance(found, Mapping):
        raise invalid(name, found, "an object")
    return found


def text(field: str, value: object) -> str:
    """Return a string, empty if it is absent."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise invalid(field, value, "a string")
    return value


def number(field: str, value: object) -> Decimal | None:
    """Return a number that a string or a JSON number gives, None if it is absent."""
    if value is None or value == "":
        return None
    try:
        found = Decimal(str(value)) if isinstance(value, str | int | float) else None
    except InvalidOperation:
        found = None
    if found is None or not found.is_finite() or isinstance(value, bool):
        raise invalid(field, value, "a decimal number as a string")
    return found


def choice(field: str, value: object, kind: type[E], default: E) -> E:
    """Return a value of an enumeration."""
    if value is None:
        return default
    try:
        return kind(value)
    except ValueError:
        raise invalid(field, value, ", ".join(str(item.value) for item in kind)) from None


def whole(field: str, value: str | None, default: int, lowest: int, highest: int) -> int:
    """Return an integer of a query."""
    if value is None:
        return default
    if not value.isdecimal() or not lowest <= int(value) <= highest:
        raise invalid(field, value, f"{lowest} to {highest}")
    return int(value)


def optional_time(field: str, value: object) -> int:
    """Return a time (ns, UTC), 0 if it is absent."""
    return 0 if value is None else parse_time(field, str(value))


def _trade(data: Json) -> str:
    client_id = text("order.clientTradeID", data.get("clientTradeID"))
    found = data.get("tradeID")
    return f"@{client_id}" if found is None and client_id else ("" if found is None else str(found))
