"""No circuit breaker may be tripped."""

from ratchet.core.risk.book import Book
from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Denial, account_rule


@account_rule(order=15)
def breaker_tripped(book: Book) -> Denial | None:
    """Deny while any breaker of the snapshot is tripped, and name them."""
    tripped = [f"{b.name} at {b.value:g}" for b in book.snapshot.breakers if b.tripped]
    if not tripped:
        return None
    return Denial(Reason.BREAKER_TRIPPED, f"circuit breakers tripped: {', '.join(tripped)}")
