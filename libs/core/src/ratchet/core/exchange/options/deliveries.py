"""What exercise and assignment do to the books: contracts go, shares and cash come.

Account history has them in pairs, as at Alpaca: OPEXC or OPASN takes the contracts off at no price, OPTRD
trades the shares at the strike; OPCSH settles an index in cash, OPEXP ends what is worthless.
"""

from dataclasses import replace
from decimal import Decimal
from uuid import uuid5

from ratchet.core.exchange.types import Activity
from ratchet.core.exchange.venue import Venue
from ratchet.core.options.exercise import Delivery
from ratchet.core.orders.ids import NAMESPACE
from ratchet.core.orders.money import ZERO, canonical, to_money
from ratchet.core.orders.types import Side
from ratchet.core.portfolio.position import book

EXERCISE, ASSIGNMENT, EXPIRATION, CASH, TRADE = "OPEXC", "OPASN", "OPEXP", "OPCSH", "OPTRD"
_WORDS = {
    EXERCISE: "Option Exercise",
    ASSIGNMENT: "Option Assignment",
    EXPIRATION: "Option Expiry",
    CASH: "Option Cash Settlement",
    TRADE: "Option Trade",
}


def remove_contracts(venue: Venue, asset_id: int, qty: int, kind: str, delivery: Delivery, ts: int) -> None:
    """Take qty (signed) contracts off a position and book what they deliver."""
    held = venue.position(asset_id)
    removed = Decimal(qty)
    cost = held.cost if removed == held.qty else to_money(held.cost * removed / held.qty)
    in_cash = delivery.cash if not delivery.shares else ZERO
    venue.set_position(
        replace(
            held,
            qty=held.qty - removed,
            cost=held.cost - cost,
            realized_pnl=held.realized_pnl + in_cash - cost,
        )
    )
    if in_cash:
        venue.add_cash(in_cash)
    symbol = venue.asset(asset_id).symbol
    record(venue, kind, asset_id, ts, qty=-removed, money=in_cash, description=f"{_WORDS[kind]} {symbol}")
    if delivery.shares:
        _deliver(venue, asset_id, delivery, ts)


def _deliver(venue: Venue, asset_id: int, delivery: Delivery, ts: int) -> None:
    """Trade the shares at the strike: the premium stays a profit or loss of the option."""
    underlying_id = venue.priced_by(asset_id)
    side = Side.BUY if delivery.shares > 0 else Side.SELL
    shares = Decimal(abs(delivery.shares))
    booking = book(venue.position(underlying_id), side, shares, delivery.price, ts)
    venue.add_cash(booking.cash_delta)
    venue.set_position(booking.position)
    contract = venue.options.contract(asset_id)
    text = f"{canonical(shares)} {contract.underlying} at {canonical(delivery.price)} for {contract.symbol}"
    record(
        venue,
        TRADE,
        underlying_id,
        ts,
        qty=side.sign * shares,
        money=booking.cash_delta,
        price=delivery.price,
        description=text,
    )


def record(
    venue: Venue,
    kind: str,
    asset_id: int,
    ts: int,
    *,
    qty: Decimal,
    money: Decimal,
    price: Decimal = ZERO,
    description: str,
) -> None:
    """Record a row of account history; qty is what it adds to the position in the asset."""
    name = str(uuid5(NAMESPACE, f"activity|{venue.account}|{kind}|{ts}|{venue.next_seq()}"))
    side = Side.SELL if qty < 0 else Side.BUY
    venue.record(
        Activity(name, kind, ts, asset_id, "", side, qty, price, money, name, description=description)
    )
