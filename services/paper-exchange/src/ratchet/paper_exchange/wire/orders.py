"""Orders and trade updates on the wire."""

from collections.abc import Callable, Iterable
from typing import Any

from ratchet.core.assets import Asset, Registry
from ratchet.core.exchange import ExchangeEvent, ExchangeOrder, ExchangeStatus, OrderClass
from ratchet.paper_exchange.wire.assets import asset_uuid, wire_class
from ratchet.paper_exchange.wire.values import number, optional_number, optional_time, rfc3339

Find = Callable[[str], ExchangeOrder | None]


def order_json(
    order: ExchangeOrder, asset: Asset, legs: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Build the order object; legs are given for nested views."""
    return {
        "id": order.id,
        "client_order_id": order.client_order_id,
        "created_at": rfc3339(order.created_ts),
        "updated_at": rfc3339(order.updated_ts),
        "submitted_at": rfc3339(order.created_ts),
        "filled_at": optional_time(order.filled_ts),
        "expired_at": optional_time(order.expired_ts),
        "expires_at": optional_time(order.expires_ts),
        "canceled_at": optional_time(order.canceled_ts),
        "failed_at": optional_time(order.updated_ts if order.status is ExchangeStatus.REJECTED else None),
        "replaced_at": optional_time(order.replaced_ts),
        "replaced_by": order.replaced_by or None,
        "replaces": order.replaces or None,
        "asset_id": asset_uuid(asset),
        "symbol": asset.symbol,
        "asset_class": wire_class(asset),
        "notional": optional_number(order.notional),
        "qty": None if order.notional is not None else optional_number(order.qty),
        "filled_qty": number(order.filled_qty),
        "filled_avg_price": optional_number(order.filled_avg_price),
        "order_class": "" if order.order_class is OrderClass.SIMPLE else order.order_class.value,
        "order_type": order.type.value,
        "type": order.type.value,
        "side": order.side.value,
        "position_intent": f"{order.side.value}_to_{'close' if order.is_closing else 'open'}",
        "time_in_force": order.time_in_force.value,
        "limit_price": optional_number(order.limit_price),
        "stop_price": optional_number(order.stop_price),
        "status": order.status.value,
        "extended_hours": order.extended_hours,
        "legs": legs,
        "trail_percent": optional_number(order.trail_percent),
        "trail_price": optional_number(order.trail_price),
        "hwm": optional_number(order.hwm),
        "ratio_qty": None,
    }


def nested_json(order: ExchangeOrder, registry: Registry, find: Find) -> dict[str, Any]:
    """Build the order object with its legs rolled up."""
    legs = [find(leg) for leg in order.legs]
    shown = [order_json(leg, registry[leg.asset_id]) for leg in legs if leg is not None]
    return order_json(order, registry[order.asset_id], shown or None)


def update_json(event: ExchangeEvent, asset: Asset) -> dict[str, Any]:
    """Build the data of one trade update; price, qty and position_qty belong to executions only."""
    data: dict[str, Any] = {
        "event": event.type.value,
        "timestamp": rfc3339(event.ts),
        "order": order_json(event.order, asset),
    }
    if event.execution_id:
        data["execution_id"] = event.execution_id
    if event.is_execution:
        data |= {
            "price": optional_number(event.price),
            "qty": optional_number(event.qty),
            "position_qty": optional_number(event.position_qty),
        }
    return data


def stream_messages(events: Iterable[ExchangeEvent], registry: Registry) -> list[dict[str, Any]]:
    """Build the data of trade updates, in order."""
    return [update_json(event, registry[event.order.asset_id]) for event in events]
