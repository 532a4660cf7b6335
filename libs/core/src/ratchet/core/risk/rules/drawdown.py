"""Equity must stay near its peak."""

from ratchet.core.risk.book import Book
from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Denial, account_rule


@account_rule(order=60)
def drawdown(book: Book) -> Denial | None:
    """Deny when equity is below its peak by the limit."""
    peak = book.snapshot.peak_equity
    if book.equity <= peak * (1.0 - book.config.max_drawdown_ratio):
        fall = 1.0 - book.equity / peak
        limit = book.config.max_drawdown_ratio
        return Denial(Reason.DRAWDOWN_LIMIT, f"{fall:.2%} below the peak, {limit:.2%} allowed")
    return None
