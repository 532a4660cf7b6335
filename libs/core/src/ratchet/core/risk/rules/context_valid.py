"""What is known of the asset must be numbers."""

import math

from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Denial, Entry, entry_rule


@entry_rule(order=80)
def context_valid(entry: Entry) -> Denial | None:
    """Deny when the asset's facts are missing, or one of them or its returns is no usable number."""
    context, facts, symbol = entry.book.context, entry.facts, entry.asset.symbol
    if context is None or entry.asset.id not in context.assets:
        return Denial(Reason.CONTEXT_MISSING, f"{symbol}: nothing is known of its market")
    if not 0.0 < facts.mark < math.inf:
        return Denial(Reason.MARK_INVALID, f"{symbol}: mark {facts.mark}")
    if not 0.0 <= facts.bar_notional < math.inf:
        return Denial(Reason.CONTEXT_INVALID, f"{symbol}: average money traded in a bar {facts.bar_notional}")
    if facts.spread_ratio is not None and not 0.0 <= facts.spread_ratio < math.inf:
        return Denial(Reason.CONTEXT_INVALID, f"{symbol}: spread {facts.spread_ratio}")
    if not entry.book.correlations.is_valid(entry.asset.id):
        return Denial(Reason.CORRELATION_INVALID, f"{symbol}: a daily return is not a number")
    return None
