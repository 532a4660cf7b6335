"""The phases of one portfolio: measured when a day is closed, changed by plan or by hand."""

import time
from collections.abc import Sequence
from datetime import date
from uuid import uuid5

from ratchet.common import metrics
from ratchet.common.audit import write_audit
from ratchet.common.db import Cursor, Database
from ratchet.core.orders import NAMESPACE
from ratchet.core.phases import (
    PerformanceHistory,
    PhaseChange,
    PhaseEngine,
    PhaseReadiness,
    PhaseRecord,
    PhaseStatus,
    day_of,
)
from ratchet.phase_activation.store import LogEntry, PhaseStore

_LEVEL = {PhaseStatus.ACTIVE: 1.0, PhaseStatus.REDUCE_ONLY: 0.5, PhaseStatus.LOCKED: 0.0}
AUTOMATIC = "phase-activation"


class PhaseBook:
    """Applies the phase engine to the ledger. Every change is one transaction; the same day counts once."""

    def __init__(
        self, db: Database, store: PhaseStore, engine: PhaseEngine, *, auto: bool, is_live: bool = False
    ) -> None:
        self._db = db
        self._store = store
        self._engine = engine
        self._auto = auto
        self._is_live = is_live
        self._history = PerformanceHistory()

    def prepare(self) -> None:
        """Write the initial states where the database has none, and check that it fits the plan."""
        with self._db.transaction() as cursor:
            self._store.lock(cursor)
            records = self._records(cursor)
            self._store.save(cursor, records, self._store.event_time(cursor))
            self._observe(self._store.readiness(cursor))

    def close_day(self, day: date, ts: int) -> list[LogEntry]:
        """Measure a day that was closed at event time `ts` (ns, UTC) and change what has to change.

        Returns the changes decided at `ts`, also when the day was done before: their events may have been
        lost with the process that decided them.
        """
        with self._db.transaction() as cursor:
            self._store.lock(cursor)
            records = self._records(cursor)
            if any(record.evaluated is None or record.evaluated < day for record in records):
                history = self._history_through(cursor, day)
                working = self._store.working(cursor, day)
                outcome = self._engine.step(day, history, records, working, auto=self._auto)
                self._store.save(cursor, outcome.records, ts)
                self._store.save_readiness(cursor, outcome.readiness, ts)
                for change in outcome.changes:
                    self._log(cursor, change, ts, AUTOMATIC)
                self._observe(self._store.readiness(cursor))
            return self._store.entries(cursor, ts=ts)[::-1]

    def catch_up(self) -> list[LogEntry]:
        """Measure every closed day that was not measured yet, in order; return the changes."""
        with self._db.transaction() as cursor:
            evaluated = [record.evaluated for record in self._records(cursor)]
            done = None if None in evaluated else min(day for day in evaluated if day is not None)
            waiting = self._store.closes(cursor, done)
        return [entry for day, ts in waiting for entry in self.close_day(day, ts)]

    def activate(self, phase: int, actor: str, reason: str, *, force: bool) -> LogEntry:
        """Activate by hand; PhaseChangeError when the plan does not allow it."""
        with self._db.transaction(wait_s=5.0) as cursor:
            self._store.lock(cursor)
            ts, records = self._now(cursor), self._records(cursor)
            readiness = self._measure(cursor, ts, records)
            after, change = self._engine.activate(
                phase, day_of(ts), readiness, records, reason=reason, force=force
            )
            return self._change_by_hand(cursor, after, change, ts, actor, force=force)

    def deactivate(self, phase: int, actor: str, reason: str, to: PhaseStatus) -> LogEntry:
        """Demote by hand; PhaseChangeError when that would be no demotion."""
        with self._db.transaction(wait_s=5.0) as cursor:
            self._store.lock(cursor)
            ts, records = self._now(cursor), self._records(cursor)
            after, change = self._engine.deactivate(phase, day_of(ts), records, reason=reason, to=to)
            return self._change_by_hand(cursor, after, change, ts, actor, force=False)

    def readiness(self) -> list[PhaseReadiness]:
        """Return every phase with its requirements as measured last."""
        with self._db.transaction(wait_s=5.0) as cursor:
            return self._store.readiness(cursor)

    def entries(self, limit: int) -> list[LogEntry]:
        """Return the activation log, newest first."""
        with self._db.transaction(wait_s=5.0) as cursor:
            return self._store.entries(cursor, limit=limit)

    def _records(self, cursor: Cursor) -> tuple[PhaseRecord, ...]:
        """Return the records of the plan's phases; phases that the plan gained since begin as at first."""
        known = {record.phase: record for record in self._store.records(cursor)}
        return tuple(known.get(record.phase, record) for record in self._engine.initial())

    def _history_through(self, cursor: Cursor, day: date) -> PerformanceHistory:
        last = self._history.last_day
        if last is not None and last >= day:
            # An earlier day than those remembered: read it all again rather than look ahead.
            self._history, last = PerformanceHistory(), None
        for figures in self._store.days(cursor, last, day):
            self._history.append(figures)
        return self._history

    def _measure(self, cursor: Cursor, ts: int, records: Sequence[PhaseRecord]) -> tuple[PhaseReadiness, ...]:
        day = day_of(ts)
        history = PerformanceHistory(self._store.days(cursor, None, day))
        return self._engine.evaluate(day, history, records, self._store.working(cursor, day))

    def _change_by_hand(
        self,
        cursor: Cursor,
        records: Sequence[PhaseRecord],
        change: PhaseChange,
        ts: int,
        actor: str,
        *,
        force: bool,
    ) -> LogEntry:
        self._store.save(cursor, records, ts)
        event_id = self._log(cursor, change, ts, actor)
        detail = {
            "phase": change.phase, "from": change.from_status, "to": change.to_status,
            "reason": change.reason, "force": force, "event_id": event_id,
        }  # fmt: skip
        write_audit(cursor, "phase-activation", actor, f"phase.{change.to_status}", detail)
        self._observe(self._store.readiness(cursor))
        return next(entry for entry in self._store.entries(cursor, ts=ts) if entry.event_id == event_id)

    def _log(self, cursor: Cursor, change: PhaseChange, ts: int, actor: str) -> str:
        parts = ("phase-change", change.phase, ts, change.from_status, change.to_status, actor)
        event_id = str(uuid5(NAMESPACE, "|".join(map(str, parts))))
        self._store.log(cursor, event_id, change, ts, actor)
        metrics.PHASE_CHANGES_TOTAL.labels(str(change.phase), change.to_status.value).inc()
        return event_id

    def _now(self, cursor: Cursor) -> int:
        """Return the event time of a change by hand: the wall clock's in live mode, else the replay's."""
        event_time = self._store.event_time(cursor)
        return time.time_ns() // 1_000 * 1_000 if self._is_live or not event_time else event_time

    def _observe(self, readiness: Sequence[PhaseReadiness]) -> None:
        for item in readiness:
            phase = str(item.state.phase)
            metrics.PHASE_ACTIVE.labels(phase).set(_LEVEL[item.state.status])
            metrics.PHASE_READY.labels(phase).set(item.ready)
