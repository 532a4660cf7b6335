"""Volatility target: a position contributes at most a given standard deviation a bar."""

import math

from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Entry, sizer


@sizer(order=40, name="volatility_target", reason=Reason.VOLATILITY_LIMIT)
def volatility_target(entry: Entry) -> float:
    """Return the notional whose standard deviation per bar is the share of equity allowed."""
    if entry.proposal.volatility == 0.0:
        return math.inf
    return entry.book.config.max_bar_volatility_ratio * entry.book.equity / entry.proposal.volatility
