"""Trend following by moving averages."""

import numpy as np
from pydantic import Field

from ratchet.core.strategies.base import Strategy, StrategyContext, StrategyParameters, StrategySignals
from ratchet.core.strategies.registry import strategy
from ratchet.core.strategies.votes import States, state_votes


class TrendFollowingParameters(StrategyParameters):
    """`enter_spread_atr` is the distance of EMA(50) from EMA(200) in ATR(14) that starts a trend."""

    enter_spread_atr: float = Field(default=1.0, ge=0)
    min_adx: float = Field(default=20.0, ge=0, le=100)


@strategy("trend_following")
class TrendFollowing(Strategy[TrendFollowingParameters]):
    """Follows EMA(50) against EMA(200), on the side of SMA(720) where known, until the averages cross."""

    Parameters = TrendFollowingParameters
    explains = ("ema_spread", "sma_720_distance", "adx_14")

    def generate_signals(self, ctx: StrategyContext) -> StrategySignals:
        """Enter once spread, ADX and the slow average agree; stay until the averages cross."""
        p = self.parameters
        spread, slow, natr = ctx["ema_spread"], ctx["sma_720_distance"], ctx["natr_14"]
        strength = 100.0 * spread / np.where(natr > 0, natr, np.nan)
        strong = ctx["adx_14"] > p.min_adx
        states = States(
            enter_long=(strength > p.enter_spread_atr) & ~(slow <= 0) & strong,
            stay_long=spread > 0,
            enter_short=(strength < -p.enter_spread_atr) & ~(slow >= 0) & strong,
            stay_short=spread < 0,
        )
        return state_votes(ctx.previous, states, np.abs(strength) / 4.0, flat=0.5)
