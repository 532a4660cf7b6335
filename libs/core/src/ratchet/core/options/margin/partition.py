"""The cheapest partition of positions into groups."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from ratchet.core.options.config import MarginConfig
from ratchet.core.options.margin.candidates import candidates
from ratchet.core.options.margin.requirements import to_cents
from ratchet.core.options.margin.types import (
    Book,
    GroupKind,
    OptionLeg,
    Partition,
    StockLeg,
)

_NO_STOCK = StockLeg(0, Decimal(0), Decimal(0))
ALL_KINDS = frozenset(GroupKind)


def cheapest_partition(
    config: MarginConfig,
    legs: Iterable[OptionLeg],
    stock: StockLeg = _NO_STOCK,
    kinds: frozenset[GroupKind] = ALL_KINDS,
) -> Partition:
    """Return the groups of least requirement into which the positions of one underlying fall.

    `kinds` narrows what is recognised (an account's trading level). Where naked shorts are not allowed, as
    few contracts as possible are left uncovered, which is none in a valid book; a short put is always at
    least cash-secured. ValueError when the positions are of more than one underlying.
    """
    book = Book.of(legs, stock)
    own = to_cents(abs(stock.shares) * stock.requirement_per_share)
    allowed = kinds | {GroupKind.NAKED_CALL, GroupKind.CASH_SECURED_PUT}
    found = [group for group in candidates(config, book) if group.kind in allowed]
    if not any(group.charge < 0 for group in found) and not book.shorts():
        return Partition((), own)
    # scipy comes with it, and many a portfolio holds no options.
    from ratchet.core.options.margin.program import solve

    counts = solve(config, book, found)
    chosen = [replace(group, count=n) for group, n in zip(found, counts, strict=True) if n]
    return Partition(tuple(chosen), own)
