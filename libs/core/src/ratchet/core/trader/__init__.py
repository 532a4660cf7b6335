"""The trader: the step from market and portfolio to orders, the same in execution and in a backtest."""

from ratchet.core.trader.parents import ParentBook, ParentStep
from ratchet.core.trader.protection import PROTECTIVE_STOP, Protection, is_protective
from ratchet.core.trader.session import TradingSession
from ratchet.core.trader.trader import ENTRY_REASON, Trader
from ratchet.core.trader.types import DayClose, Decision

__all__ = [
    "ENTRY_REASON",
    "PROTECTIVE_STOP",
    "DayClose",
    "Decision",
    "ParentBook",
    "ParentStep",
    "Protection",
    "Trader",
    "TradingSession",
    "is_protective",
]
