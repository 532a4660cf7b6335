"""SQL of the phases: records, readiness, the activation log, and the ledger's daily rows."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta

import numpy as np
from psycopg2.extras import Json, execute_values

from ratchet.common.db import Cursor
from ratchet.common.timestamps import to_datetime, to_ns
from ratchet.core.assets import Registry
from ratchet.core.performance import DailyPerformance
from ratchet.core.phases import (
    DayFigures,
    PhaseChange,
    PhaseReadiness,
    PhaseRecord,
    PhasesConfig,
    PhaseState,
    PhaseStatus,
    Requirement,
    working_phases,
)

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('ratchet:phases', 0))"
_DAYS = (
    "SELECT day, asset_class, pnl, return_ratio, equity, "
    "coalesce((detail->>'day_start_equity')::numeric, equity - pnl), trades, wins FROM daily_performance "
    "WHERE portfolio = %s AND day <= %s AND (%s::date IS NULL OR day > %s) ORDER BY day, asset_class"
)
_STATES = (
    "INSERT INTO phase_states (phase, name, status, since, state) VALUES %s "
    "ON CONFLICT (phase) DO UPDATE SET name = EXCLUDED.name, status = EXCLUDED.status, "
    "since = CASE WHEN phase_states.status = EXCLUDED.status THEN phase_states.since ELSE EXCLUDED.since "
    "END, "
    "state = EXCLUDED.state, updated_at = now()"
)
_REQUIREMENTS = (
    "INSERT INTO phase_requirements (phase, name, position, threshold, current, met, detail, evaluated_ts) "
    "VALUES %s"
)
_LOG = (
    "INSERT INTO phase_activation_log "
    "(event_id, ts, phase, from_status, to_status, actor, reason, requirements) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (event_id) DO NOTHING"
)
_LAST_BARS = (
    "SELECT s.symbol, b.event_ts FROM unnest(%s) AS s(symbol) CROSS JOIN LATERAL ("
    "SELECT event_ts FROM bars WHERE symbol = s.symbol AND ts >= %s AND ts < %s AND event_ts < %s "
    "ORDER BY event_ts DESC LIMIT 1) AS b"
)
_READINESS = (
    "SELECT s.phase, s.name, s.status, r.name, r.threshold, r.current, r.met, r.detail FROM phase_states s "
    "LEFT JOIN phase_requirements r USING (phase) ORDER BY s.phase, r.position"
)
# Weekly bars start this long before they end.
_LONGEST_BAR = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One row of the activation log; ts is the event time (ns, UTC)."""

    event_id: str
    ts: int
    phase: int
    name: str
    from_status: str
    to_status: str
    actor: str
    reason: str
    requirements: tuple[Requirement, ...]


