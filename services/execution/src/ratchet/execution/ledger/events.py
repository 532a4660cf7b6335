"""Order events: what the ledger keeps of every change and what the outbox tells the other services."""

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from uuid import uuid5

from ratchet.common.codec import encode_decimal, encode_fill
from ratchet.core.orders import NAMESPACE, Fill, Order
from ratchet.v1 import orders_pb2

_RETURNING = frozenset(
    {"held", "suspended", "pending_cancel", "pending_replace", "unknown"},
)


@dataclass(frozen=True, slots=True)
class OrderChange:
    """An order after a change, its status before, and the execution if that was the change."""

    order: Order
    from_status: str
    source: str
    fill: Fill | None = None
    realized_pnl: Decimal = Decimal(0)
    detail: str = ""

    @property
    def id(self) -> str:
        """The same change always has the same id, however often it is learned.

        States that an order can be in more than once are told apart by the request and the time.
        """
        what = self.fill.execution_id if self.fill else f"{self.from_status}>{self.order.status}"
        if (
            not self.fill
            and not self.order.is_terminal
            and {self.from_status, self.order.status} & _RETURNING
        ):
            what += f"#{self.order.writes}@{self.order.updated_ts}"
        return _id_of(f"order-event|{self.order.client_order_id}|{what}")


@lru_cache(maxsize=256)
def _id_of(name: str) -> str:
    """Return the id of a change, which its event, its row and its message ask for."""
    return str(uuid5(NAMESPACE, name))


def encode_order(order: Order) -> orders_pb2.Order:
    """Encode an order as the services see it."""
    return orders_pb2.Order(
        client_order_id=order.client_order_id,
        broker_order_id=order.broker_order_id,
        asset_id=order.asset_id,
        side=order.side,
        type=order.type,
        time_in_force=order.time_in_force,
        qty=encode_decimal(order.qty),
        limit_price=encode_decimal(order.limit_price),
        stop_price=encode_decimal(order.stop_price),
        status=order.status,
        filled_qty=encode_decimal(order.filled_qty),
        filled_avg_price=encode_decimal(order.filled_avg_price),
        intent=order.intent,
        reason=order.reason,
        signal_id=order.signal_id,
        created_ns=order.created_ts,
        updated_ns=order.updated_ts,
        unanswered=order.unanswered,
        replaces=order.replaces,
        replaced_by=order.replaced_by,
        trail_price=encode_decimal(order.trail.price if order.trail else None),
        trail_percent=encode_decimal(order.trail.percent if order.trail else None),
        legs=[orders_pb2.Leg(asset_id=leg.asset_id, side=leg.side, ratio=leg.ratio) for leg in order.legs],
    )


def encode_change(change: OrderChange, portfolio: str) -> orders_pb2.OrderEvent:
    """Encode one change for the stream of order events."""
    event = orders_pb2.OrderEvent(
        id=change.id,
        ts_ns=change.order.updated_ts,
        portfolio=portfolio,
        order=encode_order(change.order),
        from_status=change.from_status,
    )
    if change.fill is not None:
        event.fill.CopyFrom(encode_fill(change.fill))
        event.fill.realized_pnl = encode_decimal(change.realized_pnl)
    return event
