"""One order takes at most a share of equity."""

from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Entry, sizer


@sizer(order=12, name="order_limit", reason=Reason.ORDER_LIMIT)
def order_limit(entry: Entry) -> float:
    """Return the most that a new order may take."""
    return entry.book.config.max_order_ratio * entry.book.equity
