"""The signal must be confident enough."""

from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Denial, Entry, entry_rule


@entry_rule(order=20)
def confidence(entry: Entry) -> Denial | None:
    """Deny below the minimum; the comparison is written so that NaN is denied too."""
    minimum = entry.book.config.min_confidence
    if minimum <= entry.proposal.confidence <= 1.0:
        return None
    detail = f"confidence {entry.proposal.confidence:.3f} is not in [{minimum:.3f}, 1]"
    return Denial(Reason.CONFIDENCE_TOO_LOW, detail)
