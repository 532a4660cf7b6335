"""Fixed fraction: a position takes at most a share of equity."""

from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Entry, sizer


@sizer(order=10, name="position_limit", reason=Reason.POSITION_LIMIT)
def position_limit(entry: Entry) -> float:
    """Return what the portfolio's position limit leaves."""
    return entry.book.config.max_position_ratio * entry.book.equity - entry.book.asset_gross.get(
        entry.asset.id, 0.0
    )
