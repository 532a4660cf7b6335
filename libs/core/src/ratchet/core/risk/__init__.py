"""Risk: pre-trade limits and sizing."""

from ratchet.core.risk.config import RiskConfig
from ratchet.core.risk.engine import Exposure, RiskEngine
from ratchet.core.risk.reasons import Reason, reasons_table
from ratchet.core.risk.types import Proposal, Verdict

__all__ = [
    "Exposure",
    "Proposal",
    "Reason",
    "RiskConfig",
    "RiskEngine",
    "Verdict",
    "reasons_table",
]
