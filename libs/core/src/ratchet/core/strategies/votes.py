"""Shared array helpers of the strategies."""

import numpy as np

from ratchet.core.features.types import Mask
from ratchet.core.market.batch import Floats
from ratchet.core.strategies.base import Directions, StrategySignals


def hold(previous: Directions, enter: Mask, stay: Mask) -> Mask:
    """Return where a state is on: entered now, or on before and not yet left (hysteresis)."""
    held: Mask = enter | ((previous != 0) & stay)
    return held


def votes(
    long: Mask, short: Mask, strength: Floats, valid: Mask, flat_confidence: float = 0.0
) -> StrategySignals:
    """Combine masks into votes.

    `strength` in [0, 1] is how far beyond its threshold a vote is; it maps to a confidence in [0.5, 1].
    Where neither side holds the vote is to stay out with `flat_confidence`, where not `valid` an abstention.
    """
    direction = long.astype(np.int8) - short.astype(np.int8)
    direction[~valid] = 0
    confidence = np.where(direction != 0, 0.5 + 0.5 * np.clip(strength, 0.0, 1.0), flat_confidence)
    return StrategySignals(direction, np.where(valid, confidence, 0.0))
