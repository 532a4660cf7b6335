"""Mean reversion: buys dips of a rising market, sells rallies of a falling one."""

import numpy as np
from pydantic import Field

from ratchet.core.strategies.base import Strategy, StrategyContext, StrategyParameters, StrategySignals
from ratchet.core.strategies.registry import strategy
from ratchet.core.strategies.votes import States, state_votes


class MeanReversionParameters(StrategyParameters):
    """Z-scores of the close against 48 bars; the trend filter is the regime."""

    enter_zscore: float = Field(default=2.0, gt=0)
    leave_zscore: float = Field(default=0.0, ge=0)
    oversold_rsi: float = Field(default=35.0, gt=0, lt=50)


@strategy("mean_reversion")
class MeanReversion(Strategy[MeanReversionParameters]):
    """Enters with the regime at a stretched z-score that RSI confirms, leaves at the mean; else abstains."""

    Parameters = MeanReversionParameters
    explains = ("zscore_48", "rsi_14", "bollinger_percent_b")

    def generate_signals(self, ctx: StrategyContext) -> StrategySignals:
        """Vote for a return to the mean in the regime's direction."""
        p = self.parameters
        z, rsi = ctx["zscore_48"], ctx["rsi_14"]
        bull, bear = ctx.regime > 0, ctx.regime < 0
        states = States(
            enter_long=(z < -p.enter_zscore) & (rsi < p.oversold_rsi) & bull,
            stay_long=(z < -p.leave_zscore) & ~bear,
            enter_short=(z > p.enter_zscore) & (rsi > 100.0 - p.oversold_rsi) & bear,
            stay_short=(z > p.leave_zscore) & ~bull,
        )
        return state_votes(ctx.previous, states, np.abs(z) / (2 * p.enter_zscore))
