"""Limits of one portfolio."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from ratchet.core.assets import AssetClass

Ratio = Annotated[float, Field(gt=0.0, le=1.0, allow_inf_nan=False)]

DEFAULT_CLASS_RATIOS: dict[AssetClass, float] = {
    AssetClass.CRYPTO: 0.40,
    AssetClass.STOCK: 0.40,
    AssetClass.LEVERAGED_ETF: 0.20,
    AssetClass.FOREX: 0.40,
    AssetClass.COMMODITY: 0.30,
    AssetClass.SPECULATIVE: 0.05,
}


class RiskConfig(BaseModel):
    """Pre-trade limits; ratios are fractions of equity unless their name says otherwise.

    A class without an entry in `class_limit_ratio` may hold nothing. `max_positions` None is unlimited.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kill_switch: bool = False
    allow_short: bool = False
    max_position_ratio: Ratio = 0.10
    max_exposure_ratio: Annotated[float, Field(gt=0.0, le=10.0, allow_inf_nan=False)] = 0.80
    class_limit_ratio: Mapping[AssetClass, Ratio] = Field(default_factory=lambda: dict(DEFAULT_CLASS_RATIOS))
    max_positions: Annotated[int, Field(ge=1)] | None = 20
    max_daily_loss_ratio: Ratio = 0.05
    max_drawdown_ratio: Ratio = 0.20
    min_confidence: Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)] = 0.60
    risk_per_trade_ratio: Ratio = 0.01
    max_bar_volatility_ratio: Ratio = 0.002
    """Standard deviation per bar, as a fraction of equity, that one position may contribute."""
    min_entry_ratio: Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)] = 0.005
    cash_buffer_ratio: Annotated[float, Field(ge=0.0, lt=1.0, allow_inf_nan=False)] = 0.03
    """Share of equity that stays in cash: fees, gaps, and what a venue holds back for market buys."""
    stale_price_s: Annotated[int, Field(gt=0)] = 300
    """Largest age of the snapshot, and so of the prices of its step, at the decision."""
    stale_mark_s: Annotated[int, Field(gt=0)] = 5 * 86_400
    """Largest age of a held position's mark; longer than any exchange's closed days in a row."""

    def with_limits(self, limits: Mapping[str, float]) -> Self:
        """Return a copy with some limits replaced, validated; `class_limit_ratio.crypto` names a class.

        Raises ValueError (pydantic's ValidationError is one) that names an unknown or forbidden limit.
        """
        data = self.model_dump()
        for name, value in limits.items():
            head, _, key = name.partition(".")
            if head not in data or (key != "") != (head == "class_limit_ratio"):
                known = ", ".join(sorted(self.limits()))
                raise ValueError(f"limit {name!r} is not known; known limits: {known}")
            if key:
                data[head][key] = value
            else:
                data[head] = value
        return type(self).model_validate(data)

    def limits(self) -> dict[str, float]:
        """Return every limit by name, switches as 0 or 1; an unlimited position count is left out."""
        flat: dict[str, float] = {}
        for name, value in self.model_dump().items():
            if isinstance(value, dict):
                flat |= {f"{name}.{key}": float(ratio) for key, ratio in value.items()}
            elif value is not None:
                flat[name] = float(value)
        return flat
