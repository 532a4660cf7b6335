"""Limits of one portfolio, and the named profiles that other portfolios may use."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ratchet.core.assets import AssetClass
from ratchet.core.risk.breakers.config import BreakersConfig
from ratchet.core.risk.measures.stress import Scenario

Ratio = Annotated[float, Field(gt=0.0, le=1.0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
Multiple = Annotated[float, Field(gt=0.0, le=10.0, allow_inf_nan=False)]
Amount = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
Leverage = Annotated[float, Field(ge=1.0, le=100.0, allow_inf_nan=False)]
Hours = Annotated[float, Field(ge=0.0, le=24.0 * 30.0, allow_inf_nan=False)]

DEFAULT_CLASS_RATIOS: dict[AssetClass, float] = {
    AssetClass.CRYPTO: 0.20,
    AssetClass.STOCK: 0.40,
    AssetClass.LEVERAGED_ETF: 0.20,
    AssetClass.FOREX: 0.40,
    AssetClass.COMMODITY: 0.30,
    AssetClass.SPECULATIVE: 0.05,
    AssetClass.OPTION: 0.30,
}
# What is no limit, but structure; it is changed in the file and not at run time.
_STRUCTURE = frozenset(
    {"breakers", "stress_scenarios", "avoid_sideways", "volume_unreported", "profiles", "accounts"}
)


class RiskConfig(BaseModel):
    """Pre-trade limits; ratios are fractions of equity unless their name says otherwise.

    A class without an entry in `class_limit_ratio` may hold nothing. None is unlimited. `profiles` holds
    named sets of values that replace those of this one, and `accounts` the profile of each portfolio; see
    `for_portfolio`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kill_switch: bool = False
    allow_short: bool = False
    allow_adding: bool = False
    """Whether a held asset may be bought again (on the same side)."""

    max_position_ratio: Ratio = 0.15
    """Of one asset in total: held, working and proposed."""
    max_order_ratio: Ratio = 0.10
    max_order_notional: Amount | None = 1_000_000.0
    """In the account currency."""
    max_exposure_ratio: Multiple = 0.80
    class_limit_ratio: Mapping[AssetClass, Ratio] = Field(default_factory=lambda: dict(DEFAULT_CLASS_RATIOS))
    class_leverage_limit: Mapping[AssetClass, Leverage] = Field(
        default_factory=lambda: {AssetClass.CRYPTO: 1.5}
    )
    """Largest leverage at which an asset of the class may be traded; a class without an entry is free."""
    max_sector_ratio: Multiple = 0.40
    max_positions: Annotated[int, Field(ge=1)] | None = 20
    max_heat_ratio: Ratio = 0.25
    """Loss if every position and working entry were stopped out."""
    max_correlated_ratio: Multiple = 0.60
    """Exposure of the candidate and of everything correlated with it."""
    correlation_threshold: Ratio = 0.70
    correlation_min_days: Annotated[int, Field(ge=3, le=60)] = 20
    """Daily returns below which a correlation is not known, and then counts as complete."""

    max_daily_loss_ratio: Ratio = 0.05
    max_drawdown_ratio: Ratio = 0.20
    emergency_drawdown_ratio: Ratio = 0.25
    min_confidence: Share = 0.60

    max_spread_ratio: Ratio = 0.01
    """Largest bid-ask spread over the mid price, where it is known."""
    max_option_spread_ratio: Ratio = 0.25
    """The same for options, of whose premium the spread is a far larger part."""
    require_spread: bool = False
    """Whether an asset without a known spread takes no entry."""
    max_bar_share_ratio: Ratio = 0.05
    """An order's share of the asset's average money traded in a bar."""
    volume_unreported: tuple[AssetClass, ...] = (AssetClass.FOREX, AssetClass.COMMODITY, AssetClass.OPTION)
    """Classes without a known traded volume (OANDA counts ticks): that limit cannot hold for them."""
    max_price_deviation_ratio: Ratio = 0.10
    """How far a buy may be priced above the last mark, and a sell below it, as a fraction of the mark."""
    max_orders_per_minute: Annotated[int, Field(ge=1)] | None = 60
    """Entries in one minute of event time."""
    trade_closed_markets: bool = False
    earnings_before_h: Hours = 24.0
    earnings_after_h: Hours = 2.0
    avoid_sideways: tuple[AssetClass, ...] = (AssetClass.LEVERAGED_ETF,)

    risk_per_trade_ratio: Ratio = 0.01
    max_bar_volatility_ratio: Ratio = 0.002
    """Standard deviation per bar, as a fraction of equity, that one position may contribute."""
    kelly_safety: Share = 0.50
    """Fraction of the Kelly bet; 0 switches the sizer off."""
    kelly_min_trades: Annotated[int, Field(ge=2, le=90)] = 30
    kelly_floor_ratio: Share = 0.02
    """What a record without an edge still allows, so that the record can change; 0 forbids entries."""
    correlation_scaling: Share = 1.0
    """How strongly correlation with what is held shrinks an order; 0 switches the sizer off."""
    min_entry_ratio: Share = 0.005
    cash_buffer_ratio: Annotated[float, Field(ge=0.0, lt=1.0, allow_inf_nan=False)] = 0.03
    """Share of equity that stays in cash: fees, gaps, and what a venue holds back for market buys."""

    max_delta_ratio: Multiple | None = 0.50
    """Money by which the options move per move of 1 of their underlyings, over equity."""
    max_gamma_ratio: Multiple | None = 0.05
    """Change of that delta per 1 % move."""
    max_vega_ratio: Multiple | None = 0.02
    """Change of value per point of implied volatility."""
    max_theta_ratio: Multiple | None = 0.01
    """Change of value per day."""
    max_var_ratio: Ratio | None = None
    """One day's value at risk of the whole portfolio, by history."""
    max_cvar_ratio: Ratio | None = None
    var_confidence: Annotated[float, Field(ge=0.5, lt=1.0, allow_inf_nan=False)] = 0.95

    stale_price_s: Annotated[int, Field(gt=0)] = 300
    """Largest age of the snapshot, and so of the prices of its step, at the decision."""
    stale_quote_s: Annotated[int, Field(gt=0)] = 300
    """Largest age of the bid and ask of an asset that is quoted at all."""
    stale_mark_s: Annotated[int, Field(gt=0)] = 5 * 86_400
    """Largest age of a mark; longer than any exchange's closed days in a row."""

    breakers: BreakersConfig = BreakersConfig()
    stress_scenarios: Mapping[str, Scenario] = Field(default_factory=dict)
    profiles: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)
    accounts: Mapping[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _profiles_are_valid(self) -> Self:
        for name, values in self.profiles.items():
            nested = {"profiles", "accounts"} & values.keys()
            if nested:
                raise ValueError(f"profiles.{name} cannot hold {', '.join(sorted(nested))}")
            self._profile(name)
        for account, name in self.accounts.items():
            if name != "default" and name not in self.profiles:
                known = ", ".join(["default", *sorted(self.profiles)])
                raise ValueError(f"accounts.{account}={name!r} is no profile; allowed: {known}")
        return self

    def for_portfolio(self, portfolio: str) -> "RiskConfig":
        """Return the limits of one portfolio: those of its profile, else these."""
        name = self.accounts.get(portfolio, "default")
        if name == "default":
            return self.model_copy(update={"profiles": {}, "accounts": {}})
        return self._profile(name)

    def _profile(self, name: str) -> "RiskConfig":
        base = self.model_dump(exclude={"profiles", "accounts"})
        try:
            return RiskConfig.model_validate(_merged(base, self.profiles[name]))
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, ("profiles", name, *first["loc"])))
            raise ValueError(f"{key}={first['input']!r}: {first['msg']}") from None

    def with_limits(self, limits: Mapping[str, float]) -> Self:
        """Return a copy with some limits replaced, validated; `class_limit_ratio.crypto` names a class.

        Raises ValueError (pydantic's ValidationError is one) that names an unknown or forbidden limit.
        """
        data = self.model_dump()
        for name, value in limits.items():
            head, _, key = name.partition(".")
            known = head in data and head not in _STRUCTURE
            if not known or (key != "") != isinstance(data[head], dict):
                raise ValueError(f"limit {name!r} is not known; known limits: {', '.join(self._names())}")
            if key:
                data[head][key] = value
            else:
                data[head] = value
        return type(self).model_validate(data)

    def limits(self) -> dict[str, float]:
        """Return every limit by name, switches as 0 or 1; one that is unlimited is left out."""
        flat: dict[str, float] = {}
        for name, value in self.model_dump(exclude=set(_STRUCTURE)).items():
            if isinstance(value, dict):
                flat |= {f"{name}.{key}": float(ratio) for key, ratio in value.items()}
            elif value is not None:
                flat[name] = float(value)
        return flat

    def _names(self) -> list[str]:
        plain = type(self).model_fields.keys() - _STRUCTURE - {"class_limit_ratio", "class_leverage_limit"}
        return sorted(plain | self.limits().keys())


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        known = merged.get(key)
        both = isinstance(known, Mapping) and isinstance(value, Mapping)
        merged[key] = _merged(known, value) if both and known is not None else value
    return merged
