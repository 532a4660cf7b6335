"""What the owner of an account has set: Alpaca's account configuration, as far as it decides on orders."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """The account's own limits, beside those of its kind."""

    max_margin_multiplier: Literal[1, 2, 4] = 4
    no_shorting: bool = False
    suspend_trade: bool = False
    fractional_trading: bool = True
    disable_overnight_trading: bool = False
    max_options_trading_level: int = 3
