"""Configuration of options: which contracts are listed, how they are quoted, margined and settled.

Sources of the defaults: Cboe Rule 4.5 (series listed, strike intervals), the Penny Interval Program of the US
option exchanges (tick sizes), FINRA Rule 4210(f)(2) (margin), OCC Rule 805 (exercise by exception).
"""

from decimal import Decimal
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ratchet.core.options.contract import ExerciseStyle

Money = Annotated[Decimal, Field(gt=0)]
Ratio = Annotated[Decimal, Field(ge=0, le=1)]
PositiveFloat = Annotated[float, Field(gt=0)]
Probability = Annotated[float, Field(ge=0, le=1)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StrikeStep(_Model):
    """Strikes below `below` lie `increment` apart; the last step of a ladder has no bound."""

    below: Money | None = None
    increment: Money


def _ladder(*steps: tuple[str | None, str]) -> tuple[StrikeStep, ...]:
    return tuple(
        StrikeStep(below=None if below is None else Decimal(below), increment=Decimal(increment))
        for below, increment in steps
    )


class ListingConfig(_Model):
    """Which expirations and strikes exist.

    Weekly series expire on Fridays for the next `weekly_count` weeks, and on `daily_weekdays` (Monday is 0)
    within `daily_horizon_days` for the names of `daily_classes`; monthly ones on third Fridays. Strikes
    reach `strike_range` around the reference prices of `reference_sessions` sessions.
    """

    weekly_count: Annotated[int, Field(ge=0, le=12)] = 6
    monthly_count: Annotated[int, Field(ge=1, le=24)] = 9
    january_years: Annotated[int, Field(ge=0, le=3)] = 2
    daily_classes: frozenset[str] = frozenset({"SPY", "QQQ", "IWM"})
    daily_weekdays: frozenset[Annotated[int, Field(ge=0, le=4)]] = frozenset({0, 1, 2, 3, 4})
    daily_horizon_days: Annotated[int, Field(ge=0, le=30)] = 13
    dollar_strike_classes: frozenset[str] = frozenset({"SPY", "QQQ", "IWM", "DIA"})
    short_term_steps: tuple[StrikeStep, ...] = _ladder(("100", "0.5"), ("150", "1"), (None, "2.5"))
    standard_steps: tuple[StrikeStep, ...] = _ladder(("50", "1"), ("200", "5"), (None, "10"))
    short_term_range: PositiveFloat = 0.25
    standard_range: PositiveFloat = 0.5
    reference_sessions: Annotated[int, Field(ge=1, le=252)] = 20
    excluded: frozenset[str] = frozenset()
    european_classes: frozenset[str] = frozenset({"SPX", "XSP", "NDX", "RUT", "VIX"})

    @model_validator(mode="after")
    def _check_steps(self) -> Self:
        for name in ("short_term_steps", "standard_steps"):
            bounds = [step.below for step in getattr(self, name)]
            inner = [bound for bound in bounds[:-1] if bound is not None]
            if not bounds or bounds[-1] is not None or len(inner) != len(bounds) - 1:
                raise ValueError(f"{name}: the last step, and only that, must have no `below`")
            if inner != sorted(set(inner)):
                raise ValueError(f"{name}: `below` must rise from step to step")
        return self

    def style(self, underlying: str) -> ExerciseStyle:
        """Return the exercise style of an underlying's options; indices are European and settle in cash."""
        is_index = underlying in self.european_classes
        return ExerciseStyle.EUROPEAN if is_index else ExerciseStyle.AMERICAN


class TickConfig(_Model):
    """Minimum price variations; `None` as the penny program puts every class into it."""

    boundary: Money = Decimal(3)
    penny_below: Money = Decimal("0.01")
    penny_above: Money = Decimal("0.05")
    nickel_below: Money = Decimal("0.05")
    nickel_above: Money = Decimal("0.10")
    all_penny_classes: frozenset[str] = frozenset({"SPY", "QQQ", "IWM"})
    penny_program: frozenset[str] | None = None


class VolatilityConfig(_Model):
    """The modelled surface: realised volatility x term x smile.

    The level is realised volatility times `premium`, floored and capped; with maturity it reverts to
    `long_run` at the rate 1/`reversion_years`. With m = ln(strike / forward) / (level x sqrt(years)), the
    smile multiplies by 1 + skew x m + curvature x m^2, kept within [min_smile, max_smile]; `skews` states the
    skew by underlying. The default smile is the median fit to quoted chains of AAPL, AMZN, NVDA, TSLA (skew
    -0.05 to -0.11), SPY and QQQ (-0.20 to -0.23) of February 2026.
    """

    lookback_sessions: Annotated[int, Field(ge=1, le=252)] = 21
    premium: PositiveFloat = 1.1
    floor: PositiveFloat = 0.08
    cap: PositiveFloat = 3.0
    long_run: PositiveFloat = 0.3
    reversion_years: PositiveFloat = 2.0
    skew: float = -0.08
    skews: dict[str, float] = Field(default_factory=lambda: {"SPY": -0.23, "QQQ": -0.2, "IWM": -0.2})
    curvature: Annotated[float, Field(ge=0)] = 0.037
    min_smile: PositiveFloat = 0.7
    max_smile: PositiveFloat = 2.5

    @model_validator(mode="after")
    def _check_bounds(self) -> Self:
        if self.floor >= self.cap:
            raise ValueError(f"floor {self.floor} must be below cap {self.cap}")
        if self.min_smile > 1 or self.max_smile < 1:
            raise ValueError("min_smile must be at most 1 and max_smile at least 1")
        return self


class QuoteConfig(_Model):
    """How wide and deep a modelled quote is.

    The spread is `spread_ratio` of the time value at the money, which grows by the factor
    exp(`spread_growth`) with each standard deviation that the strike lies from the forward, plus
    `intrinsic_spread_ratio` of the intrinsic value, at least `min_spread_ticks` ticks. The defaults fit the
    six chains named in VolatilityConfig, which are among the narrowest.
    """

    spread_ratio: Annotated[float, Field(ge=0, le=1)] = 0.006
    spread_growth: Annotated[float, Field(ge=0, le=5)] = 1.15
    intrinsic_spread_ratio: Annotated[float, Field(ge=0, le=1)] = 0.013
    max_spread_ratio: Annotated[float, Field(ge=0, le=2)] = 0.5
    min_spread_ticks: Annotated[int, Field(ge=1, le=100)] = 1
    size: Annotated[int, Field(ge=1, le=100_000)] = 50
    recorded_max_age_s: Annotated[int, Field(ge=0)] = 3600


class MarginConfig(_Model):
    """Requirements. Naked shorts need `allow_naked`; ratios as in FINRA 4210(f)(2)(E)."""

    allow_naked: bool = False
    naked_ratio: Ratio = Decimal("0.20")
    naked_index_ratio: Ratio = Decimal("0.15")
    naked_minimum_ratio: Ratio = Decimal("0.10")
    protected_stock_ratio: Ratio = Decimal("0.10")
    collar_call_ratio: Ratio = Decimal("0.25")


class SettlementConfig(_Model):
    """Expiration, exercise and assignment.

    `last_opening_minutes`: no opening order in an expiring contract so close to its session's end.
    `early_assignment`: chance per session that a short without time value worth keeping is assigned.
    """

    auto_exercise_threshold: Money = Decimal("0.01")
    last_opening_minutes: Annotated[int, Field(ge=0, le=390)] = 30
    early_assignment: Probability = 0.25
    dividend_assignment: Probability = 0.9
    early_assignment_time_value: Annotated[Decimal, Field(ge=0)] = Decimal("0.05")
    seed: Annotated[int, Field(ge=0)] = 20_240_621


class OptionFees(_Model):
    """Dollars a contract: regulatory and clearing fees on every trade, trading activity fee on sales."""

    regulatory: Annotated[Decimal, Field(ge=0)] = Decimal("0.023")
    clearing: Annotated[Decimal, Field(ge=0)] = Decimal("0.025")
    trading_activity: Annotated[Decimal, Field(ge=0)] = Decimal("0.00329")


class OptionsConfig(_Model):
    """Everything about options at one venue; `trading_level` is 0 (off) to 3 (spreads)."""

    trading_level: Annotated[int, Field(ge=0, le=3)] = 3
    risk_free_rate: Annotated[float, Field(ge=-0.05, le=1)] = 0.04
    dividend_yields: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(default_factory=dict)
    listing: ListingConfig = ListingConfig()
    ticks: TickConfig = TickConfig()
    volatility: VolatilityConfig = VolatilityConfig()
    quotes: QuoteConfig = QuoteConfig()
    margin: MarginConfig = MarginConfig()
    settlement: SettlementConfig = SettlementConfig()
    fees: OptionFees = OptionFees()
