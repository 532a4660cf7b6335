"""Return for its risk."""

from ratchet.core.phases.config import GateItem
from ratchet.core.phases.history import sharpe_ratio
from ratchet.core.phases.rulebook import Facts, requirement
from ratchet.core.phases.types import Requirement


@requirement("sharpe", windowed=True)
def sharpe(item: GateItem, facts: Facts) -> Requirement:
    """A Sharpe ratio above `threshold` over a full window of calendar days, annualised by 365."""
    window = item.window_days or 0
    returns = facts.history.returns(item.asset_classes, window, facts.since)
    value = sharpe_ratio(returns)
    met = value > item.threshold if len(returns) >= window else facts.since is not None
    return Requirement("sharpe", item.threshold, value, met, f"{len(returns)} of {window} days")
