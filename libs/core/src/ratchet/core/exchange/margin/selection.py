"""Which margin rule holds on which day."""

from datetime import date

from ratchet.core.exchange.config import ExchangeConfig
from ratchet.core.exchange.margin.cash import CashAccount
from ratchet.core.exchange.margin.intraday import IntradayMargin
from ratchet.core.exchange.margin.pattern_day_trader import PatternDayTrader
from ratchet.core.exchange.margin.policy import MarginPolicy

# First day of each rule for margin accounts, newest first.
_RULES: tuple[tuple[int, MarginPolicy], ...] = (
    (date(2026, 6, 4).toordinal(), IntradayMargin()),
    (0, PatternDayTrader()),
)
_CASH = CashAccount()


def policy_on(config: ExchangeConfig, day: int) -> MarginPolicy:
    """Return the rule for an account on a day number (New York); day 0 is before every change."""
    if config.margin == "cash":
        return _CASH
    return next(policy for first, policy in _RULES if day >= first)
