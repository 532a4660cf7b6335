"""Chance, repeatably: the n-th draw of an account depends on its seed and n alone, so only n is kept."""

import hashlib
from decimal import Decimal

from ratchet.core.exchange.venue import Venue
from ratchet.core.orders.money import floor_to

_SCALE = Decimal(2**64)


def draw(venue: Venue) -> Decimal:
    """Return the next number in [0, 1)."""
    text = f"{venue.config.seed}|{venue.account}|{venue.draws}"
    venue.draws += 1
    venue.touch()
    return Decimal(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")) / _SCALE


def perhaps_partial(venue: Venue, qty: Decimal, increment: Decimal) -> Decimal:
    """Return the part of an eligible fill that is executed now: all, or at random some of it."""
    if not venue.config.partial_fill_ratio or draw(venue) >= venue.config.partial_fill_ratio:
        return qty
    part = floor_to(qty * draw(venue), increment)
    return part if 0 < part < qty else qty
