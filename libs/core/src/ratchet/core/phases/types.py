"""The vocabulary of phases. Days are UTC."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any


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


@dataclass(frozen=True, slots=True)
class PhaseRecord:
    """What is remembered of a phase from day to day; JSON-able.

    `since` is the day of the last change of status, `active_since` of the last activation. `gate_days`
    counts the days in a row that its gate was met while active, `breach_days` those below its floor,
    `recovery_days` those with the gate met while reduce-only. `evaluated` is the last day counted.
    """

    phase: int
    status: PhaseStatus
    since: date | None = None
    active_since: date | None = None
    gate_days: int = 0
    breach_days: int = 0
    recovery_days: int = 0
    evaluated: date | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "phase": self.phase,
            "status": self.status.value,
            "since": self.since.isoformat() if self.since else None,
            "active_since": self.active_since.isoformat() if self.active_since else None,
            "gate_days": self.gate_days,
            "breach_days": self.breach_days,
            "recovery_days": self.recovery_days,
            "evaluated": self.evaluated.isoformat() if self.evaluated else None,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "PhaseRecord":
        """Read what `to_json` wrote."""

        def day(name: str) -> date | None:
            return date.fromisoformat(data[name]) if data.get(name) else None

        return cls(
            phase=int(data["phase"]),
            status=PhaseStatus(data["status"]),
            since=day("since"),
            active_since=day("active_since"),
            gate_days=int(data.get("gate_days", 0)),
            breach_days=int(data.get("breach_days", 0)),
            recovery_days=int(data.get("recovery_days", 0)),
            evaluated=day("evaluated"),
        )


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition of a gate or floor, with the figure behind it."""

    name: str
    threshold: float
    current: float
    met: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class PhaseReadiness:
    """A phase against its gate; ready when every requirement is met."""

    state: PhaseState
    ready: bool
    requirements: tuple[Requirement, ...]


@dataclass(frozen=True, slots=True)
class PhaseChange:
    """A change of status, with the figures behind it."""

    day: date
    phase: int
    name: str
    from_status: PhaseStatus
    to_status: PhaseStatus
    reason: str
    requirements: tuple[Requirement, ...] = ()

    @property
    def state(self) -> PhaseState:
        """Return where the phase stands after the change."""
        return PhaseState(self.phase, self.name, self.to_status)
