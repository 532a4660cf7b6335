"""Consensus of RSI, MACD and Bollinger bands, read as trend confirmation."""

import numpy as np
from pydantic import Field

from ratchet.core.strategies.base import Strategy, StrategyContext, StrategyParameters, StrategySignals
from ratchet.core.strategies.registry import strategy
from ratchet.core.strategies.votes import hold, votes


class IndicatorConsensusParameters(StrategyParameters):
    """`enter_score` and `stay_score` are means of three readings in [-1, 1]."""

    enter_score: float = Field(default=0.6, gt=0, lt=1)
    stay_score: float = Field(default=-0.3, gt=-1, lt=1)


@strategy("indicator_consensus")
class IndicatorConsensus(Strategy[IndicatorConsensusParameters]):
    """Votes when RSI(14), MACD(12, 26, 9) in ATR and Bollinger %b agree; leaves when they turn."""

    Parameters = IndicatorConsensusParameters
    explains = ("rsi_14", "macd_histogram_ratio", "bollinger_percent_b")

    def generate_signals(self, ctx: StrategyContext) -> StrategySignals:
        """Vote with the mean of the three readings, with a wide band of hysteresis."""
        p = self.parameters
        rsi = np.clip((ctx["rsi_14"] - 50.0) / 15.0, -1.0, 1.0)
        atr = ctx["atr_14"]
        valid = atr > 0
        macd = np.clip(ctx["macd"] / np.where(valid, atr, 1.0), -1.0, 1.0)
        band = np.clip(2.0 * ctx["bollinger_percent_b"] - 1.0, -1.0, 1.0)
        score = (rsi + macd + band) / 3.0
        valid &= ~np.isnan(score)
        long = hold(np.maximum(ctx.previous, 0), score > p.enter_score, score > p.stay_score)
        short = hold(np.minimum(ctx.previous, 0), score < -p.enter_score, score < -p.stay_score)
        # Within the band both states may hold on; the one that was there first stays.
        short &= ~long | (ctx.previous < 0)
        long &= ~short
        return votes(long, short, np.abs(score), valid, flat_confidence=0.5)
