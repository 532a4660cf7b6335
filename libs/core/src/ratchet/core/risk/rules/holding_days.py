"""A position that should have been left is not added to."""

from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Denial, Entry, entry_rule
from ratchet.core.timeframes import NS_PER_SECOND


@entry_rule(order=150)
def holding_days(entry: Entry) -> Denial | None:
    """Deny adding to a position that is as old as its asset may be held; leaving it is the exits' matter."""
    opened = entry.book.opened_ts.get(entry.asset.id)
    limit = entry.asset.rules.get("max_holding_days")
    if opened is None or not isinstance(limit, int | float):
        return None
    days = (entry.book.ts - opened) / (86_400 * NS_PER_SECOND)
    if days < limit:
        return None
    return Denial(Reason.HOLDING_LIMIT, f"{entry.asset.symbol}: held for {days:.1f} days, {limit:g} allowed")
