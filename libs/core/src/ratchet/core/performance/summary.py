"""The summary of a run, the same from the cluster and from a backtest."""

import json
import math
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from ratchet.core.performance.daily import TOTAL, DailyPerformance
from ratchet.core.performance.statistics import DAYS_PER_YEAR_CRYPTO, max_drawdown, sharpe_ratio


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run did. Money is a plain number in JSON; sharpe and win_rate are None when undefined.

    `phases` holds per phase its name, status and the dates of its changes; `details` whatever else is known.
    """

    bars: int
    signals: int
    orders: int
    fills: int
    rejections: int
    equity_start: Decimal
    equity_end: Decimal
    sharpe: float | None
    max_drawdown: float
    win_rate: float | None
    phases: list[dict[str, Any]]
    elapsed_s: float
    orders_digest: str
    details: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the summary as indented JSON with a final newline."""
        record = asdict(self)
        record["equity_start"] = float(self.equity_start)
        record["equity_end"] = float(self.equity_end)
        return json.dumps(record, indent=2, allow_nan=False) + "\n"


@dataclass(frozen=True, slots=True)
class DailyFigures:
    """The figures of a summary that follow from the daily rows; None where undefined."""

    sharpe: float | None
    max_drawdown: float
    win_rate: float | None
    trades: int


def figures_of(rows: list[DailyPerformance], asset_class: str = TOTAL) -> DailyFigures:
    """Compute a summary's figures from daily rows of one class (the portfolio by default), oldest first."""
    own = [row for row in rows if row.asset_class == asset_class]
    returns = [row.return_ratio for row in own]
    trades, wins = sum(row.trades for row in own), sum(row.wins for row in own)
    sharpe = sharpe_ratio(returns, DAYS_PER_YEAR_CRYPTO)
    return DailyFigures(
        sharpe=None if math.isnan(sharpe) else sharpe,
        max_drawdown=max_drawdown(returns),
        win_rate=wins / trades if trades else None,
        trades=trades,
    )
