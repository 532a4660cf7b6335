"""What became of the price after each exit, so that one can learn whether it was right."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Self

import numpy as np

from ratchet.core.exits.lookup import rows_of
from ratchet.core.market import BarBatch
from ratchet.core.orders.rows import from_row, to_row


@dataclass(frozen=True, slots=True)
class ExitOutcome:
    """One exit and the bars after it; `exit_price` is the close at which it was decided.

    `gain_ratio` is a fraction of the entry price, the ratios after the exit are fractions of the exit price.
    `after_best_ratio` and `after_worst_ratio` are the best and worst of what staying would have brought, on
    the position's side; `after_close_ratio` what it would have brought at the last of `bars` bars: above 0,
    the exit came too early. `complete` is False while bars are still to come.
    """

    id: str
    asset_id: int
    ts: int
    side: int
    qty: Decimal
    reason: str
    entry_price: float
    exit_price: float
    gain_ratio: float
    held_ns: int
    figures: Mapping[str, float] = field(default_factory=dict)
    bars: int = 0
    after_best_ratio: float = 0.0
    after_worst_ratio: float = 0.0
    after_close_ratio: float = 0.0
    complete: bool = False

    def after(self, high: float, low: float, close: float, horizon: int) -> "ExitOutcome":
        """Return the outcome one bar later."""
        best, worst = (high, low) if self.side > 0 else (low, high)
        return replace(
            self,
            bars=self.bars + 1,
            after_best_ratio=max(self.after_best_ratio, self._gain(best)),
            after_worst_ratio=min(self.after_worst_ratio, self._gain(worst)),
            after_close_ratio=self._gain(close),
            complete=self.bars + 1 >= horizon,
        )

    def _gain(self, price: float) -> float:
        return self.side * (price / self.exit_price - 1.0)


class OutcomeBook:
    """Follows exits for `horizon` bars of their asset; holds only those that are not complete."""

    def __init__(self, horizon: int, followed: Iterable[ExitOutcome] = ()) -> None:
        self._horizon = horizon
        self._followed = {outcome.id: outcome for outcome in followed}

    def __len__(self) -> int:
        return len(self._followed)

    def follow(self, outcome: ExitOutcome) -> None:
        """Follow an exit from its asset's next bar on; one that is followed already is left alone."""
        self._followed.setdefault(outcome.id, outcome)

    def update(self, bars: Sequence[BarBatch]) -> list[ExitOutcome]:
        """Take the bars of a step; return the exits that are complete with it, oldest first."""
        if not self._followed:
            return []
        waiting = list(self._followed.values())
        ids = np.array([outcome.asset_id for outcome in waiting], dtype=np.int64)
        for batch in bars:
            for i, row in rows_of(batch.asset_ids, ids):
                if batch.ts > waiting[i].ts:
                    prices = float(batch.high[row]), float(batch.low[row]), float(batch.close[row])
                    waiting[i] = waiting[i].after(*prices, self._horizon)
        self._followed = {outcome.id: outcome for outcome in waiting if not outcome.complete}
        return [outcome for outcome in waiting if outcome.complete]

    def to_json(self) -> list[dict[str, Any]]:
        """Return plain JSON types."""
        return [to_row(outcome) for outcome in self._followed.values()]

    @classmethod
    def from_json(cls, horizon: int, rows: Iterable[dict[str, Any]]) -> Self:
        """Read what `to_json` wrote."""
        return cls(horizon, [from_row(ExitOutcome, row) for row in rows])
