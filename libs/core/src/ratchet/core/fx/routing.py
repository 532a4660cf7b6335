"""The trader's orders in OANDA's terms, and OANDA's endings in the trader's: one table for every adapter."""

from ratchet.core.fx.types import FxTimeInForce, PositionFill
from ratchet.core.orders.types import Intent, OrderStatus, OrderType, TimeInForce

VENUE = "oanda"
_RESTING = {TimeInForce.GTC: FxTimeInForce.GTC, TimeInForce.DAY: FxTimeInForce.GFD}
_IMMEDIATE = {TimeInForce.IOC: FxTimeInForce.IOC, TimeInForce.FOK: FxTimeInForce.FOK}
_TIMES = {OrderType.LIMIT: _RESTING | _IMMEDIATE, OrderType.STOP: _RESTING}
_CANCELLED = ("CLIENT_REQUEST", "LINKED_TRADE_CLOSED", "MIGRATION")
_ENDINGS = {
    **dict.fromkeys(_CANCELLED, OrderStatus.CANCELED),
    "CLIENT_REQUEST_REPLACED": OrderStatus.REPLACED,
    "TIME_IN_FORCE_EXPIRED": OrderStatus.EXPIRED,
}


def time_in_force_of(order_type: OrderType, asked: TimeInForce) -> FxTimeInForce | None:
    """Return OANDA's time in force, None for an order that it does not take.

    A market order must fill at once or not at all (FOK) unless it is IOC.
    """
    if order_type is OrderType.MARKET:
        return _IMMEDIATE.get(asked, FxTimeInForce.FOK)
    return _TIMES.get(order_type, {}).get(asked)


def position_fill_of(intent: Intent) -> PositionFill:
    """Return what an order may do to the position: an exit must never open one the other way."""
    return PositionFill.REDUCE_ONLY if intent is Intent.EXIT else PositionFill.DEFAULT


def ending_of(reason: str) -> OrderStatus:
    """Return what a cancellation with this reason means: a refusal, unless it was asked for or ran out."""
    return _ENDINGS.get(reason, OrderStatus.REJECTED)


def client_order_id_of(given: object, account: str, order_id: str) -> str:
    """Return the client's id of an order; one that was placed without is named by its own."""
    return str(given) if given else f"{VENUE}-{account}-{order_id}"
