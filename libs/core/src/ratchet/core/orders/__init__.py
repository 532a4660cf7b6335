"""Orders: ids, types and the state machine."""

from ratchet.core.orders.types import Fill, Intent, OrderStatus, OrderType, Side, TimeInForce

__all__ = ["Fill", "Intent", "OrderStatus", "OrderType", "Side", "TimeInForce"]
