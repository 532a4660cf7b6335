"""Orders and positions that were made outside Ratchet."""

from decimal import Decimal

from ratchet.core.assets import Registry
from ratchet.core.orders import Intent, Order, OrderLeg, OrderStatus, Side
from ratchet.execution.venue.broker import BrokerOrder, BrokerPosition


def external_order(registry: Registry, found: BrokerOrder) -> Order | None:
    """Return our record of an order placed outside, before any execution; None for an unknown symbol."""
    if found.symbol not in registry or found.qty <= 0:
        return None
    if any(leg.symbol not in registry for leg in found.legs):
        return None
    return Order(
        client_order_id=found.client_order_id,
        asset_id=registry.by_symbol(found.symbol).id,
        side=found.side,
        qty=found.qty,
        intent=Intent.EXTERNAL,
        created_ts=found.created_ns,
        updated_ts=found.created_ns,
        type=found.type,
        time_in_force=found.time_in_force,
        limit_price=found.limit_price,
        stop_price=found.stop_price,
        trail=found.trail,
        status=OrderStatus.ACCEPTED,
        broker_order_id=found.broker_order_id,
        reason="EXTERNAL",
        legs=tuple(
            OrderLeg(
                registry.by_symbol(leg.symbol).id,
                leg.side,
                leg.ratio,
                leg.is_closing,
                None,
                leg.broker_order_id,
            )
            for leg in found.legs
        ),
    )


def adoption_order(registry: Registry, position: BrokerPosition, qty: Decimal, ts: int) -> Order:
    """Return the order that stands for `qty` (signed) of a position found at the broker."""
    return Order(
        client_order_id=f"adopted-{position.symbol}-{ts}",
        asset_id=registry.by_symbol(position.symbol).id,
        side=Side.BUY if qty > 0 else Side.SELL,
        qty=abs(qty),
        intent=Intent.EXTERNAL,
        created_ts=ts,
        updated_ts=ts,
        status=OrderStatus.ACCEPTED,
        reason="ADOPTED",
    )
