"""Configuration of the forex venue: what trading there costs, and when it takes the position away."""

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

Ratio = Annotated[Decimal, Field(ge=0, le=1)]
MarginRate = Annotated[Decimal, Field(gt=0, le=1)]
Pips = Annotated[Decimal, Field(ge=0, le=10_000)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Rate = Annotated[Decimal, Field(ge=-10, le=10)]

# Typical spreads of a retail broker in quiet hours.
DEFAULT_SPREAD_PIPS: dict[str, Decimal] = {
    "EUR_USD": Decimal("1.2"),
    "USD_JPY": Decimal("1.4"),
    "GBP_USD": Decimal("1.6"),
    "GBP_JPY": Decimal("3.0"),
    "AUD_JPY": Decimal("2.2"),
    "USD_TRY": Decimal(150),
    "USD_ZAR": Decimal(100),
    "USD_BRL": Decimal(60),
    "XAU_USD": Decimal(40),
    "XAG_USD": Decimal(300),
    "NATGAS_USD": Decimal("1.0"),
    "WTICO_USD": Decimal("4.0"),
}
WEDNESDAY = 2


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FinancingRates(_Model):
    """Yearly financing of long and short positions as fractions of their value; negative is paid."""

    long: Rate = Decimal("-0.025")
    short: Rate = Decimal("-0.025")


class FxConfig(_Model):
    """One account at the forex venue.

    A quote is the bar's price and half `spread_pips` around it; orders that take liquidity pay
    `slippage_pips` more. P/L in another currency than the account's is converted at the mid rate, gains at
    `conversion_charge_ratio` less and losses at as much more. `fallback_home_rates` holds the value of one
    unit of a currency in the account's, for those that no listed pair converts. `financing_days` are the
    days charged at 17:00 New York of each weekday (Monday is 0): a Wednesday's position settles over the
    weekend.
    """

    home_currency: Currency = "USD"
    starting_balance: Annotated[Decimal, Field(gt=0)] = Decimal(100_000)
    spread_pips: dict[str, Pips] = Field(default_factory=dict)
    default_spread_pips: Pips = Decimal("2.5")
    slippage_pips: Pips = Decimal("0.2")
    margin_rates: dict[str, MarginRate] = Field(default_factory=dict)
    default_margin_rate: MarginRate = Decimal("0.05")
    closeout_ratio: Ratio = Decimal("0.5")
    conversion_charge_ratio: Ratio = Decimal("0.005")
    fallback_home_rates: dict[Currency, Annotated[Decimal, Field(gt=0)]] = Field(default_factory=dict)
    financing: dict[str, FinancingRates] = Field(default_factory=dict)
    default_financing: FinancingRates = FinancingRates()
    financing_days: dict[int, Annotated[int, Field(ge=0, le=7)]] = Field(
        default_factory=lambda: {0: 1, 1: 1, WEDNESDAY: 3, 3: 1, 4: 1}
    )
    liquidity_units: Annotated[Decimal, Field(gt=0)] = Decimal(10_000_000)
    maximum_order_units: Annotated[Decimal, Field(gt=0)] = Decimal(100_000_000)
    maximum_pending_orders: Annotated[int, Field(ge=1, le=10_000)] = 1_000

    @model_validator(mode="after")
    def _check_days(self) -> "FxConfig":
        wrong = [day for day in self.financing_days if not 0 <= day <= 6]
        if wrong:
            raise ValueError(f"financing_days has day {wrong[0]}; allowed: 0 (Monday) to 6")
        return self

    def spread_of(self, instrument: str) -> Decimal:
        """Return the whole spread in pips."""
        default = DEFAULT_SPREAD_PIPS.get(instrument, self.default_spread_pips)
        return self.spread_pips.get(instrument, default)

    def financing_of(self, instrument: str) -> FinancingRates:
        """Return the yearly rates of an instrument."""
        return self.financing.get(instrument, self.default_financing)
