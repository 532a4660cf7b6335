"""Time-series momentum over three horizons.

Source: Moskowitz, Ooi and Pedersen, Time series momentum (2012): the sign and size of past returns,
scaled by volatility, averaged over horizons of days to weeks.
"""

import numpy as np
from pydantic import Field

from ratchet.core.strategies.base import Strategy, StrategyContext, StrategyParameters, StrategySignals
from ratchet.core.strategies.registry import strategy
from ratchet.core.strategies.votes import hold, votes

_HORIZONS = (72, 168, 336)


class MomentumParameters(StrategyParameters):
    """Scores are mean returns in units of their volatility over the horizon."""

    enter_score: float = Field(default=0.6, gt=0)
    stay_score: float = Field(default=0.0, ge=0)


@strategy("momentum")
class Momentum(Strategy[MomentumParameters]):
    """Follows the volatility-scaled returns of 72, 168 and 336 bars."""

    Parameters = MomentumParameters
    explains = ("return_72", "return_168", "return_336", "momentum_rank")

    def generate_signals(self, ctx: StrategyContext) -> StrategySignals:
        """Vote with the score's sign beyond `enter_score`, held down to `stay_score`."""
        volatility = ctx["volatility_168"]
        valid = volatility > 0
        unit = np.where(valid, volatility, 1.0)
        score = sum(np.clip(ctx[f"return_{h}"] / (unit * h**0.5), -2.0, 2.0) for h in _HORIZONS) / len(
            _HORIZONS
        )
        valid &= ~np.isnan(score)
        enter, stay = self.parameters.enter_score, self.parameters.stay_score
        long = hold(np.maximum(ctx.previous, 0), score > enter, score > stay)
        short = hold(np.minimum(ctx.previous, 0), score < -enter, score < -stay)
        return votes(long, short, np.abs(score) / (2 * enter), valid, flat_confidence=0.5)
