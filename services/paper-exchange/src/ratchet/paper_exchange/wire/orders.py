"""Orders and trade updates on the wire."""

from collections.abc import Callable
from typing import Any

from ratchet.core.assets import Asset, AssetClass
from ratchet.core.exchange import ExchangeEvent, ExchangeOrder, ExchangeStatus, OrderClass
from ratchet.paper_exchange.wire.assets import asset_uuid, wire_class
from ratchet.paper_exchange.wire.values import number, optional_number, optional_time, rfc3339

Find = Callable[[str], ExchangeOrder | None]
AssetOf = Callable[[int], Asset]
# What a package as a whole does not have.
_NOT_OF_A_PACKAGE = ("asset_id", "symbol", "asset_class", "side", "position_intent")


def order_json(
    order: ExchangeOrder, asset: Asset, legs: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Build the order object; legs are given for nested views."""
    body = {
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
        "ratio_qty": str(order.ratio_qty) if order.ratio_qty else None,
    }
    if asset.asset_class is AssetClass.OPTION:
        body |= _option_fields(order)
    return body


def _option_fields(order: ExchangeOrder) -> dict[str, Any]:
    """Return what Alpaca states otherwise for options: the class in words, and what packages lack."""
    if order.order_class is not OrderClass.MLEG:
        return {"order_class": "simple"}
    if order.parent_id:
        return {"type": "", "order_type": ""}
    return dict.fromkeys(_NOT_OF_A_PACKAGE, "")


def nested_json(order: ExchangeOrder, asset_of: AssetOf, find: Find) -> dict[str, Any]:
    """Build the order object with its legs rolled up."""
    legs = [find(leg) for leg in order.legs]
    shown = [order_json(leg, asset_of(leg.asset_id)) for leg in legs if leg is not None]
    return order_json(order, asset_of(order.asset_id), shown or None)


def update_json(event: ExchangeEvent, asset_of: AssetOf, find: Find) -> dict[str, Any]:
    """Build the data of one trade update; price, qty and position_qty belong to executions only."""
    order = event.order
    is_package = order.order_class is OrderClass.MLEG and not order.parent_id
    shown = nested_json(order, asset_of, find) if is_package else order_json(order, asset_of(order.asset_id))
    data: dict[str, Any] = {"event": event.type.value, "timestamp": rfc3339(event.ts), "order": shown}
    if event.execution_id:
        data["execution_id"] = event.execution_id
    if event.is_execution:
        data |= {
            "price": optional_number(event.price),
            "qty": optional_number(event.qty),
            "position_qty": optional_number(event.position_qty),
            # As in the FILL activity: Alpaca itself tells no fee here.
            "fee": optional_number(event.fee),
            "fee_in_base": event.fee_in_base,
        }
    return data
