"""No pyramiding: an asset that is held is not entered again."""

from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Denial, Entry, entry_rule


@entry_rule(order=30)
def duplicate_position(entry: Entry) -> Denial | None:
    """Deny an entry in an asset with an open position."""
    held = entry.book.held_qty.get(entry.asset.id)
    if not held:
        return None
    return Denial(Reason.DUPLICATE_POSITION, f"{entry.asset.symbol}: {held} held")
