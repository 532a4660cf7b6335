"""Consensus of RSI, MACD and Bollinger bands, read as confirmation of a trend."""

import numpy as np
from pydantic import Field

from ratchet.core.strategies.base import Strategy, StrategyContext, StrategyParameters, StrategySignals
from ratchet.core.strategies.registry import strategy
from ratchet.core.strategies.votes import score_votes


class IndicatorConsensusParameters(StrategyParameters):
    """`enter_score` and `stay_score` are means of three readings in [-1, 1]."""

    enter_score: float = Field(default=0.6, gt=0, lt=1)
    stay_score: float = Field(default=-0.6, gt=-1, lt=1)


@strategy("indicator_consensus")
class IndicatorConsensus(Strategy[IndicatorConsensusParameters]):
    """Votes when RSI(14), MACD(12, 26, 9) in ATR and Bollinger %b agree, until they agree on the opposite."""

    Parameters = IndicatorConsensusParameters
    explains = ("rsi_14", "macd_histogram_ratio", "bollinger_percent_b")

    def generate_signals(self, ctx: StrategyContext) -> StrategySignals:
        """Vote with the mean of the three readings; abstain where the regime contradicts it."""
        p = self.parameters
        atr = ctx["atr_14"]
        rsi = np.minimum(np.maximum((ctx["rsi_14"] - 50.0) / 15.0, -1.0), 1.0)
        macd = np.minimum(np.maximum(ctx["macd"] / np.where(atr > 0, atr, np.nan), -1.0), 1.0)
        band = np.minimum(np.maximum(2.0 * ctx["bollinger_percent_b"] - 1.0, -1.0), 1.0)
        votes = score_votes(ctx.previous, (rsi + macd + band) / 3.0, p.enter_score, p.stay_score, full=1.0)
        against = votes.direction * ctx.regime < 0
        votes.direction[against] = 0
        votes.confidence[against] = 0.0
        return votes
