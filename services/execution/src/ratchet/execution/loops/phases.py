"""Which phases are unlocked, as of an event time."""

from collections.abc import Iterable, Sequence

from ratchet.common.db import Cursor
from ratchet.common.timestamps import to_datetime, to_ns
from ratchet.core.phases import PhaseState, PhaseStatus
from ratchet.v1 import control_pb2

_STATES = "SELECT phase, name, status FROM phase_states ORDER BY phase"
_LATER = (
    "SELECT event_id, ts, phase, from_status, to_status FROM phase_activation_log "
    "WHERE %s::timestamptz IS NULL OR ts >= %s ORDER BY ts, id"
)


class PhaseView:
    """A change decided at event time E counts for steps later than E, however early it is learned.

    So a step that is done again after a crash sees the phases that it saw at first.
    """

    def __init__(self, states: Iterable[PhaseState]) -> None:
        self._states = {state.phase: state for state in states}
        self._ordered = tuple(self._states.values())
        self._pending: list[tuple[int, PhaseState]] = []
        self._seen: set[str] = set()

    def load(self, cursor: Cursor, after_ts: int) -> None:
        """Read the states as they were for steps up to `after_ts`, and the changes since."""
        cursor.execute(_STATES)
        for phase, name, status in cursor.fetchall():
            self._states[phase] = PhaseState(phase, name, PhaseStatus(status))
        at = to_datetime(after_ts) if after_ts else None
        cursor.execute(_LATER, (at, at))
        undone: set[int] = set()
        for event_id, ts, phase, before, after in cursor.fetchall():
            state = self._states.get(phase)
            if state is None:
                continue
            if phase not in undone:
                self._states[phase] = PhaseState(phase, state.name, PhaseStatus(before))
                undone.add(phase)
            self._add(event_id, to_ns(ts), PhaseState(phase, state.name, PhaseStatus(after)))
        self._order()

    def note(self, event: control_pb2.ControlEvent) -> None:
        """Take a control event; one that is known already changes nothing."""
        phase = event.phase
        self._add(event.id, event.ts_ns, PhaseState(phase.phase, phase.name, PhaseStatus(phase.status)))

    def at(self, ts: int) -> Sequence[PhaseState]:
        """Return the states for a step at `ts`; steps must come in order."""
        if self._pending and self._pending[0][0] < ts:
            due = [state for changed, state in self._pending if changed < ts]
            self._pending = [item for item in self._pending if item[0] >= ts]
            for state in due:
                self._states[state.phase] = state
            if not self._pending:
                self._seen.clear()
            self._order()
        return self._ordered

    def _add(self, event_id: str, ts: int, state: PhaseState) -> None:
        if event_id in self._seen:
            return
        self._seen.add(event_id)
        self._pending.append((ts, state))
        self._pending.sort(key=lambda item: item[0])

    def _order(self) -> None:
        self._ordered = tuple(self._states[phase] for phase in sorted(self._states))
