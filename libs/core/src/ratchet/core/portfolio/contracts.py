"""Option contracts in a portfolio: prices are premiums, money is the premium times the multiplier.

As with margined assets, `cost` and average price of a position stay in the terms of its prices; cash and
profit are money. So a position shows what the venue shows, and a snapshot's rate turns it into money.
"""

from dataclasses import replace
from decimal import Decimal

from ratchet.core.assets.contracts import multiplier_of
from ratchet.core.orders.types import Fill
from ratchet.core.portfolio.position import Booking, Position, book


def book_contracts(position: Position, fill: Fill) -> Booking:
    """Apply one execution in contracts; its fee is money."""
    multiplier = Decimal(multiplier_of(fill.asset_id))
    booking = book(position, fill.side, fill.qty, fill.price, fill.ts)
    realized = booking.realized_pnl * multiplier - fill.fee
    after = replace(booking.position, realized_pnl=position.realized_pnl + realized)
    return replace(
        booking,
        position=after,
        cash_delta=booking.cash_delta * multiplier - fill.fee,
        realized_pnl=realized,
    )
