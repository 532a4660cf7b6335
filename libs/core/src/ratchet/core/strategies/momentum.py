"""Time-series momentum over several horizons.

Source: Moskowitz, Ooi and Pedersen, Time series momentum (2012): the sign and size of past returns,
scaled by volatility, averaged over horizons of a week, a fortnight and a month of hours.
"""

from typing import Literal

import numpy as np
from pydantic import Field

from ratchet.core.market.batch import Floats
from ratchet.core.strategies.base import Strategy, StrategyContext, StrategyParameters, StrategySignals
from ratchet.core.strategies.registry import strategy
from ratchet.core.strategies.votes import score_votes


class MomentumParameters(StrategyParameters):
    """Scores are mean returns in units of their volatility over each horizon, capped at 2."""

    horizons_bars: tuple[Literal[24, 72, 168, 336, 720], ...] = Field(default=(168, 336, 720), min_length=1)
    enter_score: float = Field(default=0.5, gt=0)
    stay_score: float = Field(default=0.0, ge=-2)


@strategy("momentum")
class Momentum(Strategy[MomentumParameters]):
    """Follows volatility-scaled past returns; horizons that have no value yet do not count."""

    Parameters = MomentumParameters
    explains = ("return_168", "return_336", "return_720", "momentum_rank")

    def generate_signals(self, ctx: StrategyContext) -> StrategySignals:
        """Vote with the score's sign beyond `enter_score`, held down to `stay_score`."""
        p = self.parameters
        volatility = ctx["volatility_168"]
        unit = np.where(volatility > 0, volatility, np.nan)
        total: Floats = np.zeros(unit.size)
        known: Floats = np.zeros(unit.size)
        for bars in p.horizons_bars:
            scaled = ctx[f"return_{bars}"] / (unit * bars**0.5)
            has = ~np.isnan(scaled)
            total[has] += np.minimum(np.maximum(scaled[has], -2.0), 2.0)
            known += has
        score = total / np.where(known > 0, known, np.nan)
        return score_votes(ctx.previous, score, p.enter_score, p.stay_score, full=1.5, flat=0.5)
