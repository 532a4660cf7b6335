"""Positions do not stay for ever."""

from ratchet.core.exits.config import ExitConfig
from ratchet.core.exits.rulebook import exit_rule
from ratchet.core.exits.types import ExitReason, ExitView

_NS_PER_DAY = 86_400_000_000_000


@exit_rule(order=50, reason=ExitReason.TIME_STOP)
def time_stop(_config: ExitConfig, view: ExitView) -> bool:
    """Say whether the position was held for its maximum."""
    if view.max_holding_days is None:
        return False
    return view.held_ns >= view.max_holding_days * _NS_PER_DAY
