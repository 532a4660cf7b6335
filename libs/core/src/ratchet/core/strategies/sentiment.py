"""Votes of news and social sentiment."""

import numpy as np
from pydantic import Field

from ratchet.core.strategies.base import Strategy, StrategyContext, StrategyParameters, StrategySignals
from ratchet.core.strategies.registry import strategy
from ratchet.core.strategies.votes import hold, votes


class SentimentParameters(StrategyParameters):
    """Scores in [-1, 1]."""

    enter_score: float = Field(default=0.3, gt=0, lt=1)
    stay_score: float = Field(default=0.1, ge=0, lt=1)


@strategy("sentiment")
class Sentiment(Strategy[SentimentParameters]):
    """Follows clear sentiment unless the regime contradicts it; abstains without a score."""

    Parameters = SentimentParameters

    def generate_signals(self, ctx: StrategyContext) -> StrategySignals:
        """Vote with scores beyond `enter_score`, held to `stay_score`; abstain in between."""
        if ctx.sentiment is None:
            return StrategySignals.abstain(ctx.present.size)
        p, score = self.parameters, ctx.sentiment
        long = hold(np.maximum(ctx.previous, 0), score > p.enter_score, score > p.stay_score)
        short = hold(np.minimum(ctx.previous, 0), score < -p.enter_score, score < -p.stay_score)
        return votes(long & (ctx.regime >= 0), short & (ctx.regime <= 0), np.abs(score), ~np.isnan(score))
