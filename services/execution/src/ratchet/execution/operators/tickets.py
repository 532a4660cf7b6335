"""Orders and changes as callers write them, in text, to what execution works with."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from ratchet.core.orders import OrderType, Side, TimeInForce, Trail
from ratchet.execution.operators.manual import Ticket
from ratchet.execution.operators.packages import PackageTicket, TicketLeg
from ratchet.execution.operators.replacing import Change


def ticket_of(
    *,
    symbol: str,
    side: str,
    qty: str,
    actor: str,
    key: str,
    type_: str = "",
    time_in_force: str = "",
    limit_price: str = "",
    stop_price: str = "",
    trail_price: str = "",
    trail_percent: str = "",
    algo: str = "",
    algo_parameters: Mapping[str, str] | None = None,
    algo_duration_s: int = 0,
) -> Ticket:
    """Read a ticket; ValueError names the field, its value and what is allowed."""
    if not actor or not key:
        raise ValueError("actor and idempotency_key must not be empty")
    return Ticket(
        symbol=symbol,
        side=_choice("side", side, Side),
        qty=_number("qty", qty),
        actor=actor,
        key=key,
        type=_choice("type", type_ or "market", OrderType),
        time_in_force=_choice("time_in_force", time_in_force, TimeInForce) if time_in_force else None,
        limit_price=_number("limit_price", limit_price) if limit_price else None,
        stop_price=_number("stop_price", stop_price) if stop_price else None,
        trail=_trail(trail_price, trail_percent),
        algo=algo,
        algo_parameters=dict(algo_parameters or {}),
        algo_duration_s=algo_duration_s,
    )


def change_of(
    *,
    actor: str,
    key: str,
    qty: str = "",
    limit_price: str = "",
    stop_price: str = "",
    trail_price: str = "",
    trail_percent: str = "",
) -> Change:
    """Read a change of a working order; ValueError names the field, its value and what is allowed."""
    if not actor or not key:
        raise ValueError("actor and idempotency_key must not be empty")
    return Change(
        actor=actor,
        key=key,
        qty=_number("qty", qty) if qty else None,
        limit_price=_number("limit_price", limit_price) if limit_price else None,
        stop_price=_number("stop_price", stop_price) if stop_price else None,
        trail=_trail(trail_price, trail_percent),
    )


def _trail(price: str, percent: str) -> Trail | None:
    if not price and not percent:
        return None
    return Trail(
        _number("trail_price", price) if price else None,
        _number("trail_percent", percent) if percent else None,
    )


def package_of(
    *,
    legs: Sequence[Mapping[str, object]],
    symbol: str,
    side: str,
    qty: str,
    actor: str,
    key: str,
    type_: str = "",
    time_in_force: str = "",
    limit_price: str = "",
    stop_price: str = "",
    trail_price: str = "",
    trail_percent: str = "",
    algo: str = "",
) -> PackageTicket:
    """Read a package; ValueError names the field, its value and what is allowed."""
    if not actor or not key:
        raise ValueError("actor and idempotency_key must not be empty")
    allowed = {
        "symbol": (symbol, ("",)), "side": (side, ("",)), "stop_price": (stop_price, ("",)),
        "trail_price": (trail_price, ("",)), "trail_percent": (trail_percent, ("",)),
        "algo": (algo, ("",)), "type": (type_, ("", "market", "limit")),
        "time_in_force": (time_in_force, ("", "day")),
    }  # fmt: skip
    for name, (value, choices) in allowed.items():
        if value not in choices:
            shown = ", ".join(choice or "nothing" for choice in choices)
            raise ValueError(f"{name} {value!r} does not go with legs; allowed: {shown}")
    if type_ and (type_ == "limit") != bool(limit_price):
        raise ValueError(f"limit_price {limit_price!r}: a limit order takes one, a market order none")
    return PackageTicket(
        legs=tuple(_leg(number, leg) for number, leg in enumerate(legs)),
        qty=_number("qty", qty),
        actor=actor,
        key=key,
        limit_price=_number("limit_price", limit_price) if limit_price else None,
    )


def _leg(number: int, leg: Mapping[str, object]) -> TicketLeg:
    ratio = str(leg.get("ratio") or 1)
    if not ratio.isdecimal():
        raise ValueError(f"legs[{number}].ratio {ratio!r} is not a whole number from 1 on")
    side = _choice(f"legs[{number}].side", str(leg.get("side", "")), Side)
    return TicketLeg(str(leg.get("symbol", "")), side, int(ratio))


E = TypeVar("E", Side, OrderType, TimeInForce)


def _choice(field: str, value: str, kind: type[E]) -> E:
    try:
        return kind(value)
    except ValueError:
        allowed = ", ".join(item.value for item in kind)
        raise ValueError(f"{field} {value!r} is not one of {allowed}") from None


def _number(field: str, value: str) -> Decimal:
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise ValueError(f"{field} {value!r} is not a decimal number") from None
    if not number.is_finite():
        raise ValueError(f"{field} {value!r} is not a finite number")
    return number
