"""Option orders come into being, are replaced, and are forced by the broker."""

from dataclasses import replace
from decimal import Decimal
from uuid import UUID, uuid5

from ratchet.core.exchange import errors
from ratchet.core.exchange.admission import check_wash_trade, policy_of
from ratchet.core.exchange.options.admission import check_order
from ratchet.core.exchange.options.requests import LegRequest, OptionOrderRequest
from ratchet.core.exchange.options.terms import Terms, read_terms, side_of
from ratchet.core.exchange.types import (
    EventType,
    ExchangeOrder,
    ExchangeStatus,
    OrderClass,
    ReplaceRequest,
)
from ratchet.core.exchange.venue import Venue
from ratchet.core.options.intents import PositionIntent
from ratchet.core.options.packages import PackageLeg
from ratchet.core.orders.ids import NAMESPACE, exchange_order_id
from ratchet.core.orders.money import ZERO
from ratchet.core.orders.types import OrderType, TimeInForce
from ratchet.core.sessions import NEW_YORK, get_calendar

_NS_PER_MS = 1_000_000
_REPLACEABLE = frozenset({ExchangeStatus.NEW, ExchangeStatus.PARTIALLY_FILLED})


def submit(venue: Venue, request: OptionOrderRequest, ts: int) -> ExchangeOrder:
    """Take an option order at event time ts; OrderRejected says in Alpaca's words why not."""
    terms = read_terms(venue, request, ts)
    if venue.book.is_used(request.client_order_id):
        raise errors.duplicate_client_order_id()
    cost = check_order(venue, terms, request.limit_price)
    order = _parent(venue, request, terms, cost.required / terms.qty, ts)
    check_wash_trade(venue, order)
    if order.is_closing and not terms.is_package:
        policy_of(venue).check_closing(venue, order)
    return _place(venue, order, terms)


def replace_order(venue: Venue, old: ExchangeOrder, change: ReplaceRequest, ts: int) -> ExchangeOrder:
    """Replace an option order, or a package as a whole, by one of another quantity or limit price."""
    if old.parent_id:
        raise errors.unprocessable("legs of a mleg order cannot be replaced individually")
    if old.status not in _REPLACEABLE:
        raise errors.unprocessable(f"cannot replace order in {old.status} status")
    if change.stop_price is not None or change.trail is not None:
        raise errors.unprocessable(f"{old.type} orders must not have stop_price or trail")
    if change.limit_price is not None and old.limit_price is None:
        raise errors.unprocessable(f"{old.type} orders must not have limit_price")
    request = _changed_request(venue, old, change)
    if venue.book.is_used(request.client_order_id):
        raise errors.duplicate_client_order_id()
    if (request.qty, request.limit_price) == (old.qty, old.limit_price):
        raise errors.unprocessable("order parameters are not changed")
    if request.qty is not None and request.qty <= old.filled_qty:
        raise errors.unprocessable("qty must be > filled_qty")
    terms = read_terms(venue, request, ts)
    rest = Terms(terms.legs, terms.qty - int(old.filled_qty), terms.is_package)
    cost = check_order(venue, rest, request.limit_price, replaced=old)
    new = _parent(venue, request, terms, cost.required / rest.qty, ts)
    new = replace(
        new,
        status=old.status,
        replaces=old.id,
        filled_qty=old.filled_qty,
        filled_notional=old.filled_notional,
        fill_count=old.fill_count,
    )
    _retire(venue, old, new, ts)
    return _place(venue, new, terms, carried=old)


def force_close(venue: Venue, asset_id: int, qty: Decimal, ts: int, why: str) -> ExchangeOrder:
    """Place the broker's own market order that closes part of a position, and return it."""
    contract = venue.options.contract(asset_id)
    sells = venue.position(asset_id).qty > 0
    name = str(uuid5(NAMESPACE, f"{why}|{venue.account}|{asset_id}|{ts}|{venue.seq}"))
    intent = PositionIntent.SELL_TO_CLOSE if sells else PositionIntent.BUY_TO_CLOSE
    terms = Terms((PackageLeg(contract, 1, intent),), int(qty), is_package=False)
    request = OptionOrderRequest(name, qty, symbol=contract.symbol, side=intent.side, intent=intent)
    return _place(venue, _parent(venue, request, terms, ZERO, ts), terms)


