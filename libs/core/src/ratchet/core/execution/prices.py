"""Prices of child orders, rounded to the tick in a stated direction.

Passive prices are rounded *with* the trader: a buy down, a sell up, so that the order never pays more than
was computed. Aggressive prices are rounded *against* the trader: a buy up, a sell down, so that a price meant
to cross does cross. The parent's limit is applied last and always wins.
"""

from decimal import Decimal
from enum import StrEnum

from ratchet.core.execution.types import MarketView
from ratchet.core.orders import Side
from ratchet.core.orders.money import ceil_to, floor_to


class Peg(StrEnum):
    """What a passive price follows: the midpoint, or the best price of the order's own side."""

    MID = "mid"
    NEAR = "near"


def passive(price: Decimal, tick: Decimal, side: Side) -> Decimal:
    """Round with the trader: a buy down, a sell up."""
    return floor_to(price, tick) if side is Side.BUY else ceil_to(price, tick)


def aggressive(price: Decimal, tick: Decimal, side: Side) -> Decimal:
    """Round against the trader: a buy up, a sell down."""
    return ceil_to(price, tick) if side is Side.BUY else floor_to(price, tick)


def within(price: Decimal, limit: Decimal | None, side: Side) -> Decimal:
    """Return the price, or the limit where the price is worse for the trader."""
    if limit is None:
        return price
    return min(price, limit) if side is Side.BUY else max(price, limit)


def pegged(view: MarketView, peg: Peg, side: Side, tick: Decimal) -> Decimal | None:
    """Return the passive price at the peg; None while the market does not show it."""
    near = view.bid if side is Side.BUY else view.ask
    price = view.mid if peg is Peg.MID else near
    if price is None:
        return None
    rounded = passive(price, tick, side)
    return rounded if rounded > 0 else None
