"""Performance: daily rows, statistics and the summary of a run."""

from ratchet.core.performance.daily import TOTAL, DailyPerformance
from ratchet.core.performance.statistics import (
    DAYS_PER_YEAR_CRYPTO,
    DAYS_PER_YEAR_EXCHANGE,
    cagr,
    calmar_ratio,
    drawdown,
    exposure,
    max_drawdown,
    periods_per_year,
    profit_factor,
    returns_of,
    sharpe_ratio,
    sortino_ratio,
    total_return,
    volatility,
    win_rate,
)
from ratchet.core.performance.summary import DailyFigures, Summary, figures_of

__all__ = [
    "DAYS_PER_YEAR_CRYPTO",
    "DAYS_PER_YEAR_EXCHANGE",
    "TOTAL",
    "DailyFigures",
    "DailyPerformance",
    "Summary",
    "cagr",
    "calmar_ratio",
    "drawdown",
    "exposure",
    "figures_of",
    "max_drawdown",
    "periods_per_year",
    "profit_factor",
    "returns_of",
    "sharpe_ratio",
    "sortino_ratio",
    "total_return",
    "volatility",
    "win_rate",
]
