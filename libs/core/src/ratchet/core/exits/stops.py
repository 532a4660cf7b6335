"""How far from the entry price the protective stop lies, and where the targets do."""

import math

from ratchet.core.exits.config import ExitConfig
from ratchet.core.exits.types import ExitView


def stop_distance_ratio(config: ExitConfig, view: ExitView) -> float:
    """Return the nearest of the fixed, ATR, volatility and pip distances, as a fraction of the entry price.

    A distance whose market figure is unknown (NaN) or zero is left out; the fixed one always counts.
    """
    distances = [
        (config.stop_atr_multiple or 0.0) * view.atr_ratio,
        (config.stop_volatility_multiple or 0.0) * view.volatility * math.sqrt(config.stop_volatility_bars),
        view.pip_stop,
    ]
    return min([view.stop_loss_ratio, *(distance for distance in distances if distance > 0.0)])


def stop_level(config: ExitConfig, view: ExitView) -> float:
    """Return the gain at which a stop for the next bar lies: the tightest of fixed, trailing and break-even.

    `view.best` must include the bar that has just ended. 0 is the entry price, -0.05 a loss of 5 %.
    """
    levels = [-stop_distance_ratio(config, view)]
    activation = config.trailing_activation_ratio
    if activation is not None and view.best >= activation:
        best_price = 1.0 + view.side * view.best
        levels.append(view.side * (best_price * (1.0 - view.side * config.trailing_distance_ratio) - 1.0))
    if config.break_even_activation_ratio is not None and view.best >= config.break_even_activation_ratio:
        levels.append(0.0)
    return max(levels)


def target_factor(config: ExitConfig, regime: int) -> float:
    """Return by how much targets move in a regime: farther in a bull market, nearer in a bear market."""
    return {1: config.bull_target_factor, -1: config.bear_target_factor}.get(regime, 1.0)


def target_ratio(config: ExitConfig, view: ExitView) -> float:
    """Return the take-profit target as a fraction of the entry price, infinite without one."""
    if config.take_profit_ratio is None:
        return math.inf
    return config.take_profit_ratio * target_factor(config, view.regime)
