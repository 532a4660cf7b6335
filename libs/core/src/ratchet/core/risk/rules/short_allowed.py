"""Selling short needs permission of the portfolio and the asset."""

from ratchet.core.assets import AssetClass
from ratchet.core.orders import Side
from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Denial, Entry, entry_rule


@entry_rule(order=50)
def short_allowed(entry: Entry) -> Denial | None:
    """Deny a sell entry unless shorts are configured and the asset is shortable.

    A written option is not denied here: the venue's level and margin say which ones are covered.
    """
    if entry.proposal.side is Side.BUY or entry.asset.asset_class is AssetClass.OPTION:
        return None
    if entry.book.config.allow_short and entry.asset.shortable:
        return None
    return Denial(Reason.SHORT_NOT_ALLOWED, f"{entry.asset.symbol}: long only")
