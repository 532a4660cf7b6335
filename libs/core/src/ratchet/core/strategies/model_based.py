"""Votes of the trained model."""

from pydantic import Field

from ratchet.core.strategies.base import Strategy, StrategyContext, StrategyParameters, StrategySignals
from ratchet.core.strategies.registry import strategy
from ratchet.core.strategies.votes import score_votes


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
        enter, stay = p.enter_probability - 0.5, p.stay_probability - 0.5
        return score_votes(ctx.previous, ctx.probability - 0.5, enter, stay, full=2 * enter, flat=0.5)
