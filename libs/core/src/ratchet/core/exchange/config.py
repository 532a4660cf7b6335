"""Configuration of the paper exchange: how dear it is to trade there."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ratchet.core.assets.types import AssetClass
from ratchet.core.options.config import OptionsConfig

EQUITIES = frozenset({AssetClass.STOCK, AssetClass.LEVERAGED_ETF, AssetClass.SPECULATIVE})

Bps = Annotated[Decimal, Field(ge=0, le=10_000)]
Ratio = Annotated[Decimal, Field(ge=0, le=1)]
PositiveRatio = Annotated[Decimal, Field(gt=0, le=1)]
PositiveMoney = Annotated[Decimal, Field(gt=0)]
LatencyMs = Annotated[int, Field(ge=0, le=3_600_000)]

DEFAULT_SPREAD_BPS: dict[AssetClass, Decimal] = {
    AssetClass.CRYPTO: Decimal(4),
    AssetClass.STOCK: Decimal(2),
    AssetClass.LEVERAGED_ETF: Decimal(3),
    AssetClass.FOREX: Decimal("1.5"),
    AssetClass.COMMODITY: Decimal(4),
    AssetClass.SPECULATIVE: Decimal(15),
}


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SlippageConfig(_Model):
    """Market impact and the share of a bar's volume that one account may take.

    Impact follows the square-root law: bps = impact_bps_at_full_volume x sqrt(qty / bar volume). Classes that
    report no volume (forex) pay `unreported_volume_impact_bps` and are not limited; any other asset with no
    volume in a bar did not trade, so nothing fills.
    """

    impact_bps_at_full_volume: Bps = Decimal(60)
    max_volume_share: PositiveRatio | None = Decimal("0.1")
    unreported_volume_impact_bps: Bps = Decimal(1)
    unreported_volume_classes: frozenset[AssetClass] = frozenset({AssetClass.FOREX, AssetClass.COMMODITY})


class CarryConfig(_Model):
    """What holding costs and brings: yearly rates over a year of 360 days, and dividends.

    Borrowing is charged on shares sold short, in lots of 100, and interest on money borrowed.
    """

    margin_interest_annual: Ratio = Decimal("0.0625")
    borrow_annual: Ratio = Decimal("0.005")
    pays_dividends: bool = True


class LatencyConfig(_Model):
    """How long a request is under way to the venue, in milliseconds."""

    new: LatencyMs = 0
    cancel: LatencyMs = 0
    replace: LatencyMs = 0


class FeeConfig(_Model):
    """Commissions and regulatory fees; crypto buys pay in the coin, all else in the quote currency."""

    crypto_maker_bps: Bps = Decimal(15)
    crypto_taker_bps: Bps = Decimal(25)
    regulatory: bool = True


_PROFILES: dict[str, dict[str, Any]] = {
    "realistic": {},
    "alpaca-paper": {
        "slippage": {
            "impact_bps_at_full_volume": 0,
            "max_volume_share": None,
            "unreported_volume_impact_bps": 0,
        },
        "fees": {"regulatory": False},
        "carry": {"margin_interest_annual": 0, "borrow_annual": 0, "pays_dividends": False},
        "limit_fill": "touch",
        "partial_fill_ratio": "0.1",
        "limit_by_quote_size": False,
    },
}


class ExchangeConfig(_Model):
    """One account at the paper exchange.

    `realistic` is the default profile. `alpaca-paper` copies Alpaca's own simulator: no impact, no limit by
    volume or size, one eligible fill in ten is a partial one at random, no regulatory fees, no carry, limits
    fill at a touch. Values given explicitly override the profile's.

    `margin` is the kind of account: reg_t (as at Alpaca) or cash. `matching` says what orders fill against;
    the other kind of data only moves marks. `partial_fill_ratio` is the share of eligible fills that is
    partial, drawn from `seed`. With `liquidate` the broker closes the largest position of an account whose
    equity is below its requirement.
    """

    profile: Literal["realistic", "alpaca-paper"] = "realistic"
    starting_cash: PositiveMoney = Decimal(100_000)
    spread_bps: dict[AssetClass, Bps] = Field(default_factory=dict)
    slippage: SlippageConfig = SlippageConfig()
    fees: FeeConfig = FeeConfig()
    carry: CarryConfig = CarryConfig()
    latency_ms: LatencyConfig = LatencyConfig()
    margin: Literal["reg_t", "cash"] = "reg_t"
    matching: Literal["bars", "quotes"] = "bars"
    partial_fill_ratio: Ratio = Decimal(0)
    seed: int = 0
    limit_by_quote_size: bool = True
    liquidate: bool = True
    limit_fill: Literal["through", "touch"] = "through"
    market_order_buffer: Ratio = Decimal("0.025")
    min_notional_crypto: PositiveMoney = Decimal(10)
    min_notional_equity: PositiveMoney = Decimal(1)
    gtc_expiry_days: Annotated[int, Field(ge=1, le=3650)] = 90
    closed_orders_kept: Annotated[int, Field(ge=0, le=1_000_000)] = 5_000
    options: OptionsConfig = OptionsConfig()

    @model_validator(mode="before")
    @classmethod
    def _apply_profile(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        preset = _PROFILES.get(str(data.get("profile", "realistic")), {})
        merged = dict(data)
        for key, value in preset.items():
            given = merged.get(key)
            if isinstance(value, dict) and isinstance(given, dict):
                merged[key] = {**value, **given}
            else:
                merged.setdefault(key, value)
        return merged

    def half_spread(self, asset_class: AssetClass) -> Decimal:
        """Return half the quoted spread of a class as a fraction of the price."""
        spread = self.spread_bps.get(asset_class, DEFAULT_SPREAD_BPS[asset_class])
        return spread / 20_000
