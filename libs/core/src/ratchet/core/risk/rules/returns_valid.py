"""Correlations need numbers."""

import numpy as np

from ratchet.core.risk.book import Book
from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Denial, account_rule


@account_rule(order=38)
def returns_valid(book: Book) -> Denial | None:
    """Deny every entry when a daily return is NaN or infinite: exposure to a group is not known then."""
    if book.context is None:
        return None
    for asset_id, returns in book.context.returns.items():
        if not np.isfinite(returns).all():
            return Denial(Reason.CORRELATION_INVALID, f"asset {asset_id}: a daily return is not a number")
    return None
