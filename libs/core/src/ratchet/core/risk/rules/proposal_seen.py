"""The same decision is never ordered twice."""

from ratchet.core.orders.ids import client_order_id
from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Denial, Entry, entry_rule


@entry_rule(order=25)
def proposal_seen(entry: Entry) -> Denial | None:
    """Deny a proposal whose id was judged in this evaluation or whose order is working."""
    book, proposal = entry.book, entry.proposal
    ordered = bool(book.order_ids) and client_order_id(proposal.id) in book.order_ids
    if not ordered and proposal.id not in book.seen:
        return None
    return Denial(Reason.PROPOSAL_SEEN, f"{entry.asset.symbol}: proposal {proposal.id} was seen before")
