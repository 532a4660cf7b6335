"""Packages of two to four legs that trade as one order at one net price."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import gcd

from ratchet.core.options.contract import OptionContract
from ratchet.core.options.errors import broken, invalid
from ratchet.core.options.intents import PositionIntent
from ratchet.core.orders.types import Side

MIN_LEGS = 2
MAX_LEGS = 4


@dataclass(frozen=True, slots=True)
class PackageLeg:
    """One leg: a contract, how many of it a unit of the package holds, and what the leg does."""

    contract: OptionContract
    ratio_qty: int
    intent: PositionIntent

    @property
    def side(self) -> Side:
        """The leg's side."""
        return self.intent.side

    @property
    def signed_ratio(self) -> int:
        """Contracts that one unit adds to the position."""
        return self.ratio_qty * self.side.sign


def check_legs(legs: Sequence[PackageLeg]) -> None:
    """Refuse a package that no venue would take."""
    if not MIN_LEGS <= len(legs) <= MAX_LEGS:
        raise invalid(f"mleg orders must have between {MIN_LEGS} and {MAX_LEGS} legs, not {len(legs)}")
    if len({leg.contract.symbol for leg in legs}) != len(legs):
        raise invalid("legs of a mleg order must have unique symbols")
    if any(leg.ratio_qty < 1 for leg in legs):
        raise invalid("ratio_qty of every leg must be a positive integer")
    if gcd(*(leg.ratio_qty for leg in legs)) != 1:
        raise invalid("ratio_qty of the legs must be relatively prime: their greatest common divisor is 1")
    if len({leg.contract.underlying for leg in legs}) != 1:
        raise broken("underlying asset mismatch")


def net_price(legs: Sequence[PackageLeg], prices: Sequence[Decimal]) -> Decimal:
    """Return what one unit costs per unit of the multiplier: positive for a debit, negative for a credit."""
    return sum((leg.signed_ratio * price for leg, price in zip(legs, prices, strict=True)), Decimal(0))
