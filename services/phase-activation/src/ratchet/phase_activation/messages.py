"""Phases as protobuf messages."""

from collections.abc import Iterable

from ratchet.common.bus import Bus
from ratchet.common.codec import encode_phase
from ratchet.common.streams import CONTROL
from ratchet.core.phases import PhaseReadiness, PhaseState, PhaseStatus, Requirement
from ratchet.phase_activation.store import LogEntry
from ratchet.v1 import control_pb2


def requirement(item: Requirement) -> control_pb2.Requirement:
    """Encode one requirement."""
    return control_pb2.Requirement(
        name=item.name, threshold=item.threshold, current=item.current, met=item.met, detail=item.detail
    )


def readiness(item: PhaseReadiness) -> control_pb2.PhaseReadiness:
    """Encode one phase against its gate."""
    return control_pb2.PhaseReadiness(
        state=encode_phase(item.state),
        ready=item.ready,
        requirements=[requirement(part) for part in item.requirements],
    )


def history_entry(entry: LogEntry) -> control_pb2.PhaseHistoryEntry:
    """Encode one row of the activation log."""
    return control_pb2.PhaseHistoryEntry(
        ts_ns=entry.ts,
        phase=entry.phase,
        from_status=entry.from_status,
        to_status=entry.to_status,
        actor=entry.actor,
        reason=entry.reason,
        requirements=[requirement(part) for part in entry.requirements],
    )


def control_event(entry: LogEntry) -> control_pb2.ControlEvent:
    """Encode a change for every service; it counts for steps later than its event time."""
    state = PhaseState(entry.phase, entry.name, PhaseStatus(entry.to_status))
    return control_pb2.ControlEvent(
        id=entry.event_id,
        kind=control_pb2.CONTROL_KIND_PHASE,
        ts_ns=entry.ts,
        actor=entry.actor,
        reason=entry.reason,
        phase=encode_phase(state),
    )


def announce(bus: Bus, entries: Iterable[LogEntry]) -> None:
    """Publish changes; a repeated one has the same id."""
    for entry in entries:
        bus.publish(CONTROL, control_event(entry), ts=entry.ts, event_id=entry.event_id)
