"""When each circuit breaker trips, what it does, and how it is armed again."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class BreakerName(StrEnum):
    """The breakers; the value that each watches grows with danger."""

    LOSS = "loss"
    """Loss since the start of the UTC day, as a fraction of its equity."""
    DRAWDOWN = "drawdown"
    """Fall of equity from its peak."""
    LOSS_STREAK = "loss_streak"
    """Losing round trips in a row; counted anew from a trip on."""
    VOLATILITY = "volatility"
    """Standard deviation of the daily returns of equity over the last closed days."""
    REJECT_RATE = "reject_rate"
    """Share of orders that the venue refused, among the latest ones; counted anew from a trip on."""
    DATA_QUALITY = "data_quality"
    """1 less the quality score of market data."""
    RECONCILIATION_DRIFT = "reconciliation_drift"
    """Difference between our books and the broker's, as a fraction of equity."""


class BreakerConfig(BaseModel):
    """One breaker: trips at `trip`, may be armed again below `clear` (hysteresis).

    `action` is what holds while it is tripped: reduce_only and halt stop entries, flatten also closes every
    position. With `rearm: auto` it arms itself after `cooldown_s` of event time once its value is below
    `clear`; with `manual` an operator does, after the cool-down as well.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = True
    trip: Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
    clear: Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
    action: Literal["reduce_only", "halt", "flatten"] = "reduce_only"
    cooldown_s: Annotated[int, Field(ge=0)] = 86_400
    rearm: Literal["auto", "manual"] = "auto"

    @model_validator(mode="after")
    def _clear_below_trip(self) -> Self:
        if self.clear >= self.trip:
            raise ValueError(f"clear {self.clear} must be below trip {self.trip}")
        return self


class BreakersConfig(BaseModel):
    """Every breaker of a portfolio."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    loss: BreakerConfig = BreakerConfig(trip=0.05, clear=0.03)
    drawdown: BreakerConfig = BreakerConfig(trip=0.25, clear=0.15, action="flatten", rearm="manual")
    loss_streak: BreakerConfig = BreakerConfig(trip=10, clear=5)
    volatility: BreakerConfig = BreakerConfig(trip=0.05, clear=0.03)
    reject_rate: BreakerConfig = BreakerConfig(trip=0.5, clear=0.1, cooldown_s=900)
    data_quality: BreakerConfig = BreakerConfig(trip=0.5, clear=0.2, cooldown_s=300)
    reconciliation_drift: BreakerConfig = BreakerConfig(trip=0.001, clear=0.0001, rearm="manual")

    volatility_days: Annotated[int, Field(ge=5, le=250)] = 20
    reject_window: Annotated[int, Field(ge=2, le=1_000)] = 20
    """Latest orders that the share of rejects is taken of; it is not judged before there are so many."""

    def of(self, name: BreakerName) -> BreakerConfig:
        """Return one breaker's configuration."""
        found: BreakerConfig = getattr(self, name.value)
        return found
