"""Target above the entry, nearer or farther by regime."""

from ratchet.core.exits.config import ExitConfig
from ratchet.core.exits.rulebook import exit_rule
from ratchet.core.exits.stops import target_ratio
from ratchet.core.exits.types import ExitReason, ExitView


@exit_rule(order=40, reason=ExitReason.TAKE_PROFIT)
def take_profit(config: ExitConfig, view: ExitView) -> bool:
    """Say whether the close is at the target; a touch is not enough, for the exit fills at the next open."""
    return view.close >= target_ratio(config, view)
