"""Performance of one UTC day, for one asset class or for the whole portfolio."""

from dataclasses import dataclass
from decimal import Decimal

TOTAL = "total"


@dataclass(frozen=True, slots=True)
class DailyPerformance:
    """One row per day and class; the class `total` is the whole portfolio.

    `date` is YYYY-MM-DD (UTC). `pnl` is realised plus the change of unrealised profit, net of fees, and
    `return_ratio` relates it to the portfolio's equity at the start of the day, so that the classes' returns
    add up to the total's. `equity` is the portfolio's at the close. A trade is a round trip closed that day.
    """

    date: str
    asset_class: str
    pnl: Decimal
    return_ratio: float
    equity: Decimal
    day_start_equity: Decimal
    trades: int
    wins: int
