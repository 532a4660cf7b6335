"""Phases: asset classes unlocked by measured performance."""

from ratchet.core.phases.config import PhasePlan, PhasesConfig
from ratchet.core.phases.engine import PhaseChangeError, PhaseDay, PhaseEngine
from ratchet.core.phases.gate import GateItem
from ratchet.core.phases.history import ClassDay, DayFigures, PerformanceHistory
from ratchet.core.phases.report import summarize_phases
from ratchet.core.phases.sources import day_of, working_phases
from ratchet.core.phases.types import (
    PhaseChange,
    PhaseReadiness,
    PhaseRecord,
    PhaseState,
    PhaseStatus,
    Requirement,
)

__all__ = [
    "ClassDay",
    "DayFigures",
    "GateItem",
    "PerformanceHistory",
    "PhaseChange",
    "PhaseChangeError",
    "PhaseDay",
    "PhaseEngine",
    "PhasePlan",
    "PhaseReadiness",
    "PhaseRecord",
    "PhaseState",
    "PhaseStatus",
    "PhasesConfig",
    "Requirement",
    "day_of",
    "summarize_phases",
    "working_phases",
]
