"""Circuit breakers: what stops new risk until it has calmed down or an operator has looked."""

from ratchet.core.risk.breakers.board import BreakerBoard
from ratchet.core.risk.breakers.breaker import Breaker, BreakerChange
from ratchet.core.risk.breakers.config import BreakerConfig, BreakerName, BreakersConfig

__all__ = ["Breaker", "BreakerBoard", "BreakerChange", "BreakerConfig", "BreakerName", "BreakersConfig"]
