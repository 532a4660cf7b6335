"""What can be learned about an order, and the errors of news that contradicts what is known."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from ratchet.core.orders.money import ZERO
from ratchet.core.orders.order import Order


class OrderEventKind(StrEnum):
    """What was learned about an order.

    Of our own requests: UNANSWERED to RESENT, and the CANCEL_ and REPLACE_ kinds. The venue's word for the
    order's state: ACCEPTED to UNRECOGNISED while it lives, CANCELED to REPLACED when it has ended.
    """

    UNANSWERED = "unanswered"
    RESENT = "resent"
    CANCEL_REQUESTED = "cancel_requested"
    CANCEL_REJECTED = "cancel_rejected"
    CANCEL_UNANSWERED = "cancel_unanswered"
    REPLACE_REQUESTED = "replace_requested"
    REPLACE_REJECTED = "replace_rejected"
    REPLACE_UNANSWERED = "replace_unanswered"
    ACCEPTED = "accepted"
    HELD = "held"
    SUSPENDED = "suspended"
    CANCEL_PENDING = "cancel_pending"
    REPLACE_PENDING = "replace_pending"
    UNRECOGNISED = "unrecognised"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class OrderUpdate:
    """One piece of news. For FILLED: qty and price of this execution, cumulative_qty after it.

    `venue_ts` is the venue's own time of a word on the state (ns, UTC), by which late news is told from
    new; 0 where the caller hands over news in order. `replaced_by` comes with REPLACED.
    """

    kind: OrderEventKind
    ts: int
    qty: Decimal = ZERO
    price: Decimal = ZERO
    cumulative_qty: Decimal = ZERO
    broker_order_id: str = ""
    reason: str = ""
    venue_ts: int = 0
    replaced_by: str = ""


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
