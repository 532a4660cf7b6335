"""Trend following by moving averages."""

import numpy as np
from pydantic import Field

from ratchet.core.strategies.base import Strategy, StrategyContext, StrategyParameters, StrategySignals
from ratchet.core.strategies.registry import strategy
from ratchet.core.strategies.votes import hold, votes


class TrendFollowingParameters(StrategyParameters):
    """`enter_spread_atr` is the distance of EMA(50) from EMA(200) in ATR(14) that starts a trend."""

    enter_spread_atr: float = Field(default=1.0, ge=0)
    min_adx: float = Field(default=20.0, ge=0, le=100)


@strategy("trend_following")
class TrendFollowing(Strategy[TrendFollowingParameters]):
    """Follows EMA(50) against EMA(200) once the spread and ADX confirm, until the averages cross."""

    Parameters = TrendFollowingParameters
    explains = ("ema_spread", "sma_200_distance", "adx_14")

    def generate_signals(self, ctx: StrategyContext) -> StrategySignals:
        """Vote with the trend while the close is on its side of SMA(200) or the averages have not crossed."""
        p = self.parameters
        spread, distance, natr = ctx["ema_spread"], ctx["sma_200_distance"], ctx["natr_14"]
        valid = ~np.isnan(spread + distance) & (natr > 0)
        strength = spread / np.where(valid, natr / 100.0, 1.0)
        strong = ctx["adx_14"] > p.min_adx
        enter_long = (strength > p.enter_spread_atr) & (distance > 0) & strong
        enter_short = (strength < -p.enter_spread_atr) & (distance < 0) & strong
        long = hold(np.maximum(ctx.previous, 0), enter_long, spread > 0)
        short = hold(np.minimum(ctx.previous, 0), enter_short, spread < 0)
        return votes(long, short, np.abs(strength) / 4.0, valid, flat_confidence=0.5)
