"""A stop that follows the best price."""

from ratchet.core.exits.config import ExitConfig
from ratchet.core.exits.rulebook import exit_rule
from ratchet.core.exits.types import ExitReason, ExitView


@exit_rule(order=20, reason=ExitReason.TRAILING_STOP)
def trailing_stop(config: ExitConfig, view: ExitView) -> bool:
    """Say whether the bar fell back by the distance from the best price before it, once that was far enough.

    The bar's own best price does not count: whether it came before the worst one is not known.
    """
    if config.trailing_activation_ratio is None or view.best < config.trailing_activation_ratio:
        return False
    best_price = 1.0 + view.side * view.best
    worst_price = 1.0 + view.side * view.adverse
    return view.side * (worst_price - best_price) <= -config.trailing_distance_ratio * best_price
