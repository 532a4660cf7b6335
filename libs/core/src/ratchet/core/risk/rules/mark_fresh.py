"""The asset's own price must be fresh."""

from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Denial, Entry, entry_rule
from ratchet.core.timeframes import NS_PER_SECOND


@entry_rule(order=85)
def mark_fresh(entry: Entry) -> Denial | None:
    """Deny when the asset's last mark is older than a price may be, or later than the decision."""
    age_s = (entry.book.ts - entry.facts.mark_ts) / NS_PER_SECOND
    limit = entry.book.config.stale_price_s
    if 0.0 <= age_s <= limit:
        return None
    return Denial(Reason.PRICE_STALE, f"{entry.asset.symbol}: mark is {age_s:.0f} s old, {limit} s allowed")
