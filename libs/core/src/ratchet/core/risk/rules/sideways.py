"""Leveraged funds lose in a market that goes nowhere."""

from ratchet.core.regime import SIDEWAYS
from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Denial, Entry, entry_rule


@entry_rule(order=120)
def sideways(entry: Entry) -> Denial | None:
    """Deny the configured classes while their regime is sideways or not known."""
    if entry.asset.asset_class not in entry.book.config.avoid_sideways:
        return None
    regime = entry.facts.regime
    if regime is not None and regime != SIDEWAYS:
        return None
    known = "not known" if regime is None else "sideways"
    return Denial(Reason.REGIME_SIDEWAYS, f"{entry.asset.symbol}: the regime is {known}")
