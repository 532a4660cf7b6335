"""Target above the entry, nearer or farther by regime."""

from ratchet.core.exits.config import ExitConfig
from ratchet.core.exits.rulebook import exit_rule
from ratchet.core.exits.types import ExitReason, ExitView


@exit_rule(order=40, reason=ExitReason.TAKE_PROFIT)
def take_profit(config: ExitConfig, view: ExitView) -> bool:
    """Say whether the close is at the target; a touch is not enough, for the exit fills at the next open."""
    if config.take_profit_ratio is None:
        return False
    factor = {1: config.bull_target_factor, -1: config.bear_target_factor}.get(view.regime, 1.0)
    return view.close >= config.take_profit_ratio * factor
