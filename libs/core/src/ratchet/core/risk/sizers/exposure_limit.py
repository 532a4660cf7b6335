"""Gross exposure takes at most a share of equity."""

from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Entry, sizer


@sizer(order=60, name="exposure_limit", reason=Reason.EXPOSURE_LIMIT)
def exposure_limit(entry: Entry) -> float:
    """Return what the exposure limit leaves."""
    return entry.book.config.max_exposure_ratio * entry.book.equity - entry.book.gross
