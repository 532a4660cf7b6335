"""Correlations need numbers."""

from ratchet.core.risk.book import Book
from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Denial, account_rule


@account_rule(order=38)
def returns_valid(book: Book) -> Denial | None:
    """Deny every entry when a daily return of what is held or working is NaN or infinite."""
    for asset_id in book.asset_gross:
        if not book.correlations.is_valid(asset_id):
            return Denial(Reason.CORRELATION_INVALID, f"asset {asset_id}: a daily return is not a number")
    return None
