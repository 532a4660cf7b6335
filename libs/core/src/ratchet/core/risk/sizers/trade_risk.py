"""Fixed risk a trade: hitting the stop loses at most a share of equity."""

from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Entry, sizer


@sizer(order=30, name="trade_risk", reason=Reason.TRADE_RISK_LIMIT)
def trade_risk(entry: Entry) -> float:
    """Return the notional whose loss at the stop distance is the risk allowed for a trade."""
    return entry.book.config.risk_per_trade_ratio * entry.book.equity / entry.asset.stop_loss_ratio
