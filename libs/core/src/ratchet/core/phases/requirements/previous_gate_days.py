"""The phase before must have stood its own test for longer."""

from ratchet.core.phases.gate import GateItem
from ratchet.core.phases.rulebook import Facts, requirement
from ratchet.core.phases.types import Requirement


@requirement("previous_gate_days")
def previous_gate_days(item: GateItem, facts: Facts) -> Requirement:
    """The previous phase's gate met for `threshold` days in a row since it was activated."""
    previous = facts.records.get(facts.phase - 1)
    days = previous.gate_days if previous else 0
    return Requirement("previous_gate_days", item.threshold, float(days), days >= item.threshold)
