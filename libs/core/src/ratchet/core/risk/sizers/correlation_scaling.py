"""Inverse correlation: the more an entry repeats what is held, the smaller it is."""

import math

from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Entry, sizer


@sizer(order=110, name="correlation_scaling", reason=Reason.CORRELATION_LIMIT, is_costly=True)
def correlation_scaling(entry: Entry) -> float:
    """Return the order limit over 1 + scaling x mean correlation with what is held and working.

    The mean is weighted by exposure; negative correlations and those that are not known count as none.
    """
    book = entry.book
    pairs = book.correlated(entry.asset.id, entry.proposal.side)
    total = sum(exposure for exposure, _ in pairs)
    if not book.config.correlation_scaling or not total:
        return math.inf
    mean = sum(exposure * rho for exposure, rho in pairs if rho > 0.0) / total
    full = book.config.max_order_ratio * book.equity
    return full / (1.0 + book.config.correlation_scaling * mean)
