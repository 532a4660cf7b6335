"""Cancel and replace, at once or after the time that the request is under way."""

from dataclasses import replace
from decimal import Decimal
from uuid import UUID, uuid5

from ratchet.core.assets.types import Asset
from ratchet.core.exchange import admission, errors, hours, lifecycle, shape, trailing
from ratchet.core.exchange.types import (
    EventType,
    ExchangeOrder,
    ExchangeStatus,
    OrderRequest,
    ReplaceRequest,
)
from ratchet.core.exchange.venue import Venue
from ratchet.core.orders.ids import exchange_order_id
from ratchet.core.orders.money import ZERO
from ratchet.core.orders.rows import evolve
from ratchet.core.orders.types import OrderType, Side

_NS_PER_MS = 1_000_000
_REPLACEABLE = frozenset({ExchangeStatus.NEW, ExchangeStatus.PARTIALLY_FILLED})


def cancel(venue: Venue, order: ExchangeOrder, ts: int) -> ExchangeOrder:
    """Cancel an order and its group; canceling a canceled one again succeeds, as at Alpaca."""
    if order.status is ExchangeStatus.CANCELED:
        return order
    if not order.is_open:
        raise errors.unprocessable(f'order is already in "{order.status}" state')
    if order.status is ExchangeStatus.PENDING_NEW:
        # The order that it was to replace is what is at the venue.
        order = venue.book.get(order.replaces) or order
    delay = venue.config.latency_ms.cancel * _NS_PER_MS
    if not delay or not order.is_working:
        return lifecycle.close(venue, order, ExchangeStatus.CANCELED, ts)
    if order.status is ExchangeStatus.PENDING_CANCEL:
        return order
    lifecycle.drop_successor(venue, order, ts)
    order = venue.put(
        evolve(order, status=ExchangeStatus.PENDING_CANCEL, due_ts=ts + delay, replaced_by="", updated_ts=ts)
    )
    venue.emit(EventType.PENDING_CANCEL, order, ts)
    return order


def replace_order(venue: Venue, old: ExchangeOrder, change: ReplaceRequest, ts: int) -> ExchangeOrder:
    """Replace a working order by a new one with a new id; the old one ends as replaced.

    Until it does, buying power reserves the larger of the two.
    """
    asset = venue.asset(old.asset_id)
    new = _replacement(venue, old, change, asset, ts)
    admission.check_funds(venue, new, asset, replaced=old)
    delay = venue.config.latency_ms.replace * _NS_PER_MS
    if not delay:
        return lifecycle.supersede(venue, old, new, ts)
    new = replace(new, seq=venue.next_seq(), status=ExchangeStatus.PENDING_NEW)
    larger = max(old.unit_reserve, new.unit_reserve * new.remaining_qty / old.remaining_qty)
    pending = evolve(
        old,
        status=ExchangeStatus.PENDING_REPLACE,
        due_ts=ts + delay,
        replaced_by=new.id,
        unit_reserve=larger,
        updated_ts=ts,
    )
    venue.put(pending)
    venue.put(new)
    venue.emit(EventType.PENDING_REPLACE, pending, ts)
    venue.emit(EventType.PENDING_NEW, new, ts)
    return new


def take_effect(venue: Venue, until: int) -> None:
    """Carry out cancels and replacements that arrive by an event time (ns, UTC)."""
    for order in venue.book.arrived(until):
        current = venue.book.get(order.id)
        if current is None or current.due_ts != order.due_ts or not current.is_working:
            continue
        if current.status is ExchangeStatus.PENDING_CANCEL:
            lifecycle.close(venue, current, ExchangeStatus.CANCELED, current.due_ts)
        elif current.status is ExchangeStatus.PENDING_REPLACE:
            _succeed(venue, current)


