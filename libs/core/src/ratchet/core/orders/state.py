"""The order state machine, as one table.

    pending_new --> accepted --> partially_filled --> filled
         |             |                |
         |             +-- pending_cancel --> canceled
         +--> unknown (sent, no answer) --> any of the above, or resent --> pending_new

Errors:
    OrderStateError      any of the following
      IllegalTransition  the event cannot happen in this state
      OverfillError      more was filled than was ordered
      MissedFillError    the cumulative quantity says that an execution before this one was not seen

A repeated event changes nothing: an execution is known by its cumulative quantity, all else by the state
that it leads to. Fills win over every other news: the venue executed, so an order that we hold for canceled
or expired still books them.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from ratchet.core.orders.money import ZERO, notional
from ratchet.core.orders.order import Order
from ratchet.core.orders.types import OrderStatus


class OrderEventKind(StrEnum):
    """What was learned about an order."""

    ACCEPTED = "accepted"
    UNANSWERED = "unanswered"
    RESENT = "resent"
    FILLED = "filled"
    CANCEL_REQUESTED = "cancel_requested"
    CANCEL_REJECTED = "cancel_rejected"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class OrderUpdate:
    """One piece of news. For FILLED: qty and price of this execution, cumulative_qty after it."""

    kind: OrderEventKind
    ts: int
    qty: Decimal = ZERO
    price: Decimal = ZERO
    cumulative_qty: Decimal = ZERO
    broker_order_id: str = ""
    reason: str = ""


class OrderStateError(Exception):
    """News that contradicts what is known of an order; the broker must be asked."""

    def __init__(self, order: Order, message: str) -> None:
        super().__init__(f"order {order.client_order_id} is {order.status}: {message}")
        self.order = order


class IllegalTransition(OrderStateError):  # noqa: N818 - a transition, not an error in the code
    """The event cannot happen in the order's state."""


class OverfillError(OrderStateError):
    """More was filled than was ordered."""


class MissedFillError(OrderStateError):
    """An execution before this one was not seen."""


_S, _K = OrderStatus, OrderEventKind

# Status after an event; a status that maps to itself takes the event as a repetition. FILLED is handled
# apart, because its outcome depends on quantities.
_AFTER: dict[OrderStatus, dict[OrderEventKind, OrderStatus]] = {
    _S.PENDING_NEW: {
        _K.ACCEPTED: _S.ACCEPTED,
        _K.UNANSWERED: _S.UNKNOWN,
        _K.RESENT: _S.PENDING_NEW,
        _K.CANCELED: _S.CANCELED,
        _K.EXPIRED: _S.EXPIRED,
        _K.REJECTED: _S.REJECTED,
    },
    _S.UNKNOWN: {
        _K.ACCEPTED: _S.ACCEPTED,
        _K.UNANSWERED: _S.UNKNOWN,
        _K.RESENT: _S.PENDING_NEW,
        _K.CANCELED: _S.CANCELED,
        _K.EXPIRED: _S.EXPIRED,
        _K.REJECTED: _S.REJECTED,
    },
    _S.ACCEPTED: {
        _K.ACCEPTED: _S.ACCEPTED,
        _K.CANCEL_REQUESTED: _S.PENDING_CANCEL,
        _K.CANCEL_REJECTED: _S.ACCEPTED,
        _K.CANCELED: _S.CANCELED,
        _K.EXPIRED: _S.EXPIRED,
        _K.REJECTED: _S.REJECTED,
    },
    _S.PARTIALLY_FILLED: {
        _K.ACCEPTED: _S.PARTIALLY_FILLED,
        _K.CANCEL_REQUESTED: _S.PENDING_CANCEL,
        _K.CANCEL_REJECTED: _S.PARTIALLY_FILLED,
        _K.CANCELED: _S.CANCELED,
        _K.EXPIRED: _S.EXPIRED,
    },
    _S.PENDING_CANCEL: {
        _K.ACCEPTED: _S.PENDING_CANCEL,
        _K.CANCEL_REQUESTED: _S.PENDING_CANCEL,
        _K.CANCEL_REJECTED: _S.ACCEPTED,
        _K.CANCELED: _S.CANCELED,
        _K.EXPIRED: _S.EXPIRED,
        _K.REJECTED: _S.REJECTED,
    },
    _S.FILLED: {
        _K.ACCEPTED: _S.FILLED,
        _K.CANCEL_REJECTED: _S.FILLED,
    },
    _S.CANCELED: {
        _K.ACCEPTED: _S.CANCELED,
        _K.CANCEL_REJECTED: _S.CANCELED,
        _K.CANCELED: _S.CANCELED,
    },
    _S.EXPIRED: {
        _K.ACCEPTED: _S.EXPIRED,
        _K.CANCEL_REJECTED: _S.EXPIRED,
        _K.EXPIRED: _S.EXPIRED,
    },
    _S.REJECTED: {_K.REJECTED: _S.REJECTED},
}

_NO_FILLS_IN = frozenset({_S.REJECTED})
_KEEPS_STATUS_WHEN_FILLED = frozenset({_S.PENDING_CANCEL, _S.CANCELED, _S.EXPIRED})


def can_follow(status: OrderStatus, kind: OrderEventKind) -> bool:
    """Say whether an event may happen in a state, as a change or as a repetition."""
    return status not in _NO_FILLS_IN if kind is _K.FILLED else kind in _AFTER[status]


def advance(order: Order, update: OrderUpdate) -> Order:
    """Return the order after a piece of news; the same object when it is a repetition.

    Raises IllegalTransition, OverfillError or MissedFillError; the order is then unchanged.
    """
    if update.kind is _K.FILLED:
        return _fill(order, update)
    after = _AFTER[order.status].get(update.kind)
    if after is None:
        raise IllegalTransition(order, f"it cannot be {update.kind}")
    if after is _S.ACCEPTED and order.filled_qty:
        after = _S.PARTIALLY_FILLED
    broker_order_id = order.broker_order_id or update.broker_order_id
    if after is order.status and broker_order_id == order.broker_order_id:
        return order
    return replace(
        order,
        status=after,
        broker_order_id=broker_order_id,
        reason=update.reason or order.reason,
        updated_ts=max(order.updated_ts, update.ts),
    )


def _fill(order: Order, update: OrderUpdate) -> Order:
    if order.status in _NO_FILLS_IN:
        raise IllegalTransition(order, f"it cannot be {update.kind}")
    if update.qty <= 0 or update.price <= 0:
        raise IllegalTransition(
            order, f"a fill needs a positive qty and price, not {update.qty} at {update.price}"
        )
    total = update.cumulative_qty
    if total > order.qty:
        raise OverfillError(order, f"{total} filled of {order.qty} ordered")
    if total <= order.filled_qty:
        return order
    if total != order.filled_qty + update.qty:
        raise MissedFillError(
            order,
            f"{total} filled in all after an execution of {update.qty}, but {order.filled_qty} seen before",
        )
    if total == order.qty:
        status = _S.FILLED
    else:
        status = order.status if order.status in _KEEPS_STATUS_WHEN_FILLED else _S.PARTIALLY_FILLED
    return replace(
        order,
        status=status,
        filled_qty=total,
        filled_notional=order.filled_notional + notional(update.qty, update.price),
        broker_order_id=order.broker_order_id or update.broker_order_id,
        updated_ts=max(order.updated_ts, update.ts),
    )
