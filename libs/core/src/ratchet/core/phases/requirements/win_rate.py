"""More winners than losers."""

from ratchet.core.phases.gate import GateItem
from ratchet.core.phases.rulebook import Facts, requirement
from ratchet.core.phases.types import Requirement


@requirement("win_rate")
def win_rate(item: GateItem, facts: Facts) -> Requirement:
    """A share of winners above `threshold` among all closed trades."""
    wins, losses = facts.history.trades(item.asset_classes)
    value = wins / (wins + losses) if wins + losses else 0.0
    return Requirement("win_rate", item.threshold, value, value > item.threshold, f"{wins + losses} trades")
