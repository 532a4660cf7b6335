"""The asset's own maximum position."""

from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Entry, sizer


@sizer(order=20, name="asset_limit", reason=Reason.POSITION_LIMIT)
def asset_limit(entry: Entry) -> float:
    """Return what the registry's limit on this asset leaves."""
    return entry.asset.max_position_ratio * entry.book.equity - entry.book.asset_gross.get(
        entry.asset.id, 0.0
    )
