"""Exits: when an open position is reduced or closed."""

from ratchet.core.exits.config import ExitConfig, ExitScoreConfig, PartialExit
from ratchet.core.exits.engine import ExitEngine
from ratchet.core.exits.outcomes import ExitOutcome, OutcomeBook
from ratchet.core.exits.state import ExitState, ExitStates
from ratchet.core.exits.types import ExitDecision, ExitReason

__all__ = [
    "ExitConfig",
    "ExitDecision",
    "ExitEngine",
    "ExitOutcome",
    "ExitReason",
    "ExitScoreConfig",
    "ExitState",
    "ExitStates",
    "OutcomeBook",
    "PartialExit",
]
