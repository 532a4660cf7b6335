"""A sector takes at most a share of equity."""

import math

from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Entry, sizer


@sizer(order=52, name="sector_limit", reason=Reason.SECTOR_LIMIT)
def sector_limit(entry: Entry) -> float:
    """Return what the sector limit leaves.

    An asset whose sector is not known is a sector of its own, which the position limit holds already.
    """
    book, sector = entry.book, entry.asset.sector
    if not sector:
        return math.inf
    return book.config.max_sector_ratio * book.equity - book.sector_gross.get(sector, 0.0)
