"""Portfolio heat: all stops together lose at most a share of equity."""

from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Entry, sizer


@sizer(order=64, name="heat_limit", reason=Reason.HEAT_LIMIT)
def heat_limit(entry: Entry) -> float:
    """Return the notional whose loss at its stop fits beside those of positions and working entries."""
    book = entry.book
    return (book.config.max_heat_ratio * book.equity - book.heat) / entry.asset.stop_loss_ratio
