"""One execution, booked: cash, position, order, margin history, event and account history."""

from dataclasses import replace
from decimal import Decimal

from ratchet.core.assets.types import Asset, AssetClass
from ratchet.core.exchange.config import EQUITIES
from ratchet.core.exchange.fees import Fee, fee_for
from ratchet.core.exchange.lifecycle import close, drop_successor
from ratchet.core.exchange.margin.rates import initial_rate
from ratchet.core.exchange.shape import is_whole
from ratchet.core.exchange.types import Activity, EventType, ExchangeEvent, ExchangeOrder, ExchangeStatus
from ratchet.core.exchange.venue import Venue
from ratchet.core.orders.ids import execution_id
from ratchet.core.orders.money import ZERO, canonical, floor_to, notional, to_money
from ratchet.core.orders.rows import evolve
from ratchet.core.orders.types import Side
from ratchet.core.portfolio.position import Booking, book

_ONE = Decimal(1)


def closable(venue: Venue, order: ExchangeOrder, ts: int) -> Decimal | None:
    """Return how much an order may still execute, None if it has nothing left to close and was canceled.

    A closing order never takes a position beyond flat, whatever happened to it since the order was taken.
    """
    if not order.is_closing:
        return order.remaining_qty
    held = -order.side.sign * venue.position(order.asset_id).qty
    if held <= 0:
        close(venue, order, ExchangeStatus.CANCELED, ts)
        return None
    return min(order.remaining_qty, held)


def lot_of(order: ExchangeOrder, asset: Asset) -> Decimal:
    """Return the smallest part in which an order may execute: whole shares where a short is involved."""
    shorts = (order.side is Side.SELL) is not order.is_closing
    return max(_ONE, asset.qty_increment) if shorts else asset.qty_increment


def random_lot(order: ExchangeOrder, asset: Asset) -> Decimal:
    """Return the lot of a random partial fill: orders of whole shares fill in whole shares."""
    whole = asset.asset_class in EQUITIES and is_whole(order.qty)
    return max(_ONE, asset.qty_increment) if whole else asset.qty_increment


def cut(qty: Decimal, available: Decimal, lot: Decimal) -> Decimal:
    """Return the part of qty that `available` allows, in whole lots if it is cut."""
    return qty if qty <= available else floor_to(available, lot)


def book_execution(
    venue: Venue, asset: Asset, order: ExchangeOrder, qty: Decimal, price: Decimal, ts: int, is_maker: bool
) -> ExchangeOrder:
    """Book qty at price and return the order after it."""
    fee = fee_for(asset, order.side, qty, price, ts, venue.config, is_maker)
    booking = book(venue.position(order.asset_id), order.side, qty, price, ts, fee.amount, fee.in_base)
    venue.add_cash(booking.cash_delta)
    venue.set_position(booking.position)
    venue.fees_paid += notional(fee.amount, price) if fee.in_base else fee.amount
    if venue.config.margin != "cash":
        _remember(venue, asset, order, booking, price)
    done = order.filled_qty + qty == order.qty
    filled = evolve(
        order,
        status=ExchangeStatus.FILLED if done else _status_of_rest(order),
        filled_qty=order.filled_qty + qty,
        filled_notional=order.filled_notional + notional(qty, price),
        fill_count=order.fill_count + 1,
        filled_ts=ts if done else 0,
        updated_ts=ts,
    )
    venue.put(filled)
    if done:
        drop_successor(venue, filled, ts)
    event = ExchangeEvent(
        EventType.FILL if done else EventType.PARTIAL_FILL,
        filled,
        ts,
        price,
        qty,
        execution_id(order.id, order.fill_count),
        booking.position.qty,
        fee.amount,
        fee.in_base,
    )
    venue.events.append(event)
    if venue.dirty is not None:
        _record(venue, asset, event, price, qty, fee)
    return filled


def _status_of_rest(order: ExchangeOrder) -> ExchangeStatus:
    pending = {ExchangeStatus.PENDING_CANCEL, ExchangeStatus.PENDING_REPLACE}
    return order.status if order.status in pending else ExchangeStatus.PARTIALLY_FILLED


def _remember(venue: Venue, asset: Asset, order: ExchangeOrder, booking: Booking, price: Decimal) -> None:
    """Keep the special memorandum account and, for securities, what was opened and closed today."""
    state = venue.margin
    is_long = booking.position.qty > 0 or (not booking.position.qty and order.side is Side.SELL)
    change = booking.closed_money - booking.opened_money
    state.sma += to_money(change * initial_rate(asset, price, is_long))
    if asset.asset_class not in EQUITIES:
        return
    if booking.closed_qty and asset.id in state.opened_today:
        state.day_trades[state.day] = state.day_trades.get(state.day, 0) + 1
        state.opened_today.discard(asset.id)
    if booking.opened_qty:
        state.opened_today.add(asset.id)


def _record(venue: Venue, asset: Asset, event: ExchangeEvent, price: Decimal, qty: Decimal, fee: Fee) -> None:
    order = event.order
    row = Activity(
        event.execution_id,
        "FILL",
        event.ts,
        order.asset_id,
        order.id,
        order.side,
        qty,
        price,
        -order.side.sign * notional(qty, price),
        event.execution_id,
        order.filled_qty,
        order.remaining_qty,
        order.status.value,
        fee=fee.amount,
        fee_in_base=fee.in_base,
    )
    venue.record(row)
    if not fee.amount:
        return
    crypto = fee.in_base or asset.asset_class is AssetClass.CRYPTO
    venue.record(
        replace(
            row,
            id=execution_id(event.execution_id, 0),
            type="CFEE" if crypto else "FEE",
            qty=-fee.amount if fee.in_base else ZERO,
            net_amount=ZERO if fee.in_base else -fee.amount,
            cum_qty=ZERO,
            leaves_qty=ZERO,
            order_status="",
            fee=ZERO,
            fee_in_base=False,
            description=f"fee of {canonical(qty)} {asset.symbol}",
        )
    )
