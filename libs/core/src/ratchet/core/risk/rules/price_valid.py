"""The proposal's own figures must be numbers."""

from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Denial, Entry, entry_rule

_LARGEST = 1e15


@entry_rule(order=70)
def price_valid(entry: Entry) -> Denial | None:
    """Deny when price, volatility or ATR is NaN, infinite, negative, or the price zero."""
    if not 0.0 < entry.proposal.price < _LARGEST:
        return Denial(Reason.PRICE_INVALID, f"{entry.asset.symbol}: price {entry.proposal.price}")
    if not (0.0 <= entry.proposal.volatility < _LARGEST and 0.0 <= entry.proposal.atr < _LARGEST):
        detail = f"{entry.asset.symbol}: volatility {entry.proposal.volatility}, ATR {entry.proposal.atr}"
        return Denial(Reason.VOLATILITY_INVALID, detail)
    return None
