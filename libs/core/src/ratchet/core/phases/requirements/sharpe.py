"""Return for its risk."""

import math

from ratchet.core.performance import DAYS_PER_YEAR_CRYPTO, sharpe_ratio
from ratchet.core.phases.gate import GateItem
from ratchet.core.phases.rulebook import Facts, requirement
from ratchet.core.phases.types import Requirement


@requirement("sharpe", windowed=True)
def sharpe(item: GateItem, facts: Facts) -> Requirement:
    """A Sharpe ratio above `threshold` over a full window of calendar days, annualised by 365.

    Without any variation the ratio is undefined: it counts, and is shown, as zero.
    """
    window = item.window_days or 0
    returns = facts.history.returns(item.asset_classes, window, facts.since)
    value = sharpe_ratio(returns, DAYS_PER_YEAR_CRYPTO)
    value = 0.0 if math.isnan(value) else value
    met = value > item.threshold if len(returns) >= window else facts.since is not None
    return Requirement("sharpe", item.threshold, value, met, f"{len(returns)} of {window} days")
