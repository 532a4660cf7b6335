"""The cheapest partition of positions into groups: an integer program, solved to optimality.

Each candidate group has a count. The counts use up every short contract exactly, and no long contract or
share more than once; their total charge is minimal. Greedy matching, largest pattern first, can leave a
covered short without its cover and charge it as naked; an optimum cannot.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from ratchet.core.options.config import MarginConfig
from ratchet.core.options.margin.candidates import candidates
from ratchet.core.options.margin.requirements import to_cents
from ratchet.core.options.margin.types import (
    STOCK,
    UNCOVERED,
    Book,
    Group,
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
    counts = _solve(config, book, found)
    chosen = [replace(group, count=n) for group, n in zip(found, counts, strict=True) if n]
    return Partition(tuple(chosen), own)


def _solve(config: MarginConfig, book: Book, found: Sequence[Group]) -> list[int]:
    uses, lower, upper = _constraints(book, found)
    charges = np.array([float(group.charge * 100) for group in found])
    naked = np.array([float(group.kind in UNCOVERED) for group in found])
    constraints = [LinearConstraint(uses, lower, upper)]
    if not config.allow_naked and naked.any():
        fewest = _minimise(naked, constraints) @ naked
        constraints.append(LinearConstraint(naked.reshape(1, -1), fewest, fewest))
    return [int(count) for count in _minimise(charges, constraints)]


def _constraints(
    book: Book, found: Sequence[Group]
) -> tuple[csr_array, NDArray[np.float64], NDArray[np.float64]]:
    rows = {symbol: number for number, symbol in enumerate(book.by_symbol)}
    rows[STOCK] = len(rows)
    entries = [
        (abs(qty), rows[symbol], column) for column, group in enumerate(found) for symbol, qty in group.legs
    ]
    values, at_rows, at_columns = zip(*entries, strict=True)
    uses = csr_array((values, (at_rows, at_columns)), shape=(len(rows), len(found)), dtype=np.float64)
    upper = np.array([float(abs(leg.qty)) for leg in book.legs] + [float(max(book.stock.shares, 0))])
    is_short = np.array([leg.qty < 0 for leg in book.legs] + [False])
    return uses, np.where(is_short, upper, 0.0), upper


def _minimise(cost: NDArray[np.float64], constraints: Sequence[LinearConstraint]) -> NDArray[np.float64]:
    result = milp(
        cost,
        constraints=constraints,
        integrality=np.ones(len(cost)),
        bounds=Bounds(0, np.inf),
        options={"mip_rel_gap": 0.0},
    )
    if result.x is None:
        raise RuntimeError(f"the grouping of positions was not solved: {result.message}")
    return np.asarray(np.round(result.x), dtype=np.float64)
