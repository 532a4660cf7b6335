"""Options are limited by their sensitivities, so these must be known."""

import math

from ratchet.core.assets import AssetClass
from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Denial, Entry, entry_rule


@entry_rule(order=180)
def greeks_known(entry: Entry) -> Denial | None:
    """Deny an option when its Greeks, or those of an option that is held or working, are not numbers."""
    if entry.asset.asset_class is not AssetClass.OPTION:
        return None
    book, own = entry.book, entry.facts.greeks
    if own is None or book.greeks_missing:
        missing = sorted(book.greeks_missing | ({entry.asset.id} if own is None else set()))
        return Denial(Reason.GREEKS_UNKNOWN, f"the Greeks of assets {missing} are not known")
    figures = (own.delta, own.gamma, own.vega, own.theta, *book.greeks.values())
    if all(math.isfinite(figure) for figure in figures):
        return None
    return Denial(Reason.GREEKS_UNKNOWN, f"{entry.asset.symbol}: a figure of the Greeks is not a number")
