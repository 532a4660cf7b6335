"""When positions are left."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

PositiveRatio = Annotated[float, Field(gt=0.0, le=10.0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(gt=0.0, le=1.0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
Weight = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]


class PartialExit(BaseModel):
    """Sell a fraction of the position's largest size once its gain reaches a level."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gain_ratio: PositiveRatio
    fraction: Fraction


class ExitScoreConfig(BaseModel):
    """When the case against a position is strong enough: weights of the components, and the threshold.

    A component that is not known (no model, no holding limit) leaves its weight to the others.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: Fraction = 0.70
    regime: Weight = 0.25
    technical: Weight = 0.30
    model: Weight = 0.20
    pattern: Weight = 0.10
    time: Weight = 0.15

    @model_validator(mode="after")
    def _weighted(self) -> Self:
        if self.regime + self.technical + self.model + self.pattern + self.time <= 0.0:
            raise ValueError("at least one of regime, technical, model, pattern and time must be above 0")
        return self


class RestingStopConfig(BaseModel):
    """Stops that rest at the broker, for assets of which it can hold them.

    A stop is moved once it can be tightened by `step_ratio` of its price. Where only stop-limit orders are
    taken (crypto), the limit lies `limit_offset_ratio` beyond the stop.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = True
    step_ratio: Fraction = 0.005
    limit_offset_ratio: Fraction = 0.02


class ExitConfig(BaseModel):
    """Ratios are fractions of the entry price; None switches an exit off.

    `stop_loss_ratio` serves assets whose registry entry has none of its own (zero). The stop is tightened,
    never widened, to `stop_atr_multiple` ATR, to `stop_volatility_multiple` standard deviations of the return
    over `stop_volatility_bars` bars, and for forex to `stop_pips` (an asset's rule of that name comes first).
    The targets (take profit and partial exits) are multiplied by the
    factor of the regime. An asset's rule `max_holding_days` shortens the portfolio's. `outcome_bars` is for
    how many bars after an exit its price is followed, to learn whether it was right.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    stop_loss_ratio: Fraction = 0.08
    stop_atr_multiple: Positive | None = None
    stop_volatility_multiple: Positive | None = None
    stop_volatility_bars: Annotated[int, Field(ge=1)] = 24
    stop_pips: Positive | None = None
    take_profit_ratio: PositiveRatio | None = 0.20
    bull_target_factor: PositiveRatio = 1.5
    bear_target_factor: PositiveRatio = 0.6
    trailing_activation_ratio: PositiveRatio | None = 0.08
    trailing_distance_ratio: Fraction = 0.05
    break_even_activation_ratio: PositiveRatio | None = None
    partials: tuple[PartialExit, ...] = (
        PartialExit(gain_ratio=0.06, fraction=0.20),
        PartialExit(gain_ratio=0.10, fraction=0.30),
        PartialExit(gain_ratio=0.15, fraction=0.40),
    )
    max_holding_days: Positive | None = 30.0
    score: ExitScoreConfig | None = ExitScoreConfig()
    resting_stops: RestingStopConfig = RestingStopConfig()
    outcome_bars: Annotated[int, Field(ge=1, le=1_000)] = 24

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        gains = [partial.gain_ratio for partial in self.partials]
        if gains != sorted(set(gains)):
            raise ValueError(f"partials must have rising gain_ratio, not {gains}")
        if sum(partial.fraction for partial in self.partials) > 1.0 + 1e-9:
            raise ValueError("the fractions of partials must not add up to more than 1")
        return self
