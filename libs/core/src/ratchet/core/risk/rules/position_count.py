"""The number of positions is limited."""

from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Denial, Entry, entry_rule


@entry_rule(order=60)
def position_count(entry: Entry) -> Denial | None:
    """Deny a new asset when held and working ones fill every slot."""
    limit = entry.book.config.max_positions
    if limit is None or len(entry.book.asset_gross) < limit or entry.asset.id in entry.book.asset_gross:
        return None
    return Denial(
        Reason.POSITION_COUNT, f"{len(entry.book.asset_gross)} of {limit} positions are held or working"
    )
