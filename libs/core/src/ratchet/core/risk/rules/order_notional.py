"""Fat finger: an order that asks for too much money is refused, not cut down."""

from ratchet.core.risk.book import finite
from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Denial, Entry, entry_rule


@entry_rule(order=170)
def order_notional(entry: Entry) -> Denial | None:
    """Deny a requested quantity worth more than an order may be; what risk sizes itself never is."""
    limit, qty = entry.book.config.max_order_notional, entry.proposal.qty
    if limit is None or qty is None:
        return None
    notional = finite(qty) * entry.book.unit_value(entry.proposal)
    # A quantity that is not a number has a code of its own.
    if not notional > limit:
        return None
    return Denial(Reason.ORDER_NOTIONAL, f"{entry.asset.symbol}: worth {notional:.2f}, {limit:.2f} allowed")
