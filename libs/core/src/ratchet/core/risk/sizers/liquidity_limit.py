"""An order is small beside what the market trades."""

import math

from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Entry, sizer


@sizer(order=72, name="liquidity_limit", reason=Reason.LIQUIDITY_LIMIT)
def liquidity_limit(entry: Entry) -> float:
    """Return the share of the asset's average money traded in a bar that an order may take."""
    if entry.asset.asset_class in entry.book.config.volume_unreported:
        return math.inf
    rate = entry.book.snapshot.rate(entry.asset.id)
    return entry.book.config.max_bar_share_ratio * entry.facts.bar_notional * rate
