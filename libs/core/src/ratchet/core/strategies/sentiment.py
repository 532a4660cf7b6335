"""Votes of news and social sentiment."""

from pydantic import Field

from ratchet.core.strategies.base import Strategy, StrategyContext, StrategyParameters, StrategySignals
from ratchet.core.strategies.registry import strategy
from ratchet.core.strategies.votes import score_votes


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
        p = self.parameters
        votes = score_votes(ctx.previous, ctx.sentiment, p.enter_score, p.stay_score, full=1.0)
        against = votes.direction * ctx.regime < 0
        votes.direction[against] = 0
        votes.confidence[against] = 0.0
        return votes
