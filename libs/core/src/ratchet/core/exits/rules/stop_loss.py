"""Stop below the entry: the nearest of the fixed, ATR, volatility and pip distances."""

from ratchet.core.exits.config import ExitConfig
from ratchet.core.exits.rulebook import exit_rule
from ratchet.core.exits.stops import stop_distance_ratio
from ratchet.core.exits.types import ExitReason, ExitView


@exit_rule(order=10, reason=ExitReason.STOP_LOSS)
def stop_loss(config: ExitConfig, view: ExitView) -> bool:
    """Say whether the bar touched the stop; a touch is enough, even if the close recovered."""
    return view.adverse <= -stop_distance_ratio(config, view)
