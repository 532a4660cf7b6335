"""Risk: pre-trade limits and sizing."""

from ratchet.core.risk.types import Proposal, Verdict

__all__ = ["Proposal", "Verdict"]
