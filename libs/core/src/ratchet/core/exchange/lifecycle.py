"""How orders come into being, hang together and end."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID, uuid5

from ratchet.core.assets.types import Asset
from ratchet.core.exchange import admission, errors, hours, shape, trailing
from ratchet.core.exchange.shape import exits_long
from ratchet.core.exchange.types import (
    EventType,
    ExchangeOrder,
    ExchangeStatus,
    OrderClass,
    OrderRequest,
)
from ratchet.core.exchange.venue import Venue
from ratchet.core.orders.ids import exchange_order_id
from ratchet.core.orders.rows import evolve
from ratchet.core.orders.types import OrderType, Side

_NS_PER_MS = 1_000_000
_EVENT_OF = {
    ExchangeStatus.CANCELED: EventType.CANCELED,
    ExchangeStatus.EXPIRED: EventType.EXPIRED,
    ExchangeStatus.REPLACED: EventType.REPLACED,
    ExchangeStatus.REJECTED: EventType.REJECTED,
}


def new_order(venue: Venue, request: OrderRequest, asset: Asset, ts: int) -> ExchangeOrder:
    """Build the order of a request that has the right shape; nothing is stored yet."""
    order = ExchangeOrder(
        id=exchange_order_id(venue.account, request.client_order_id),
        client_order_id=request.client_order_id,
        seq=0,
        asset_id=asset.id,
        side=request.side,
        type=request.type,
        time_in_force=request.time_in_force,
        order_class=request.order_class,
        status=hours.first_status(asset, request, ts),
        qty=shape.normalized_qty(request, asset),
        notional=request.notional,
        limit_price=request.limit_price,
        stop_price=request.stop_price,
        unit_reserve=admission.unit_reserve(venue, request, asset),
        created_ts=ts,
        updated_ts=ts,
        expires_ts=hours.expiry(venue.config, asset, request, ts),
        extended_hours=request.extended_hours,
        trail_price=request.trail_price,
        trail_percent=request.trail_percent,
        arrives_ts=ts + venue.config.latency_ms.new * _NS_PER_MS,
    )
    order = admission.with_intent(venue, order, request, asset)
    return _trailing(venue, order, asset) if request.type is OrderType.TRAILING_STOP else order


def _trailing(venue: Venue, order: ExchangeOrder, asset: Asset) -> ExchangeOrder:
    mark = venue.mark_price(asset.id)
    if mark is None:
        raise errors.unprocessable(f"market price of {asset.symbol} is not available")
    if order.trail_price is not None and order.trail_price >= mark:
        raise errors.unprocessable("trail_price must be < the market price")
    order = trailing.follow(order, mark, asset)
    reserve = max(mark, order.stop_price or mark) * (1 + venue.config.market_order_buffer)
    return replace(order, unit_reserve=reserve) if order.side is Side.BUY else order


def place(venue: Venue, order: ExchangeOrder, request: OrderRequest) -> ExchangeOrder:
    """Store an admitted order with its legs and announce it."""
    if order.order_class is OrderClass.SIMPLE:
        order = venue.put(evolve(order, seq=venue.next_seq()))
        venue.emit(EventType(order.status.value), order, order.created_ts)
        return order
    order = replace(order, seq=venue.next_seq())
    legs = list(_legs(venue, order, request))
    if order.order_class is OrderClass.OCO:
        # The parent is the target itself; its one leg is the stop, working from the start.
        legs = [replace(legs[-1], status=order.status, sibling_id=order.id)]
        order = replace(order, sibling_id=legs[0].id)
    elif len(legs) == 2:
        first, second = legs
        legs = [replace(first, sibling_id=second.id), replace(second, sibling_id=first.id)]
    order = replace(order, legs=tuple(leg.id for leg in legs))
    for stored in (order, *legs):
        venue.put(stored)
    venue.emit(EventType(order.status.value), order, order.created_ts)
    return order


def _legs(venue: Venue, parent: ExchangeOrder, request: OrderRequest) -> Iterator[ExchangeOrder]:
    if request.take_profit is not None and parent.order_class is not OrderClass.OCO:
        target = replace(parent, type=OrderType.LIMIT, limit_price=request.take_profit, stop_price=None)
        yield _leg(venue, parent, target, request, "take_profit")
    if request.stop_loss is not None:
        limit = request.stop_loss.limit_price
        stop = replace(
            parent,
            type=OrderType.STOP if limit is None else OrderType.STOP_LIMIT,
            limit_price=limit,
            stop_price=request.stop_loss.stop_price,
        )
        yield _leg(venue, parent, stop, request, "stop_loss")


def _leg(
    venue: Venue, parent: ExchangeOrder, leg: ExchangeOrder, request: OrderRequest, role: str
) -> ExchangeOrder:
    client_order_id = str(uuid5(UUID(parent.id), role))
    return replace(
        leg,
        id=exchange_order_id(venue.account, client_order_id),
        client_order_id=client_order_id,
        seq=venue.next_seq(),
        side=Side.SELL if exits_long(request) else Side.BUY,
        closing=True,
        status=ExchangeStatus.HELD,
        parent_id=parent.id,
    )


def open_for_trading(venue: Venue, order: ExchangeOrder, ts: int) -> ExchangeOrder:
    """Let an order that waited for the session work."""
    if order.status is not ExchangeStatus.ACCEPTED:
        return order
    order = venue.put(evolve(order, status=ExchangeStatus.NEW, updated_ts=ts))
    venue.emit(EventType.NEW, order, ts)
    return order


def activate_legs(venue: Venue, parent: ExchangeOrder, ts: int) -> list[ExchangeOrder]:
    """Let the legs of a completely filled parent work; return them.

    What was closed by other orders in the meantime needs no exit any more.
    """
    activated: list[ExchangeOrder] = []
    qty = min(parent.filled_qty, venue.available_qty(parent.asset_id))
    for leg_id in parent.legs:
        leg = venue.book.get(leg_id)
        if leg is not None and leg.status is ExchangeStatus.HELD:
            if qty <= 0:
                close(venue, leg, ExchangeStatus.CANCELED, ts)
                continue
            leg = replace(leg, status=ExchangeStatus.NEW, qty=qty, updated_ts=ts)
            activated.append(venue.put(leg))
            venue.emit(EventType.NEW, leg, ts)
    return activated


def sync_sibling(venue: Venue, order: ExchangeOrder, ts: int) -> None:
    """After a fill of one leg, cancel or shrink the other, so that both never exceed the position."""
    sibling = venue.book.get(order.sibling_id) if order.sibling_id else None
    if sibling is None or not sibling.is_open:
        return
    if order.status is ExchangeStatus.FILLED:
        close(venue, sibling, ExchangeStatus.CANCELED, ts)
    else:
        venue.put(replace(sibling, qty=sibling.filled_qty + order.remaining_qty, updated_ts=ts))


def close(venue: Venue, order: ExchangeOrder, status: ExchangeStatus, ts: int) -> ExchangeOrder:
    """End an order as canceled, expired or rejected, and with it the group that it belongs to."""
    drop_successor(venue, order, ts)
    order = _end(venue, order, status, ts)
    for other_id in (*order.legs, order.sibling_id):
        other = venue.book.get(other_id) if other_id else None
        if other is not None and other.is_open:
            together = order.order_class is OrderClass.MLEG
            close(venue, other, status if together else ExchangeStatus.CANCELED, ts)
    return order


def drop_successor(venue: Venue, order: ExchangeOrder, ts: int) -> None:
    """Cancel the replacement that was under way for an order which has ended otherwise."""
    new = venue.book.get(order.replaced_by) if order.replaced_by else None
    if new is not None and new.status is ExchangeStatus.PENDING_NEW:
        _end(venue, new, ExchangeStatus.CANCELED, ts)


def _end(venue: Venue, order: ExchangeOrder, status: ExchangeStatus, ts: int) -> ExchangeOrder:
    if status is ExchangeStatus.EXPIRED:
        order = replace(order, status=status, updated_ts=ts, expired_ts=ts)
    elif status is ExchangeStatus.REPLACED:
        order = replace(order, status=status, updated_ts=ts, replaced_ts=ts)
    elif status is ExchangeStatus.REJECTED:
        order = replace(order, status=status, updated_ts=ts)
    else:
        order = replace(order, status=status, updated_ts=ts, canceled_ts=ts)
    venue.put(order)
    venue.emit(_EVENT_OF[status], order, ts)
    return order


def supersede(venue: Venue, old: ExchangeOrder, new: ExchangeOrder, ts: int) -> ExchangeOrder:
    """Put a replacement in an order's place, within its group too."""
    new = replace(new, seq=new.seq or venue.next_seq())
    _end(venue, replace(old, replaced_by=new.id), ExchangeStatus.REPLACED, ts)
    venue.put(new)
    venue.emit(EventType.NEW, new, ts)
    for other_id in (new.sibling_id, new.parent_id, *new.legs):
        other = venue.book.get(other_id) if other_id else None
        if other is not None:
            venue.put(_relinked(other, old.id, new.id))
    return new


def _relinked(order: ExchangeOrder, old_id: str, new_id: str) -> ExchangeOrder:
    return replace(
        order,
        sibling_id=new_id if order.sibling_id == old_id else order.sibling_id,
        parent_id=new_id if order.parent_id == old_id else order.parent_id,
        legs=tuple(new_id if leg == old_id else leg for leg in order.legs),
    )


def expire_due(venue: Venue, ts: int) -> None:
    """Expire orders whose time is over and whose last bar has been matched.

    A bar stamped later than the close may still belong to the session, so an order waits for the first bar
    at or after its expiry, at most for one bar's length.
    """
    for order in venue.book.due(ts):
        asset_id = venue.priced_by(order.asset_id)
        seen = int(venue.mark_ts[asset_id]) >= order.expires_ts
        if seen or ts >= order.expires_ts + int(venue.bar_ns[asset_id]):
            current = venue.book.get(order.id)
            if current is not None and current.is_open:
                close(venue, current, ExchangeStatus.EXPIRED, ts)
