"""No winner becomes a loser."""

from ratchet.core.exits.config import ExitConfig
from ratchet.core.exits.rulebook import exit_rule
from ratchet.core.exits.types import ExitReason, ExitView


@exit_rule(order=30, reason=ExitReason.BREAK_EVEN)
def break_even(config: ExitConfig, view: ExitView) -> bool:
    """Say whether the bar came back to the entry after a gain that had earned the protection."""
    activation = config.break_even_activation_ratio
    return activation is not None and view.best >= activation and view.adverse <= 0.0
