"""Stop below the entry, at a fixed ratio or closer by ATR."""

from ratchet.core.exits.config import ExitConfig
from ratchet.core.exits.rulebook import exit_rule
from ratchet.core.exits.types import ExitReason, ExitView


@exit_rule(order=10, reason=ExitReason.STOP_LOSS)
def stop_loss(config: ExitConfig, view: ExitView) -> bool:
    """Say whether the bar touched the stop; a touch is enough, even if the close recovered."""
    distance = view.stop_loss_ratio
    if config.stop_atr_multiple is not None and view.atr_ratio > 0.0:
        distance = min(distance, config.stop_atr_multiple * view.atr_ratio)
    return view.adverse <= -distance
