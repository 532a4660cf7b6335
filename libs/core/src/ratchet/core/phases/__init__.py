"""Phases: asset classes unlocked by measured performance."""

from ratchet.core.phases.types import PhaseState, PhaseStatus

__all__ = ["PhaseState", "PhaseStatus"]
