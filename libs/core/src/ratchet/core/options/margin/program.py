"""The integer program behind a partition, solved to optimality.

Each candidate group has a count. The counts use up every short contract exactly, and no long contract or
share more than once; their total charge is minimal. Greedy matching, largest pattern first, can leave a
covered short without its cover and charge it as naked; an optimum cannot.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from ratchet.core.options.config import MarginConfig
from ratchet.core.options.margin.types import STOCK, UNCOVERED, Book, Group


def solve(config: MarginConfig, book: Book, found: Sequence[Group]) -> list[int]:
    """Return how often each candidate group is in the cheapest partition of the book."""
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
