"""An asset class takes at most a share of equity."""

from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Entry, sizer


@sizer(order=50, name="class_limit", reason=Reason.CLASS_LIMIT)
def class_limit(entry: Entry) -> float:
    """Return what the class limit leaves; a class without a limit may hold nothing."""
    limit = entry.book.config.class_limit_ratio.get(entry.asset.asset_class, 0.0)
    return limit * entry.book.equity - entry.book.class_gross.get(entry.asset.asset_class, 0.0)
