"""The market must be known."""

from ratchet.core.risk.book import Book
from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Denial, account_rule


@account_rule(order=35)
def context_given(book: Book) -> Denial | None:
    """Deny every entry when the evaluation came without a market context."""
    if book.context is not None:
        return None
    return Denial(Reason.CONTEXT_MISSING, "no market context was given")
