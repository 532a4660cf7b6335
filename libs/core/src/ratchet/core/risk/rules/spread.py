"""A wide spread is a cost that no signal has reckoned with."""

from ratchet.core.assets import AssetClass
from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Denial, Entry, entry_rule


@entry_rule(order=140)
def spread(entry: Entry) -> Denial | None:
    """Deny above the largest spread; one that is not known is denied only where it is required."""
    config, known = entry.book.config, entry.facts.spread_ratio
    if known is None:
        if config.require_spread:
            return Denial(Reason.SPREAD_UNKNOWN, f"{entry.asset.symbol}: the spread is not known")
        return None
    is_option = entry.asset.asset_class is AssetClass.OPTION
    limit = config.max_option_spread_ratio if is_option else config.max_spread_ratio
    if known <= limit:
        return None
    detail = f"{entry.asset.symbol}: spread {known:.3%}, {limit:.3%} allowed"
    return Denial(Reason.SPREAD_LIMIT, detail)
