"""No deep fall."""

from ratchet.core.performance import max_drawdown as largest_fall
from ratchet.core.phases.gate import GateItem
from ratchet.core.phases.rulebook import Facts, requirement
from ratchet.core.phases.types import Requirement


@requirement("max_drawdown", windowed=True)
def max_drawdown(item: GateItem, facts: Facts) -> Requirement:
    """A largest fall from a peak below `threshold` within the window."""
    window = item.window_days or 0
    returns = facts.history.returns(item.asset_classes, window, facts.since)
    value = largest_fall(returns)
    met = value < item.threshold if len(returns) else facts.since is not None
    return Requirement("max_drawdown", item.threshold, value, met, f"{len(returns)} of {window} days")
