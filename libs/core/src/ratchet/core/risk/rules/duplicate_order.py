"""One order an asset at a time; an unanswered one blocks new risk."""

from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Denial, Entry, entry_rule


@entry_rule(order=40)
def duplicate_order(entry: Entry) -> Denial | None:
    """Deny an entry while an order in the asset works, was approved or is unanswered."""
    if entry.asset.id not in entry.book.working:
        return None
    if entry.asset.id in entry.book.unknown:
        return Denial(Reason.ORDER_UNKNOWN, f"{entry.asset.symbol}: an order was sent and is not answered")
    return Denial(Reason.DUPLICATE_ORDER, f"{entry.asset.symbol}: an order is working")
