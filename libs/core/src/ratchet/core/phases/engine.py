"""The phase engine: measures gates and floors once a day and moves phases by at most one step.

Active phases are always the first ones of the plan: a phase is activated only when the one before it is
active, and one that loses its predecessor becomes reduce-only with it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from ratchet.core.phases.config import PhasePlan, PhasesConfig
from ratchet.core.phases.gate import GateItem
from ratchet.core.phases.history import PerformanceHistory
from ratchet.core.phases.rulebook import Facts, measure
from ratchet.core.phases.types import (
    PhaseChange,
    PhaseReadiness,
    PhaseRecord,
    PhaseState,
    PhaseStatus,
    Requirement,
)

ACTIVE, REDUCE_ONLY, LOCKED = PhaseStatus.ACTIVE, PhaseStatus.REDUCE_ONLY, PhaseStatus.LOCKED


class PhaseChangeError(ValueError):
    """A change by hand that the plan does not allow."""


@dataclass(frozen=True, slots=True)
class PhaseDay:
    """The outcome of one day: readiness as measured, records and states after the changes."""

    readiness: tuple[PhaseReadiness, ...]
    records: tuple[PhaseRecord, ...]
    changes: tuple[PhaseChange, ...]


class PhaseEngine:
    """Stateless: what is remembered from day to day is in the records."""

    def __init__(self, config: PhasesConfig) -> None:
        self.config = config

    def initial(self) -> tuple[PhaseRecord, ...]:
        """Return the records before the first day: phases without a gate are active."""
        records = []
        open_so_far = True
        for plan in self.config.phases:
            open_so_far = open_so_far and not plan.gate
            records.append(PhaseRecord(plan.phase, ACTIVE if open_so_far else LOCKED))
        return tuple(records)

    def states(self, records: Sequence[PhaseRecord]) -> tuple[PhaseState, ...]:
        """Return where each phase stands, as risk needs it."""
        return tuple(
            PhaseState(plan.phase, plan.name, record.status)
            for plan, record in zip(self.config.phases, records, strict=True)
        )

    def evaluate(
        self,
        day: date,
        history: PerformanceHistory,
        records: Sequence[PhaseRecord],
        working_phases: Collection[int],
    ) -> tuple[PhaseReadiness, ...]:
        """Measure every phase's gate at the end of `day`; `working_phases` have a working data source."""
        by_phase = {record.phase: record for record in records}
        return tuple(
            self._readiness(plan, Facts(plan.phase, day, history, by_phase, working_phases))
            for plan in self.config.phases
        )

    def step(
        self,
        day: date,
        history: PerformanceHistory,
        records: Sequence[PhaseRecord],
        working_phases: Collection[int],
        *,
        auto: bool,
    ) -> PhaseDay:
        """Measure the day that has ended and change what has to change; the same day twice changes nothing.

        Demotion is always automatic, activation only with `auto`.
        """
        readiness = self.evaluate(day, history, records, working_phases)
        if any(record.evaluated is not None and record.evaluated >= day for record in records):
            return PhaseDay(readiness, tuple(records), ())
        before = {record.phase: record for record in records}
        after: dict[int, PhaseRecord] = {}
        changes: list[PhaseChange] = []
        for plan, ready in zip(self.config.phases, readiness, strict=True):
            facts = Facts(plan.phase, day, history, before, working_phases)
            floor = self._floor(plan, facts)
            counted = self._count(before[plan.phase], ready, floor, day)
            status, reason = self._next(plan, counted, ready, floor, before, after, day, auto)
            after[plan.phase] = counted
            if status is not counted.status:
                figures = ready.requirements if status is ACTIVE else floor
                changes.append(_change(plan, counted, status, day, reason, figures))
                after[plan.phase] = _moved(counted, status, day)
        return PhaseDay(readiness, tuple(after[plan.phase] for plan in self.config.phases), tuple(changes))

    def activate(
        self,
        phase: int,
        day: date,
        readiness: Sequence[PhaseReadiness],
        records: Sequence[PhaseRecord],
        *,
        reason: str,
        force: bool = False,
    ) -> tuple[tuple[PhaseRecord, ...], PhaseChange]:
        """Activate by hand; PhaseChangeError if the phase before is not active or, unforced, unready."""
        plan, record = self._find(phase, records)
        if record.status is ACTIVE:
            raise PhaseChangeError(f"phase {phase} is active already")
        if phase > 0 and records[phase - 1].status is not ACTIVE:
            raise PhaseChangeError(f"phase {phase} needs phase {phase - 1} active first")
        if not (force or readiness[phase].ready):
            missing = ", ".join(item.name for item in readiness[phase].requirements if not item.met)
            raise PhaseChangeError(f"phase {phase} is not ready: {missing}")
        change = _change(plan, record, ACTIVE, day, reason, readiness[phase].requirements)
        return _put(records, _moved(record, ACTIVE, day)), change

    def deactivate(
        self,
        phase: int,
        day: date,
        records: Sequence[PhaseRecord],
        *,
        reason: str,
        to: PhaseStatus = PhaseStatus.REDUCE_ONLY,
    ) -> tuple[tuple[PhaseRecord, ...], PhaseChange]:
        """Demote by hand; PhaseChangeError when that would be no demotion. Later phases follow next day."""
        plan, record = self._find(phase, records)
        ranks = [LOCKED, REDUCE_ONLY, ACTIVE]
        if ranks.index(to) >= ranks.index(record.status):
            raise PhaseChangeError(f"phase {phase} is {record.status}; {to} is no demotion")
        return _put(records, _moved(record, to, day)), _change(plan, record, to, day, reason, ())

    def _find(self, phase: int, records: Sequence[PhaseRecord]) -> tuple[PhasePlan, PhaseRecord]:
        if not 0 <= phase < len(self.config.phases):
            raise PhaseChangeError(f"phase {phase} is not one of 0 to {len(self.config.phases) - 1}")
        return self.config.phases[phase], records[phase]

    def _readiness(self, plan: PhasePlan, facts: Facts) -> PhaseReadiness:
        requirements = [measure(item, facts) for item in plan.gate]
        if plan.phase > 0:
            previous = facts.records[plan.phase - 1].status
            met = previous is ACTIVE
            requirements.insert(0, Requirement("previous_phase", 1.0, float(met), met, f"is {previous}"))
        state = PhaseState(plan.phase, plan.name, facts.records[plan.phase].status)
        return PhaseReadiness(state, all(item.met for item in requirements), tuple(requirements))

    def _floor(self, plan: PhasePlan, facts: Facts) -> tuple[Requirement, ...]:
        record = facts.records[plan.phase]
        if record.status is LOCKED:
            return ()
        since = record.active_since + timedelta(days=1) if record.active_since else date.min
        own = replace(facts, since=since)
        return tuple(measure(_own_classes(item, plan), own) for item in plan.floor)

    def _count(
        self, record: PhaseRecord, ready: PhaseReadiness, floor: Sequence[Requirement], day: date
    ) -> PhaseRecord:
        active = record.status is ACTIVE
        reduced = record.status is REDUCE_ONLY
        breached = not all(item.met for item in floor)
        return replace(
            record,
            gate_days=record.gate_days + 1 if active and ready.ready else 0,
            breach_days=record.breach_days + 1 if active and breached else 0,
            recovery_days=record.recovery_days + 1 if reduced and ready.ready and not breached else 0,
            evaluated=day,
        )

    def _next(
        self,
        plan: PhasePlan,
        record: PhaseRecord,
        ready: PhaseReadiness,
        floor: Sequence[Requirement],
        before: Mapping[int, PhaseRecord],
        after: Mapping[int, PhaseRecord],
        day: date,
        auto: bool,
    ) -> tuple[PhaseStatus, str]:
        orphaned = plan.phase > 0 and after[plan.phase - 1].status is not ACTIVE
        if record.status is ACTIVE:
            return self._keep(plan, record, floor, orphaned)
        if record.status is REDUCE_ONLY:
            return self._recover(record, day, orphaned)
        leads = plan.phase == 0 or before[plan.phase - 1].status is ACTIVE
        if auto and ready.ready and leads and not orphaned and self._cooled_down(record, day):
            return ACTIVE, "every requirement is met"
        return LOCKED, ""

    def _keep(
        self, plan: PhasePlan, record: PhaseRecord, floor: Sequence[Requirement], orphaned: bool
    ) -> tuple[PhaseStatus, str]:
        if orphaned:
            return REDUCE_ONLY, f"phase {plan.phase - 1} is not active"
        if record.breach_days >= self.config.breach_days:
            names = ", ".join(item.name for item in floor if not item.met)
            return REDUCE_ONLY, f"below the floor for {record.breach_days} days: {names}"
        return ACTIVE, ""

    def _recover(self, record: PhaseRecord, day: date, orphaned: bool) -> tuple[PhaseStatus, str]:
        if record.recovery_days >= self.config.recovery_days and not orphaned:
            return ACTIVE, f"gate met again for {record.recovery_days} days"
        if record.since is not None and (day - record.since).days >= self.config.lock_after_days:
            return LOCKED, f"reduce-only for {self.config.lock_after_days} days"
        return REDUCE_ONLY, ""

    def _cooled_down(self, record: PhaseRecord, day: date) -> bool:
        return record.since is None or (day - record.since).days >= self.config.cooldown_days


def _own_classes(item: GateItem, plan: PhasePlan) -> GateItem:
    """Measure a floor on the phase's own classes unless the plan says otherwise."""
    return item if item.asset_classes else item.model_copy(update={"asset_classes": plan.asset_classes})


def _moved(record: PhaseRecord, status: PhaseStatus, day: date) -> PhaseRecord:
    return replace(
        record,
        status=status,
        since=day,
        active_since=day if status is ACTIVE else record.active_since,
        gate_days=0,
        breach_days=0,
        recovery_days=0,
    )


def _change(
    plan: PhasePlan,
    record: PhaseRecord,
    status: PhaseStatus,
    day: date,
    reason: str,
    figures: tuple[Requirement, ...],
) -> PhaseChange:
    return PhaseChange(day, plan.phase, plan.name, record.status, status, reason, figures)


def _put(records: Sequence[PhaseRecord], changed: PhaseRecord) -> tuple[PhaseRecord, ...]:
    return tuple(changed if record.phase == changed.phase else record for record in records)
