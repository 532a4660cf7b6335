"""No pyramiding unless configured: an asset that is held is not entered again."""

from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Denial, Entry, entry_rule


@entry_rule(order=30)
def duplicate_position(entry: Entry) -> Denial | None:
    """Deny an entry in an asset with an open position, or against it where adding is allowed."""
    held = entry.book.held_qty.get(entry.asset.id)
    if not held:
        return None
    if entry.book.config.allow_adding and held * entry.proposal.side.sign > 0:
        return None
    return Denial(Reason.DUPLICATE_POSITION, f"{entry.asset.symbol}: {held} held")
