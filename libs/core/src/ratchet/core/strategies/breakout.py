"""Channel breakout in the manner of Donchian and the Turtles."""

import numpy as np
from pydantic import Field

from ratchet.core.strategies.base import Strategy, StrategyContext, StrategyParameters, StrategySignals
from ratchet.core.strategies.registry import strategy
from ratchet.core.strategies.votes import hold, votes


class BreakoutParameters(StrategyParameters):
    """`margin_atr` is by how many ATR(14) the close must exceed the 168-bar extreme."""

    margin_atr: float = Field(default=0.25, ge=0)


@strategy("breakout")
class Breakout(Strategy[BreakoutParameters]):
    """Enters beyond the extreme of the 168 bars before, leaves at the opposite extreme of 55."""

    Parameters = BreakoutParameters
    explains = ("breakout_high_168", "breakout_low_168", "donchian_position_55")

    def generate_signals(self, ctx: StrategyContext) -> StrategySignals:
        """Vote with the breakout until the shorter channel breaks the other way."""
        margin = self.parameters.margin_atr * ctx["natr_14"] / 100.0
        above, below = ctx["breakout_high_168"], ctx["breakout_low_168"]
        long = hold(np.maximum(ctx.previous, 0), above > margin, ctx["breakout_low_55"] > 0)
        short = hold(np.minimum(ctx.previous, 0), below < -margin, ctx["breakout_high_55"] < 0)
        position = 2.0 * np.abs(ctx["donchian_position_55"] - 0.5)
        valid = ~np.isnan(above + margin)
        return votes(long & ~short, short & ~long, position, valid, flat_confidence=0.5)
