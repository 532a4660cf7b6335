"""The vocabulary of phases."""

from dataclasses import dataclass
from enum import StrEnum


class PhaseStatus(StrEnum):
    """active trades freely, reduce_only may only close, locked does not trade."""

    LOCKED = "locked"
    ACTIVE = "active"
    REDUCE_ONLY = "reduce_only"


@dataclass(frozen=True, slots=True)
class PhaseState:
    """Where one phase stands."""

    phase: int
    name: str
    status: PhaseStatus
