"""A class is traded at no more than its leverage."""

from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Denial, Entry, entry_rule


@entry_rule(order=130)
def leverage(entry: Entry) -> Denial | None:
    """Deny an asset whose leverage in the registry exceeds its class's limit."""
    limit = entry.book.config.class_leverage_limit.get(entry.asset.asset_class)
    if limit is None or entry.asset.leverage <= limit:
        return None
    detail = f"{entry.asset.symbol}: leverage {entry.asset.leverage:g}, {limit:g} allowed"
    return Denial(Reason.LEVERAGE_LIMIT, detail)
