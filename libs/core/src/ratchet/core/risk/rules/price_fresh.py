"""The prices of the step must be fresh."""

from ratchet.core.risk.book import Book
from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Denial, account_rule
from ratchet.core.timeframes import NS_PER_SECOND


@account_rule(order=30)
def price_fresh(book: Book) -> Denial | None:
    """Deny when the snapshot, which carries the prices' event time, is too old."""
    age_s = (book.ts - book.snapshot.ts) / NS_PER_SECOND
    if age_s > book.config.stale_price_s:
        limit = book.config.stale_price_s
        return Denial(Reason.PRICE_STALE, f"prices are {age_s:.0f} s old, {limit} s allowed")
    return None
