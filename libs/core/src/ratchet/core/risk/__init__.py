"""Risk: pre-trade limits and sizing, circuit breakers, and measures of a portfolio's risk."""

from ratchet.core.risk.breakers import BreakerBoard, BreakerChange, BreakerConfig, BreakersConfig
from ratchet.core.risk.config import RiskConfig
from ratchet.core.risk.context import AssetFacts, Greeks, RiskContext, TradeRecord
from ratchet.core.risk.engine import Exposure, RiskEngine
from ratchet.core.risk.reasons import Reason, reasons_table
from ratchet.core.risk.types import Proposal, Verdict

__all__ = [
    "AssetFacts",
    "BreakerBoard",
    "BreakerChange",
    "BreakerConfig",
    "BreakersConfig",
    "Exposure",
    "Greeks",
    "Proposal",
    "Reason",
    "RiskConfig",
    "RiskContext",
    "RiskEngine",
    "TradeRecord",
    "Verdict",
    "reasons_table",
]
