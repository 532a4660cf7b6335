"""Enough money."""

from ratchet.core.phases.gate import GateItem
from ratchet.core.phases.rulebook import Facts, requirement
from ratchet.core.phases.types import Requirement


@requirement("equity")
def equity(item: GateItem, facts: Facts) -> Requirement:
    """Equity of at least `threshold` at the end of the day."""
    value = facts.history.equity
    return Requirement("equity", item.threshold, value, value >= item.threshold)
