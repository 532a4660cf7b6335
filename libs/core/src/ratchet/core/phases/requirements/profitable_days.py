"""Enough days that made money."""

from ratchet.core.phases.gate import GateItem
from ratchet.core.phases.rulebook import Facts, requirement
from ratchet.core.phases.types import Requirement


@requirement("profitable_days")
def profitable_days(item: GateItem, facts: Facts) -> Requirement:
    """At least `threshold` profitable days in all, in the classes named or the portfolio."""
    count = facts.history.profitable_days(item.asset_classes)
    where = ", ".join(item.asset_classes) or "portfolio"
    detail = f"of {len(facts.history)} days, {where}"
    return Requirement("profitable_days", item.threshold, float(count), count >= item.threshold, detail)
