"""The table of requirements: one a file, registered with a decorator under the name used in the plan."""

import functools
import pkgutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from importlib import import_module

from ratchet.core.phases.gate import GateItem
from ratchet.core.phases.history import PerformanceHistory
from ratchet.core.phases.types import PhaseRecord, Requirement


@dataclass(frozen=True, slots=True)
class Facts:
    """What a requirement may look at.

    `since` is given for floors only: it cuts the history, and a window that is not complete yet is not held
    against the phase.
    """

    phase: int
    day: date
    history: PerformanceHistory
    records: Mapping[int, PhaseRecord]
    working_phases: Collection[int]
    since: date | None = None


Measure = Callable[[GateItem, Facts], Requirement]

_measures: dict[str, tuple[bool, Measure]] = {}


def requirement(name: str, *, windowed: bool = False) -> Callable[[Measure], Measure]:
    """Register a requirement; `windowed` ones need window_days in the plan."""

    def register(measure: Measure) -> Measure:
        _measures[name] = (windowed, measure)
        return measure

    return register


@functools.cache
def _load() -> dict[str, tuple[bool, Measure]]:
    package = "ratchet.core.phases.requirements"
    for info in pkgutil.iter_modules(import_module(package).__path__):
        import_module(f"{package}.{info.name}")
    return _measures


def check_item(phase_name: str, item: GateItem) -> None:
    """Raise ValueError for a requirement that does not exist or lacks its window."""
    known = _load()
    if item.requirement not in known:
        raise ValueError(
            f"phase {phase_name}: requirement {item.requirement!r} is not one of {', '.join(sorted(known))}"
        )
    if known[item.requirement][0] and item.window_days is None:
        raise ValueError(f"phase {phase_name}: requirement {item.requirement!r} needs window_days")


def measure(item: GateItem, facts: Facts) -> Requirement:
    """Measure one requirement."""
    return _load()[item.requirement][1](item, facts)
