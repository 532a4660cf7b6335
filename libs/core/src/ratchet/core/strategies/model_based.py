"""Votes of the trained model."""

import numpy as np
from pydantic import Field

from ratchet.core.strategies.base import Strategy, StrategyContext, StrategyParameters, StrategySignals
from ratchet.core.strategies.registry import strategy
from ratchet.core.strategies.votes import hold, votes


class ModelBasedParameters(StrategyParameters):
    """Probabilities of a rising price over the model's horizon."""

    enter_probability: float = Field(default=0.55, gt=0.5, lt=1)
    stay_probability: float = Field(default=0.5, ge=0.4, lt=1)


@strategy("model_based")
class ModelBased(Strategy[ModelBasedParameters]):
    """Follows the model's probability; abstains where there is none."""

    Parameters = ModelBasedParameters

    def generate_signals(self, ctx: StrategyContext) -> StrategySignals:
        """Vote up at `enter_probability` or more, down at its complement, held to `stay_probability`."""
        if ctx.probability is None:
            return StrategySignals.abstain(ctx.present.size)
        p = self.parameters
        up, down = ctx.probability, 1.0 - ctx.probability
        long = hold(np.maximum(ctx.previous, 0), up >= p.enter_probability, up > p.stay_probability)
        short = hold(np.minimum(ctx.previous, 0), down >= p.enter_probability, down > p.stay_probability)
        edge = np.abs(up - 0.5) / (2.0 * (p.enter_probability - 0.5))
        return votes(long & ~short, short & ~long, edge, ~np.isnan(up), flat_confidence=0.5)
