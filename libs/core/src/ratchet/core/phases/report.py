"""How phases appear in the summary of a run."""

from collections.abc import Iterable, Sequence
from typing import Any

from ratchet.core.phases.types import PhaseChange, PhaseState


def summarize_phases(states: Sequence[PhaseState], changes: Iterable[PhaseChange]) -> list[dict[str, Any]]:
    """Return each phase with its name, status and the days of its changes, JSON-able."""
    by_phase: dict[int, list[dict[str, str]]] = {state.phase: [] for state in states}
    for change in changes:
        by_phase[change.phase].append({"day": change.day.isoformat(), "status": change.to_status.value})
    return [
        {
            "phase": state.phase,
            "name": state.name,
            "status": state.status.value,
            "changes": by_phase[state.phase],
        }
        for state in states
    ]
