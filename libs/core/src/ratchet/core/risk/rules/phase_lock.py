"""An asset trades only in an active phase."""

from ratchet.core.phases import PhaseStatus
from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Denial, Entry, entry_rule


@entry_rule(order=10)
def phase_lock(entry: Entry) -> Denial | None:
    """Deny outside an active phase; a phase without a state is locked."""
    status = entry.book.status_of_phase.get(entry.asset.phase, PhaseStatus.LOCKED)
    if status is PhaseStatus.ACTIVE:
        return None
    if status is PhaseStatus.REDUCE_ONLY:
        return Denial(Reason.PHASE_REDUCE_ONLY, f"phase {entry.asset.phase} is reduce-only")
    return Denial(Reason.PHASE_LOCKED, f"phase {entry.asset.phase} is locked")
