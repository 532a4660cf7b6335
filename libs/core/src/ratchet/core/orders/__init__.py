"""Orders: ids, types and the state machine."""

from ratchet.core.orders.ids import (
    NAMESPACE,
    client_order_id,
    exchange_order_id,
    execution_id,
    proposal_id,
    signal_id,
)
from ratchet.core.orders.types import Fill, Intent, OrderStatus, OrderType, Side, TimeInForce

__all__ = [
    "NAMESPACE",
    "Fill",
    "Intent",
    "OrderStatus",
    "OrderType",
    "Side",
    "TimeInForce",
    "client_order_id",
    "exchange_order_id",
    "execution_id",
    "proposal_id",
    "signal_id",
]
