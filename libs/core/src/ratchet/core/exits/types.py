"""The vocabulary of exits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum


class ExitReason(StrEnum):
    """Why a position is reduced or closed."""

    STOP_LOSS = "STOP_LOSS"
    TRAILING_STOP = "TRAILING_STOP"
    BREAK_EVEN = "BREAK_EVEN"
    TAKE_PROFIT = "TAKE_PROFIT"
    EXIT_SCORE = "EXIT_SCORE"
    TIME_STOP = "TIME_STOP"
    PARTIAL_PROFIT = "PARTIAL_PROFIT"
    SIGNAL = "SIGNAL"
    PHASE_LOCKED = "PHASE_LOCKED"


@dataclass(frozen=True, slots=True)
class ExitDecision:
    """Reduce a position by qty (positive, a multiple of the asset's increment) at the next chance.

    `figures` explain it: gains, distances and the exit score with its components.
    """

    asset_id: int
    qty: Decimal
    reason: ExitReason
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExitView:
    """One position and the bar that has just ended, as an exit rule sees it.

    `side` is 1 long, -1 short. `adverse` and `close` are gains against the entry price at the bar's worst
    price and close: 0.05 is 5 % of profit on either side. `best` is the best gain before this bar.
    `atr_ratio` is ATR over the entry price, `volatility` the standard deviation of a bar's return, `pip_stop`
    the stop distance in pips over the entry price; each NaN where unknown. Regime and scores as in
    MarketContext.
    """

    side: int
    adverse: float
    close: float
    best: float
    held_ns: int
    stop_loss_ratio: float
    max_holding_days: float | None
    atr_ratio: float
    volatility: float
    pip_stop: float
    regime: int
    technical: float
    model: float
    pattern: float
