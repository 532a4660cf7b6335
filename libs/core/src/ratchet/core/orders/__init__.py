"""Orders: ids, types, the state machine and the digest of a run."""

from ratchet.core.orders.digest import FillRow, OrderRow, orders_digest
from ratchet.core.orders.ids import (
    NAMESPACE,
    child_order_id,
    client_order_id,
    exchange_order_id,
    execution_id,
    proposal_id,
    signal_id,
)
from ratchet.core.orders.news import (
    IllegalTransition,
    MissedFillError,
    OrderEventKind,
    OrderStateError,
    OrderUpdate,
    OverfillError,
)
from ratchet.core.orders.order import TERMINAL, Order, OrderLeg, Trail
from ratchet.core.orders.state import advance, can_follow
from ratchet.core.orders.types import Fill, Intent, OrderStatus, OrderType, Side, TimeInForce, Write

__all__ = [
    "NAMESPACE",
    "TERMINAL",
    "Fill",
    "FillRow",
    "IllegalTransition",
    "Intent",
    "MissedFillError",
    "Order",
    "OrderEventKind",
    "OrderLeg",
    "OrderRow",
    "OrderStateError",
    "OrderStatus",
    "OrderType",
    "OrderUpdate",
    "OverfillError",
    "Side",
    "TimeInForce",
    "Trail",
    "Write",
    "advance",
    "can_follow",
    "child_order_id",
    "client_order_id",
    "exchange_order_id",
    "execution_id",
    "orders_digest",
    "proposal_id",
    "signal_id",
]
