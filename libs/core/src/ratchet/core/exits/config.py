"""When positions are left."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

PositiveRatio = Annotated[float, Field(gt=0.0, le=10.0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(gt=0.0, le=1.0, allow_inf_nan=False)]


class PartialExit(BaseModel):
    """Sell a fraction of the position's largest size once its gain reaches a level."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gain_ratio: PositiveRatio
    fraction: Fraction


class ExitConfig(BaseModel):
    """Ratios are fractions of the entry price; None switches an exit off.

    `stop_loss_ratio` serves assets whose registry entry has none of its own (zero); `stop_atr_multiple`
    tightens the stop to so many ATR, never widens it. The target is multiplied by the factor of the regime.
    An asset's rule `max_holding_days` shortens the portfolio's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    stop_loss_ratio: Fraction = 0.08
    stop_atr_multiple: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] | None = None
    take_profit_ratio: PositiveRatio | None = 0.15
    bull_target_factor: PositiveRatio = 1.0
    bear_target_factor: PositiveRatio = 1.0
    trailing_activation_ratio: PositiveRatio | None = 0.08
    trailing_distance_ratio: Fraction = 0.05
    break_even_activation_ratio: PositiveRatio | None = None
    partials: tuple[PartialExit, ...] = (
        PartialExit(gain_ratio=0.06, fraction=0.20),
        PartialExit(gain_ratio=0.10, fraction=0.30),
    )
    max_holding_days: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] | None = 30.0

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        gains = [partial.gain_ratio for partial in self.partials]
        if gains != sorted(set(gains)):
            raise ValueError(f"partials must have rising gain_ratio, not {gains}")
        if sum(partial.fraction for partial in self.partials) > 1.0 + 1e-9:
            raise ValueError("the fractions of partials must not add up to more than 1")
        return self
