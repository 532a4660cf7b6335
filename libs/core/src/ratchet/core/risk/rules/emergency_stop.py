"""Far below its peak, equity takes no new risk whatever the drawdown limit says."""

from ratchet.core.risk.book import Book
from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Denial, account_rule


@account_rule(order=70)
def emergency_stop(book: Book) -> Denial | None:
    """Deny when equity is below its peak by the emergency ratio; the drawdown breaker acts on it too."""
    peak, limit = book.snapshot.peak_equity, book.config.emergency_drawdown_ratio
    if book.equity <= peak * (1.0 - limit):
        fall = 1.0 - book.equity / peak
        return Denial(Reason.EMERGENCY_STOP, f"{fall:.2%} below the peak, emergency stop at {limit:.2%}")
    return None
