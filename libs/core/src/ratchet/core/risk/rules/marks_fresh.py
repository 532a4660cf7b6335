"""Held positions must have usable marks, else equity is not known."""

import math

from ratchet.core.risk.book import Book
from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Denial, account_rule
from ratchet.core.timeframes import NS_PER_SECOND


@account_rule(order=40)
def marks_fresh(book: Book) -> Denial | None:
    """Deny when a position's mark is not a positive number, or too old."""
    oldest = book.ts - book.config.stale_mark_s * NS_PER_SECOND
    for position in book.snapshot.positions:
        if not (math.isfinite(position.mark) and position.mark > 0.0 and position.qty.is_finite()):
            detail = f"asset {position.asset_id}: quantity {position.qty} at mark {position.mark}"
            return Denial(Reason.MARK_INVALID, detail)
        if position.mark_ts < oldest:
            age_s = (book.ts - position.mark_ts) / NS_PER_SECOND
            detail = (
                f"asset {position.asset_id}: mark is {age_s:.0f} s old, {book.config.stale_mark_s} s allowed"
            )
            return Denial(Reason.MARK_STALE, detail)
    return None
