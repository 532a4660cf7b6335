"""The day's loss must stay below its limit."""

from ratchet.core.risk.book import Book
from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Denial, account_rule


@account_rule(order=50)
def daily_loss(book: Book) -> Denial | None:
    """Deny when equity has lost the limit since the start of the UTC day."""
    start = book.snapshot.day_start_equity
    if book.equity <= start * (1.0 - book.config.max_daily_loss_ratio):
        loss = 1.0 - book.equity / start
        limit = book.config.max_daily_loss_ratio
        return Denial(Reason.DAILY_LOSS_LIMIT, f"lost {loss:.2%} today, {limit:.2%} allowed")
    return None
