"""Positions of one underlying, and the groups into which margin rules sort them.

A requirement is what cash and stock must cover. Premiums are in cash already, so options' own value counts
nothing on the other side: a long option adds none, a short one takes none off.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import cached_property

from ratchet.core.options.contract import OptionContract


class GroupKind(StrEnum):
    """The groups that margin rules recognise; long options outside any group need nothing."""

    COVERED_CALL = "covered_call"
    PROTECTIVE_PUT = "protective_put"
    COLLAR = "collar"
    CASH_SECURED_PUT = "cash_secured_put"
    VERTICAL = "vertical"
    CALENDAR = "calendar"
    DIAGONAL = "diagonal"
    BUTTERFLY = "butterfly"
    CONDOR = "condor"
    IRON_BUTTERFLY = "iron_butterfly"
    IRON_CONDOR = "iron_condor"
    BOX = "box"
    STRADDLE = "straddle"
    STRANGLE = "strangle"
    NAKED_CALL = "naked_call"
    NAKED_PUT = "naked_put"


@dataclass(frozen=True, slots=True)
class OptionLeg:
    """A position in one contract: signed quantity, and the price at which it would be bought back."""

    contract: OptionContract
    qty: int
    mark: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class StockLeg:
    """Shares of the underlying: signed quantity, price, and what one share requires when it stands alone."""

    shares: int
    price: Decimal
    requirement_per_share: Decimal


@dataclass(frozen=True, slots=True)
class Group:
    """`count` times the same unit: symbols with signed unit quantities, and one unit's charge in money.

    The charge of a group with shares is what the options add to the shares' own requirement; it is negative
    where a long put protects them.
    """

    kind: GroupKind
    legs: tuple[tuple[str, int], ...]
    charge: Decimal
    count: int = 1


@dataclass(frozen=True)
class Partition:
    """Groups of least total charge, and the requirement of the shares themselves."""

    groups: tuple[Group, ...]
    stock_requirement: Decimal

    @cached_property
    def requirement(self) -> Decimal:
        """The total requirement in money."""
        charges = sum((group.charge * group.count for group in self.groups), Decimal(0))
        return self.stock_requirement + charges

    @property
    def uncovered(self) -> tuple[Group, ...]:
        """Groups whose loss has no bound."""
        return tuple(group for group in self.groups if group.kind in UNCOVERED)

    @property
    def locked_shares(self) -> int:
        """Shares that stand behind short calls and cannot be sold."""
        return sum(
            group.count * sum(qty for symbol, qty in group.legs if symbol == STOCK)
            for group in self.groups
            if group.kind in {GroupKind.COVERED_CALL, GroupKind.COLLAR}
        )


UNCOVERED = frozenset({GroupKind.NAKED_CALL, GroupKind.NAKED_PUT, GroupKind.STRADDLE, GroupKind.STRANGLE})
STOCK = "stock"


@dataclass(frozen=True)
class Book:
    """Positions with one leg per contract, in one order however they were given."""

    legs: tuple[OptionLeg, ...]
    stock: StockLeg
    by_symbol: dict[str, OptionLeg] = field(repr=False)

    @classmethod
    def of(cls, legs: Iterable[OptionLeg], stock: StockLeg) -> "Book":
        """Net legs by contract, drop what is flat, and sort."""
        given = list(legs)
        if len({leg.contract.underlying for leg in given}) > 1:
            raise ValueError("positions of different underlyings cannot be margined together")
        totals: Counter[str] = Counter()
        for leg in given:
            totals[leg.contract.symbol] += leg.qty
        latest = {leg.contract.symbol: leg for leg in given}
        kept = tuple(
            OptionLeg(latest[symbol].contract, totals[symbol], latest[symbol].mark)
            for symbol in sorted(latest)
            if totals[symbol]
        )
        return cls(kept, stock, {leg.contract.symbol: leg for leg in kept})

    def longs(self) -> list[OptionLeg]:
        """Return the long legs."""
        return [leg for leg in self.legs if leg.qty > 0]

    def shorts(self) -> list[OptionLeg]:
        """Return the short legs."""
        return [leg for leg in self.legs if leg.qty < 0]
