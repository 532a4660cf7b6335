"""No entry around an earnings report."""

from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Denial, Entry, entry_rule
from ratchet.core.timeframes import NS_PER_SECOND

_NS_PER_HOUR = 3_600 * NS_PER_SECOND


@entry_rule(order=110)
def earnings_blackout(entry: Entry) -> Denial | None:
    """Deny from so many hours before a report until so many after it, both ends included."""
    config = entry.book.config
    for event in entry.facts.events:
        away_h = (event - entry.book.ts) / _NS_PER_HOUR
        if -config.earnings_after_h <= away_h <= config.earnings_before_h:
            return Denial(Reason.EARNINGS_BLACKOUT, f"{entry.asset.symbol}: earnings in {away_h:.1f} h")
    return None