def _changed_request(venue: Venue, old: ExchangeOrder, change: ReplaceRequest) -> OptionOrderRequest:
    legs = [leg for leg in (venue.book.get(order_id) for order_id in old.legs) if leg is not None]
    return OptionOrderRequest(
        client_order_id=change.client_order_id or str(uuid5(UUID(old.id), "replace")),
        qty=old.qty if change.qty is None else change.qty,
        type=old.type,
        time_in_force=change.time_in_force or old.time_in_force,
        symbol="" if legs else venue.asset(old.asset_id).symbol,
        side=None if legs else old.side,
        limit_price=old.limit_price if change.limit_price is None else change.limit_price,
        legs=tuple(
            LegRequest(venue.asset(leg.asset_id).symbol, Decimal(leg.ratio_qty), leg.side) for leg in legs
        ),
    )


def _parent(
    venue: Venue, request: OptionOrderRequest, terms: Terms, unit_reserve: Decimal, ts: int
) -> ExchangeOrder:
    calendar = get_calendar(NEW_YORK)
    return ExchangeOrder(
        id=exchange_order_id(venue.account, request.client_order_id),
        client_order_id=request.client_order_id,
        seq=0,
        asset_id=venue.options.adopt(terms.legs[0].contract),
        side=side_of(terms.legs),
        type=OrderType.MARKET if request.limit_price is None else OrderType.LIMIT,
        time_in_force=TimeInForce.DAY,
        order_class=OrderClass.MLEG if terms.is_package else OrderClass.SIMPLE,
        status=ExchangeStatus.NEW if calendar.is_open(ts) else ExchangeStatus.ACCEPTED,
        qty=Decimal(terms.qty),
        notional=None,
        limit_price=request.limit_price,
        stop_price=None,
        unit_reserve=unit_reserve,
        created_ts=ts,
        updated_ts=ts,
        expires_ts=calendar.day_end(ts),
        closing=not terms.is_package and not terms.legs[0].intent.is_opening,
        arrives_ts=ts + venue.config.latency_ms.new * _NS_PER_MS,
    )


def _place(
    venue: Venue, order: ExchangeOrder, terms: Terms, carried: ExchangeOrder | None = None
) -> ExchangeOrder:
    order = replace(order, seq=venue.next_seq())
    legs: list[ExchangeOrder] = []
    if terms.is_package:
        before = [venue.book.get(order_id) for order_id in carried.legs] if carried is not None else []
        legs = [_leg(venue, order, leg, number) for number, leg in enumerate(terms.legs)]
        legs = [_carry(leg, old) for leg, old in zip(legs, before, strict=True)] if before else legs
        order = replace(order, legs=tuple(leg.id for leg in legs))
    for stored in (order, *legs):
        venue.put(stored)
    kind = EventType.NEW if carried is not None else EventType(order.status.value)
    venue.emit(kind, order, order.created_ts)
    return order


def _leg(venue: Venue, parent: ExchangeOrder, leg: PackageLeg, number: int) -> ExchangeOrder:
    client_order_id = str(uuid5(UUID(parent.id), f"leg {number}"))
    return replace(
        parent,
        id=exchange_order_id(venue.account, client_order_id),
        client_order_id=client_order_id,
        seq=venue.next_seq(),
        asset_id=venue.options.adopt(leg.contract),
        side=leg.side,
        qty=(parent.qty or ZERO) * leg.ratio_qty,
        limit_price=None,
        unit_reserve=ZERO,
        closing=not leg.intent.is_opening,
        parent_id=parent.id,
        legs=(),
        ratio_qty=leg.ratio_qty,
        replaces="",
        filled_qty=ZERO,
        filled_notional=ZERO,
        fill_count=0,
    )


def _carry(leg: ExchangeOrder, old: ExchangeOrder | None) -> ExchangeOrder:
    if old is None:
        return leg
    return replace(
        leg, filled_qty=old.filled_qty, filled_notional=old.filled_notional, fill_count=old.fill_count
    )


def _retire(venue: Venue, old: ExchangeOrder, new: ExchangeOrder, ts: int) -> None:
    ended = replace(old, status=ExchangeStatus.REPLACED, replaced_by=new.id, replaced_ts=ts, updated_ts=ts)
    venue.put(ended)
    for leg_id in old.legs:
        leg = venue.book.get(leg_id)
        if leg is not None and leg.is_open:
            venue.put(replace(leg, status=ExchangeStatus.REPLACED, replaced_ts=ts, updated_ts=ts))
    venue.emit(EventType.REPLACED, ended, ts)
