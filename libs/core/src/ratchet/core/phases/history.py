"""Daily figures of a portfolio, as the gates see them."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from ratchet.core.assets import AssetClass
from ratchet.core.performance import TOTAL, DailyPerformance

Classes = tuple[AssetClass, ...]


@dataclass(frozen=True, slots=True)
class ClassDay:
    """One class on one day: profit after costs in the account currency, closed trades won and lost."""

    profit: float = 0.0
    wins: int = 0
    losses: int = 0


@dataclass(frozen=True, slots=True)
class DayFigures:
    """One UTC day of a portfolio: equity at its start and end, and what each class contributed."""

    day: date
    equity_start: float
    equity_end: float
    by_class: Mapping[AssetClass, ClassDay] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Sequence[DailyPerformance]) -> "DayFigures":
        """Build one day from its rows, of which one is the total; ValueError when they are mixed."""
        by_name = {row.asset_class: row for row in rows}
        if TOTAL not in by_name or len({row.date for row in rows}) != 1:
            raise ValueError(f"rows must be of one day and hold the total, not {sorted(by_name)}")
        total = by_name.pop(TOTAL)
        return cls(
            day=date.fromisoformat(total.date),
            equity_start=float(total.day_start_equity),
            equity_end=float(total.equity),
            by_class={
                AssetClass(name): ClassDay(float(row.pnl), row.wins, row.trades - row.wins)
                for name, row in by_name.items()
            },
        )

    def profit(self, classes: Classes) -> float:
        """Return the profit of these classes, of everything when there are none."""
        if not classes:
            return self.equity_end - self.equity_start
        return sum(self.by_class[key].profit for key in classes if key in self.by_class)

    def trades(self, classes: Classes) -> tuple[int, int]:
        """Return the closed trades won and lost, of these classes or of all."""
        rows = [row for key, row in self.by_class.items() if not classes or key in classes]
        return sum(row.wins for row in rows), sum(row.losses for row in rows)


@dataclass(slots=True)
class _Totals:
    rows: int = 0
    profitable: int = 0
    wins: int = 0
    losses: int = 0


class PerformanceHistory:
    """Calendar days in order; a day without figures is one without profit."""

    def __init__(self, days: Iterable[DayFigures] = ()) -> None:
        self._days: list[DayFigures] = []
        self._totals: dict[Classes, _Totals] = {}
        for day in days:
            self.append(day)

    def __len__(self) -> int:
        return len(self._days)

    @property
    def last_day(self) -> date | None:
        """Return the last day, None when empty."""
        return self._days[-1].day if self._days else None

    @property
    def equity(self) -> float:
        """Return the last equity, 0 when empty."""
        return self._days[-1].equity_end if self._days else 0.0

    def append(self, figures: DayFigures) -> None:
        """Add a later day, and the quiet days before it; ValueError when it is not later or not finite."""
        if not (math.isfinite(figures.equity_start) and math.isfinite(figures.equity_end)):
            raise ValueError(f"equity on {figures.day} is not finite")
        last = self.last_day
        if last is not None and figures.day <= last:
            raise ValueError(f"day {figures.day} is not later than {last}")
        while last is not None and (last := last + timedelta(days=1)) < figures.day:
            self._days.append(DayFigures(last, self.equity, self.equity))
        self._days.append(figures)

    def profitable_days(self, classes: Classes) -> int:
        """Return on how many days these classes together made money."""
        return self._total(classes).profitable

    def trades(self, classes: Classes) -> tuple[int, int]:
        """Return all closed trades won and lost."""
        total = self._total(classes)
        return total.wins, total.losses

    def returns(self, classes: Classes, window_days: int, since: date | None = None) -> NDArray[np.float64]:
        """Return daily returns on the day's starting equity, at most the last `window_days` of them.

        With `since`, only days from then on.
        """
        rows = self._days[-window_days:]
        return np.array(
            [
                row.profit(classes) / row.equity_start if row.equity_start > 0.0 else 0.0
                for row in rows
                if since is None or row.day >= since
            ],
            dtype=np.float64,
        )

    def _total(self, classes: Classes) -> _Totals:
        total = self._totals.setdefault(classes, _Totals())
        for row in self._days[total.rows :]:
            wins, losses = row.trades(classes)
            total.profitable += row.profit(classes) > 0.0
            total.wins += wins
            total.losses += losses
        total.rows = len(self._days)
        return total
