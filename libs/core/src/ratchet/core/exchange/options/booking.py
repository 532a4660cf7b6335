"""One execution in options, booked: cash, position, order, event and account history.

A position in options counts in money per contract, so that the arithmetic of positions serves for it as it
is; orders, events and FILL rows state the premium.
"""

from dataclasses import replace
from decimal import Decimal

from ratchet.core.exchange.fees import option_fee
from ratchet.core.exchange.types import Activity, EventType, ExchangeEvent, ExchangeOrder, ExchangeStatus
from ratchet.core.exchange.venue import Venue
from ratchet.core.orders.ids import execution_id
from ratchet.core.orders.money import ZERO, canonical, notional
from ratchet.core.orders.rows import evolve
from ratchet.core.orders.types import Side
from ratchet.core.portfolio.position import Booking, book


def contract_fee(venue: Venue, side: Side, qty: Decimal) -> Decimal:
    """Return the regulatory and clearing fees of an execution, rounded up to the cent."""
    return option_fee(side, qty, venue.config)


def book_execution(
    venue: Venue, order: ExchangeOrder, qty: Decimal, price: Decimal, ts: int
) -> ExchangeOrder:
    """Book qty contracts at a premium and return the order after it."""
    multiplier = venue.options.contract(order.asset_id).multiplier
    fee = contract_fee(venue, order.side, qty)
    money = price * multiplier
    booking = book(venue.position(order.asset_id), order.side, qty, money, ts, fee)
    venue.add_cash(booking.cash_delta)
    venue.set_position(booking.position)
    venue.fees_paid += fee
    if venue.config.margin != "cash":
        _remember(venue, order, booking)
    filled = fill(order, qty, price, ts)
    venue.put(filled)
    event = ExchangeEvent(
        EventType.FILL if filled.status is ExchangeStatus.FILLED else EventType.PARTIAL_FILL,
        filled,
        ts,
        price,
        qty,
        execution_id(order.id, order.fill_count),
        booking.position.qty,
        fee,
    )
    venue.events.append(event)
    if venue.dirty is not None:
        _record(venue, event, qty, price, notional(qty, money), fee)
    return filled


def fill(order: ExchangeOrder, qty: Decimal, price: Decimal, ts: int) -> ExchangeOrder:
    """Return an order after an execution."""
    done = order.filled_qty + qty == order.qty
    pending = order.status in {ExchangeStatus.PENDING_CANCEL, ExchangeStatus.PENDING_REPLACE}
    rest = order.status if pending else ExchangeStatus.PARTIALLY_FILLED
    return evolve(
        order,
        status=ExchangeStatus.FILLED if done else rest,
        filled_qty=order.filled_qty + qty,
        filled_notional=order.filled_notional + notional(qty, price),
        fill_count=order.fill_count + 1,
        filled_ts=ts if done else 0,
        updated_ts=ts,
    )


def _remember(venue: Venue, order: ExchangeOrder, booking: Booking) -> None:
    """Note a day trade: a contract closed on the day on which it was opened."""
    state = venue.margin
    if booking.closed_qty and order.asset_id in state.opened_today:
        state.day_trades[state.day] = state.day_trades.get(state.day, 0) + 1
        state.opened_today.discard(order.asset_id)
    if booking.opened_qty:
        state.opened_today.add(order.asset_id)


def _record(
    venue: Venue, event: ExchangeEvent, qty: Decimal, price: Decimal, money: Decimal, fee: Decimal
) -> None:
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
        -order.side.sign * money,
        event.execution_id,
        order.filled_qty,
        order.remaining_qty,
        order.status.value,
        fee=fee,
    )
    venue.record(row)
    if fee:
        name = venue.asset(order.asset_id).symbol
        venue.record(
            replace(
                row,
                id=execution_id(event.execution_id, 0),
                type="FEE",
                qty=ZERO,
                net_amount=-fee,
                cum_qty=ZERO,
                leaves_qty=ZERO,
                order_status="",
                fee=ZERO,
                description=f"fee of {canonical(qty)} {name}",
            )
        )
