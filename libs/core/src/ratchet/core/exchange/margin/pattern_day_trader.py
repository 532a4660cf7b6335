"""FINRA rule 4210(f)(8)(B) as it stood until June 2026: pattern day traders need 25,000 dollars.

A day trade opens and closes a position in one security on one day. Four in five business days make a pattern
day trader, who may close no further position on the day it was opened while equity is below the minimum.
With the minimum, day-trading buying power is four times the equity of the evening before beyond maintenance.
"""

from decimal import Decimal

from ratchet.core.exchange import errors
from ratchet.core.exchange.days import business_days_after
from ratchet.core.exchange.margin.figures import Figures
from ratchet.core.exchange.margin.policy import MINIMUM_EQUITY, MarginPolicy
from ratchet.core.exchange.types import ExchangeOrder
from ratchet.core.exchange.venue import Venue

DAY_TRADER_EQUITY = Decimal(25_000)
_PATTERN, _WINDOW_DAYS = 4, 5


class PatternDayTrader(MarginPolicy):
    """Leverage 2, or 4 during the day from 25,000 dollars on."""

    leverage_from = ((DAY_TRADER_EQUITY, 4), (MINIMUM_EQUITY, 2))
    has_day_trading = True

    def free(self, venue: Venue, figures: Figures) -> Decimal:
        """Return equity less what positions bind; profits of the day give no day-trading buying power."""
        last = venue.margin.last_equity
        equity = figures.equity if last is None else min(figures.equity, last)
        free = equity - figures.intraday
        return free if figures.short_value else max(free, figures.cash - figures.bound)

    def check_closing(self, venue: Venue, order: ExchangeOrder) -> None:
        """Refuse the fourth day trade of an account below the minimum."""
        if order.asset_id not in venue.margin.opened_today:
            return
        if venue.equity < DAY_TRADER_EQUITY and day_trade_count(venue) >= _PATTERN - 1:
            raise errors.pattern_day_trading()


def day_trade_count(venue: Venue) -> int:
    """Return the day trades of today and the four business days before."""
    today = venue.margin.day
    return sum(
        count
        for day, count in venue.margin.day_trades.items()
        if business_days_after(day, today) < _WINDOW_DAYS
    )


def is_pattern_day_trader(venue: Venue) -> bool:
    """Say whether the day trades of the window make a pattern."""
    return day_trade_count(venue) >= _PATTERN
