"""Compiled helpers of the strategies: hysteresis over arrays in one call."""

from dataclasses import dataclass

import numpy as np

from ratchet.core.features.types import Mask
from ratchet.core.jit import entry
from ratchet.core.market.batch import Floats
from ratchet.core.strategies.base import Directions, StrategySignals


@dataclass(frozen=True, slots=True)
class States:
    """Four conditions [N]: where a long or short begins, and where one that is on may stay."""

    enter_long: Mask
    stay_long: Mask
    enter_short: Mask
    stay_short: Mask


@entry
def _state_votes(
    previous: Directions,
    enter_long: Mask,
    stay_long: Mask,
    enter_short: Mask,
    stay_short: Mask,
    strength: Floats,
    flat: float,
    direction: Directions,
    confidence: Floats,
) -> None:
    for i in range(previous.size):
        if np.isnan(strength[i]):
            continue
        side = 0
        if previous[i] > 0 and stay_long[i]:
            side = 1
        elif previous[i] < 0 and stay_short[i]:
            side = -1
        if enter_long[i] and not enter_short[i]:
            side = 1
        elif enter_short[i] and not enter_long[i]:
            side = -1
        direction[i] = side
        confidence[i] = flat if side == 0 else 0.5 + 0.5 * min(max(strength[i], 0.0), 1.0)


@entry
def _score_votes(
    previous: Directions,
    score: Floats,
    enter: float,
    stay: float,
    full: float,
    flat: float,
    direction: Directions,
    confidence: Floats,
) -> None:
    for i in range(previous.size):
        value = score[i]
        if np.isnan(value):
            continue
        side = 0
        if value >= enter or (previous[i] > 0 and value > stay):
            side = 1
        elif value <= -enter or (previous[i] < 0 and value < -stay):
            side = -1
        direction[i] = side
        confidence[i] = flat if side == 0 else 0.5 + 0.5 * min(max(side * value / full, 0.0), 1.0)


def state_votes(previous: Directions, states: States, strength: Floats, flat: float = 0.0) -> StrategySignals:
    """Turn conditions into votes, each held while it may stay.

    `strength` in [0, 1] maps to a confidence in [0.5, 1]; where it is NaN the strategy abstains. Where
    neither side holds the vote is to stay out with confidence `flat` (0: abstain).
    """
    votes = StrategySignals.abstain(previous.size)
    _state_votes(
        previous,
        states.enter_long,
        states.stay_long,
        states.enter_short,
        states.stay_short,
        strength,
        flat,
        votes.direction,
        votes.confidence,
    )
    return votes


def score_votes(
    previous: Directions, score: Floats, enter: float, stay: float, full: float, flat: float = 0.0
) -> StrategySignals:
    """Turn a score into votes: taken at `enter` or -`enter`, held beyond `stay` or -`stay`.

    Confidence grows from 0.5 at a score of 0 to 1 at `full`; where the score is NaN the strategy abstains.
    """
    votes = StrategySignals.abstain(previous.size)
    _score_votes(previous, score, enter, stay, full, flat, votes.direction, votes.confidence)
    return votes