def _succeed(venue: Venue, old: ExchangeOrder) -> None:
    ts = old.due_ts
    new = venue.book.get(old.replaced_by)
    if new is None or new.qty is None or new.qty <= old.filled_qty:
        # Filled meanwhile beyond what was wanted: the replacement has nothing to do and the old order ends.
        lifecycle.close(venue, old, ExchangeStatus.CANCELED, ts)
        return
    status = ExchangeStatus.PARTIALLY_FILLED if old.filled_qty else ExchangeStatus.NEW
    carried = replace(
        new,
        status=status,
        # Its group may have changed since the request: other ids, or less to close.
        qty=min(new.qty, old.qty or new.qty) if old.sibling_id else new.qty,
        legs=old.legs,
        sibling_id=old.sibling_id,
        parent_id=old.parent_id,
        filled_qty=old.filled_qty,
        filled_notional=old.filled_notional,
        fill_count=old.fill_count,
        hwm=old.hwm if new.type is OrderType.TRAILING_STOP else None,
        updated_ts=ts,
    )
    lifecycle.supersede(venue, old, carried, ts)


def _replacement(
    venue: Venue, old: ExchangeOrder, change: ReplaceRequest, asset: Asset, ts: int
) -> ExchangeOrder:
    if old.notional is not None:
        raise errors.unprocessable("notional orders cannot be replaced")
    if old.status not in _REPLACEABLE:
        raise errors.unprocessable(f"cannot replace order in {old.status} status")
    client_order_id = change.client_order_id or str(uuid5(UUID(old.id), "replace"))
    if venue.book.is_used(client_order_id):
        raise errors.duplicate_client_order_id()
    if change.qty is not None and change.qty <= old.filled_qty:
        raise errors.unprocessable("qty must be > filled_qty")
    new = _changed(old, change, asset)
    if new == old:
        raise errors.unprocessable("order parameters are not changed")
    terms = OrderRequest(
        client_order_id,
        asset.id,
        new.side,
        new.qty,
        new.type,
        new.time_in_force,
        limit_price=new.limit_price,
        extended_hours=new.extended_hours,
    )
    shape.check_terms(terms, asset)
    hours.check_auction_window(asset, new.time_in_force, ts)
    return replace(
        new,
        id=exchange_order_id(venue.account, client_order_id),
        client_order_id=client_order_id,
        seq=0,
        unit_reserve=_unit_reserve(venue, old, new),
        created_ts=ts,
        updated_ts=ts,
        arrives_ts=ts + venue.config.latency_ms.replace * _NS_PER_MS,
        expires_ts=hours.expiry(venue.config, asset, terms, ts),
        replaces=old.id,
        rested=False,
    )


def _unit_reserve(venue: Venue, old: ExchangeOrder, new: ExchangeOrder) -> Decimal:
    buffer = 1 + venue.config.market_order_buffer
    if new.side is Side.SELL:
        return max(old.unit_reserve, new.limit_price or old.unit_reserve)
    if new.limit_price is not None:
        return new.limit_price
    moved = new.stop_price is not None and new.stop_price != old.stop_price
    return (new.stop_price or ZERO) * buffer if moved else old.unit_reserve


def _changed(old: ExchangeOrder, change: ReplaceRequest, asset: Asset) -> ExchangeOrder:
    for name, value, belongs in (
        ("limit_price", change.limit_price, old.limit_price is not None),
        ("stop_price", change.stop_price, old.stop_price is not None and old.hwm is None),
        ("trail", change.trail, old.type is OrderType.TRAILING_STOP),
    ):
        if value is not None and not belongs:
            raise errors.unprocessable(f"{old.type} orders must not have {name}")
    shape.check_price(asset, "limit_price", change.limit_price)
    shape.check_price(asset, "stop_price", change.stop_price)
    new = replace(
        old,
        qty=old.qty if change.qty is None else change.qty,
        limit_price=old.limit_price if change.limit_price is None else change.limit_price,
        stop_price=old.stop_price if change.stop_price is None else change.stop_price,
        time_in_force=change.time_in_force or old.time_in_force,
    )
    return new if change.trail is None else _retrailed(new, change.trail, asset)


def _retrailed(order: ExchangeOrder, trail: Decimal, asset: Asset) -> ExchangeOrder:
    by_price = order.trail_price is not None
    hwm = order.hwm or ZERO
    shape.check_trail("trail", trail, hwm if by_price else Decimal(100))
    price, percent = (trail, None) if by_price else (None, trail)
    stop = trailing.stop_of(order.side, hwm, price, percent, asset)
    return replace(order, trail_price=price, trail_percent=percent, stop_price=stop)
