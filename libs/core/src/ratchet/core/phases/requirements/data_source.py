"""Something to trade on."""

from ratchet.core.phases.gate import GateItem
from ratchet.core.phases.rulebook import Facts, requirement
from ratchet.core.phases.types import Requirement


@requirement("data_source")
def data_source(item: GateItem, facts: Facts) -> Requirement:
    """A source that has delivered bars of the phase's assets lately."""
    working = facts.phase in facts.working_phases
    detail = "delivers" if working else "no recent bars of this phase's assets"
    return Requirement("data_source", item.threshold, float(working), working, detail)
