"""Entries are paid from free cash."""

from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Entry, sizer


@sizer(order=70, name="cash_available", reason=Reason.CASH_INSUFFICIENT)
def cash_available(entry: Entry) -> float:
    """Return cash less the buffer, working entries and entries approved before this one."""
    return entry.book.cash_room
