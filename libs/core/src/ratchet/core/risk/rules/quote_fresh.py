"""A feed of quotes that has fallen silent tells nothing about the market."""

from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Denial, Entry, entry_rule
from ratchet.core.timeframes import NS_PER_SECOND


@entry_rule(order=135)
def quote_fresh(entry: Entry) -> Denial | None:
    """Deny when the asset is quoted, but its last quote is older than one may be."""
    if entry.facts.quote_ts is None:
        return None
    age_s = (entry.book.ts - entry.facts.quote_ts) / NS_PER_SECOND
    limit = entry.book.config.stale_quote_s
    if abs(age_s) <= limit:
        return None
    return Denial(Reason.QUOTE_STALE, f"{entry.asset.symbol}: quote is {age_s:.0f} s old, {limit} s allowed")
