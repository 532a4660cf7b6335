"""What moves together counts together."""

from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Entry, sizer


@sizer(order=100, name="correlation_limit", reason=Reason.CORRELATION_LIMIT, is_costly=True)
def correlation_limit(entry: Entry) -> float:
    """Return what the limit on correlated exposure leaves.

    The group is everything held or working whose correlation with the candidate reaches the threshold, the
    candidate's own asset included. A correlation that is not known counts as complete.
    """
    book, threshold = entry.book, entry.book.config.correlation_threshold
    pairs = book.correlated(entry.asset.id, entry.proposal.side)
    group = sum(exposure for exposure, rho in pairs if not rho < threshold)
    own = book.asset_gross.get(entry.asset.id, 0.0)
    return book.config.max_correlated_ratio * book.equity - own - group
