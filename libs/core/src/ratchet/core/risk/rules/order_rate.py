"""So many entries a minute, and no more."""

from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Denial, Entry, entry_rule


@entry_rule(order=160)
def order_rate(entry: Entry) -> Denial | None:
    """Deny when the minute of event time before the decision has seen its number of entries."""
    limit, placed = entry.book.config.max_orders_per_minute, entry.book.entries_in_minute
    if limit is None or placed < limit:
        return None
    return Denial(Reason.ORDER_RATE, f"{placed} entries within a minute, {limit} allowed")
