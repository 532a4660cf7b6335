"""One order takes at most an amount of money."""

import math

from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Entry, sizer


@sizer(order=14, name="notional_limit", reason=Reason.ORDER_NOTIONAL)
def notional_limit(entry: Entry) -> float:
    """Return the most that an order may be worth, whatever the equity."""
    limit = entry.book.config.max_order_notional
    return math.inf if limit is None else limit
