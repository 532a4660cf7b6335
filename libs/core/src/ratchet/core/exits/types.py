"""The vocabulary of exits."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class ExitReason(StrEnum):
    """Why a position is reduced or closed."""

    STOP_LOSS = "STOP_LOSS"
    TRAILING_STOP = "TRAILING_STOP"
    BREAK_EVEN = "BREAK_EVEN"
    TAKE_PROFIT = "TAKE_PROFIT"
    TIME_STOP = "TIME_STOP"
    PARTIAL_PROFIT = "PARTIAL_PROFIT"
    SIGNAL = "SIGNAL"
    PHASE_LOCKED = "PHASE_LOCKED"


@dataclass(frozen=True, slots=True)
class ExitDecision:
    """Reduce a position by qty (positive, a multiple of the asset's increment) at the next chance."""

    asset_id: int
    qty: Decimal
    reason: ExitReason


@dataclass(frozen=True, slots=True)
class ExitView:
    """One position and the bar that has just ended, as an exit rule sees it.

    `side` is 1 long, -1 short. `adverse` and `close` are gains against the entry price at the bar's worst
    price and close: 0.05 is 5 % of profit on either side. `best` is the best gain before this bar.
    `atr_ratio` is ATR over the entry price, NaN while warming up; `regime` as in MarketContext.
    """

    side: int
    adverse: float
    close: float
    best: float
    held_ns: int
    stop_loss_ratio: float
    max_holding_days: float | None
    atr_ratio: float
    regime: int
