"""The snapshot must be usable."""

import math

from ratchet.core.risk.book import Book
from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Denial, account_rule


@account_rule(order=10)
def account_valid(book: Book) -> Denial | None:
    """Deny when equity or cash is not usable, or the snapshot lies in the future of the decision."""
    snapshot = book.snapshot
    if not (math.isfinite(book.equity) and book.equity > 0.0):
        return Denial(Reason.ACCOUNT_INVALID, f"equity {snapshot.equity} is not a positive number")
    if not math.isfinite(book.cash_room):
        return Denial(Reason.ACCOUNT_INVALID, f"cash {snapshot.cash} or an order's value is not a number")
    for name, value in (("peak", snapshot.peak_equity), ("day start", snapshot.day_start_equity)):
        if not (math.isfinite(value) and value > 0.0):
            return Denial(Reason.ACCOUNT_INVALID, f"{name} equity {value} is not a positive number")
    if snapshot.ts > book.ts:
        return Denial(Reason.ACCOUNT_INVALID, f"snapshot at {snapshot.ts} is later than {book.ts}")
    if book.strangers:
        return Denial(Reason.ACCOUNT_INVALID, f"unknown assets in the portfolio: {sorted(book.strangers)}")
    return None
