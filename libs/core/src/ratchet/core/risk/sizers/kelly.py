"""Fractional Kelly: the bet that the record of the class has earned."""

import math

from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Entry, sizer


@sizer(order=80, name="kelly", reason=Reason.KELLY_LIMIT)
def kelly(entry: Entry) -> float:
    """Return safety x (W - (1 - W) / R) of equity; W is the share of winners, R mean win over mean loss.

    Kelly, A new interpretation of information rate, 1956, with the whole stake taken to be at risk, which
    makes it the cautious one of the usual forms. It abstains before there are enough trades, and never goes
    below the floor, so that a class that has lost can still show that it has changed.
    """
    book, config = entry.book, entry.book.config
    record = book.context.records.get(entry.asset.asset_class.value) if book.context else None
    if record is None or not config.kelly_safety or record.trades < config.kelly_min_trades:
        return math.inf
    if record.mean_loss == 0.0:
        fraction = record.win_ratio
    elif record.mean_win == 0.0:
        fraction = -math.inf if record.win_ratio < 1.0 else 0.0
    else:
        fraction = record.win_ratio - (1.0 - record.win_ratio) * record.mean_loss / record.mean_win
    if math.isnan(fraction) or math.isnan(record.trades):
        return math.nan
    return max(config.kelly_safety * fraction, config.kelly_floor_ratio) * book.equity
