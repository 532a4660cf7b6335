"""Channel breakout in the manner of Donchian and the Turtles' System 1 (20 days in, 10 days out)."""

from typing import Literal

import numpy as np
from pydantic import Field

from ratchet.core.strategies.base import Strategy, StrategyContext, StrategyParameters, StrategySignals
from ratchet.core.strategies.registry import strategy
from ratchet.core.strategies.votes import States, state_votes


class BreakoutParameters(StrategyParameters):
    """Channels in bars, and by how many ATR(14) the close must exceed the one of entry."""

    entry_bars: Literal[55, 168, 240, 480] = 480
    exit_bars: Literal[55, 168, 240, 480] = 240
    margin_atr: float = Field(default=0.0, ge=0)


@strategy("breakout")
class Breakout(Strategy[BreakoutParameters]):
    """Enters beyond the extreme of `entry_bars` before, leaves at the opposite extreme of `exit_bars`."""

    Parameters = BreakoutParameters
    explains = ("breakout_high_480", "breakout_low_240", "donchian_position_55")

    def generate_signals(self, ctx: StrategyContext) -> StrategySignals:
        """Vote with the breakout until the shorter channel breaks the other way."""
        p = self.parameters
        margin = p.margin_atr * ctx["natr_14"] / 100.0
        high, low = ctx[f"breakout_high_{p.entry_bars}"], ctx[f"breakout_low_{p.entry_bars}"]
        states = States(
            enter_long=high > margin,
            stay_long=ctx[f"breakout_low_{p.exit_bars}"] >= 0,
            enter_short=low < -margin,
            stay_short=ctx[f"breakout_high_{p.exit_bars}"] <= 0,
        )
        # The nearer extreme's share of the channel tells how far the market leans to one side.
        lean = np.abs(high + low) / np.maximum(low - high, 1e-12)
        return state_votes(ctx.previous, states, lean + 0.0 * margin, flat=0.5)