class PhaseStore:
    """Every statement runs in the caller's transaction."""

    def __init__(self, portfolio: str, registry: Registry, config: PhasesConfig) -> None:
        self._portfolio = portfolio
        self._registry = registry
        self._config = config

    def lock(self, cursor: Cursor) -> None:
        """Let only one process change phases until the transaction ends."""
        cursor.execute(_LOCK)

    def records(self, cursor: Cursor) -> tuple[PhaseRecord, ...]:
        """Return what is remembered of each phase of the plan; empty before the first start."""
        cursor.execute("SELECT state FROM phase_states ORDER BY phase")
        return tuple(PhaseRecord.from_json(state) for (state,) in cursor.fetchall() if state)

    def save(self, cursor: Cursor, records: Sequence[PhaseRecord], ts: int) -> None:
        """Write the records and, with them, which assets may be bought."""
        at = to_datetime(ts)
        names = {plan.phase: plan.name for plan in self._config.phases}
        rows = [(r.phase, names[r.phase], r.status.value, at, Json(r.to_json())) for r in records]
        execute_values(cursor, _STATES, rows)
        active = [record.phase for record in records if record.status is PhaseStatus.ACTIVE]
        cursor.execute(
            "UPDATE asset_registry SET enabled = (phase = ANY(%s)), updated_at = now() "
            "WHERE enabled <> (phase = ANY(%s))",
            (active, active),
        )

    def save_readiness(self, cursor: Cursor, readiness: Iterable[PhaseReadiness], ts: int) -> None:
        """Replace every requirement by what was measured now."""
        at = to_datetime(ts)
        rows = [
            (phase.state.phase, name, place, item.threshold, item.current, item.met, item.detail, at)
            for phase in readiness
            for place, (name, item) in enumerate(_named(phase.requirements))
        ]
        cursor.execute("DELETE FROM phase_requirements")
        if rows:
            execute_values(cursor, _REQUIREMENTS, rows)

    def log(self, cursor: Cursor, event_id: str, change: PhaseChange, ts: int, actor: str) -> None:
        """Write one change with the figures behind it; the same event is written once."""
        figures = Json([asdict(item) for item in change.requirements])
        values = (
            event_id, to_datetime(ts), change.phase, change.from_status.value, change.to_status.value,
            actor, change.reason, figures,
        )  # fmt: skip
        cursor.execute(_LOG, values)

    def entries(self, cursor: Cursor, *, ts: int | None = None, limit: int = 100) -> list[LogEntry]:
        """Return the log, newest first; with `ts` only the changes decided at that event time."""
        cursor.execute(
            "SELECT l.event_id, l.ts, l.phase, coalesce(s.name, ''), l.from_status, l.to_status, l.actor, "
            "l.reason, l.requirements FROM phase_activation_log l LEFT JOIN phase_states s USING (phase) "
            "WHERE %s::timestamptz IS NULL OR l.ts = %s ORDER BY l.ts DESC, l.id DESC LIMIT %s",
            (at := None if ts is None else to_datetime(ts), at, limit),
        )
        return [
            LogEntry(
                event_id=event_id,
                ts=to_ns(at),
                phase=phase,
                name=name,
                from_status=before,
                to_status=after,
                actor=actor,
                reason=reason,
                requirements=tuple(Requirement(**item) for item in figures),
            )
            for event_id, at, phase, name, before, after, actor, reason, figures in cursor.fetchall()
        ]

    def readiness(self, cursor: Cursor) -> list[PhaseReadiness]:
        """Return every phase with its requirements as measured last."""
        cursor.execute(_READINESS)
        found: dict[int, tuple[PhaseState, list[Requirement]]] = {}
        for phase, name, status, *item in cursor.fetchall():
            state = PhaseState(phase, name, PhaseStatus(status))
            _, requirements = found.setdefault(phase, (state, []))
            if item[0] is not None:
                requirements.append(Requirement(*item))
        return [
            PhaseReadiness(state, all(item.met for item in items), tuple(items))
            for state, items in found.values()
        ]

    def days(self, cursor: Cursor, after: date | None, through: date) -> list[DayFigures]:
        """Return the closed days of the ledger in (after, through], in order."""
        cursor.execute(_DAYS, (self._portfolio, through, after, after))
        by_day: dict[str, list[DailyPerformance]] = {}
        for day, *figures in cursor.fetchall():
            by_day.setdefault(day.isoformat(), []).append(DailyPerformance(day.isoformat(), *figures))
        return [DayFigures.of(rows) for rows in by_day.values()]

    def closes(self, cursor: Cursor, after: date | None) -> list[tuple[date, int]]:
        """Return days that were closed after `after`, each with the event time at which it was."""
        cursor.execute(
            "SELECT day_close, min(ts) FROM portfolio_snapshots WHERE portfolio = %s AND day_close > %s "
            "GROUP BY day_close ORDER BY day_close",
            (self._portfolio, after.isoformat() if after else ""),
        )
        return [(date.fromisoformat(day), to_ns(ts)) for day, ts in cursor.fetchall()]

    def event_time(self, cursor: Cursor) -> int:
        """Return the newest event time of the portfolio (ns, UTC), 0 before its first snapshot."""
        cursor.execute("SELECT max(ts) FROM portfolio_snapshots WHERE portfolio = %s", (self._portfolio,))
        row = cursor.fetchone()
        return to_ns(row[0]) if row and row[0] else 0

    def working(self, cursor: Cursor, day: date) -> frozenset[int]:
        """Return the phases of which some asset had a bar lately, seen from the end of `day`."""
        max_age = self._config.data_source_max_age_days
        end = to_datetime(0) + timedelta(days=(day - date(1970, 1, 1)).days + 1)
        start = end - timedelta(days=max_age) - _LONGEST_BAR
        cursor.execute(_LAST_BARS, ([asset.symbol for asset in self._registry], start, end, end))
        last = np.zeros(len(self._registry), dtype=np.int64)
        for symbol, event_ts in cursor.fetchall():
            last[self._registry.by_symbol(symbol).id] = to_ns(event_ts)
        return working_phases(self._registry, last, day, max_age)


def _named(requirements: Sequence[Requirement]) -> list[tuple[str, Requirement]]:
    """Tell apart requirements of one kind, such as two Sharpe ratios over different windows."""
    seen: dict[str, int] = {}
    named = []
    for item in requirements:
        seen[item.name] = seen.get(item.name, 0) + 1
        named.append((item.name if seen[item.name] == 1 else f"{item.name} ({seen[item.name]})", item))
    return named
