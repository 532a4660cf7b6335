"""What the account is worth, what its trades tie up, and what a fill would change.

Money is rounded half-even to four digits of the account currency, as OANDA shows it. Sources of the
formulas: OANDA's v20 definitions (Account, CalculatedAccountState) and its margin rules: margin used =
units x rate x margin rate in the account currency; close-out at NAV below half the margin used.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from ratchet.core.fx.book import FxBook
from ratchet.core.fx.quotes import Conversion
from ratchet.core.fx.records import FxTrade
from ratchet.core.orders.money import ZERO
from ratchet.core.orders.types import Side

MONEY = Decimal("0.0001")


def money(value: Decimal) -> Decimal:
    """Round to the account currency's four digits; zero has no sign."""
    rounded = value.quantize(MONEY, ROUND_HALF_EVEN)
    return rounded if rounded else ZERO.quantize(MONEY)


@dataclass(frozen=True, slots=True)
class AccountValue:
    """The account at the last quotes, in the account currency."""

    balance: Decimal
    unrealized_pl: Decimal
    margin_used: Decimal
    position_value: Decimal
    closeout_ratio: Decimal

    @property
    def nav(self) -> Decimal:
        """Net asset value: balance and unrealised P/L."""
        return self.balance + self.unrealized_pl

    @property
    def margin_available(self) -> Decimal:
        """What new trades may tie up."""
        return max(self.nav - self.margin_used, ZERO)

    @property
    def closeout_percent(self) -> Decimal:
        """Margin that must be covered over NAV: at 1 and above the positions are closed."""
        if not self.margin_used:
            return ZERO
        needed = self.margin_used * self.closeout_ratio
        return Decimal(999_999) if self.nav <= 0 else needed / self.nav

    @property
    def must_close(self) -> bool:
        """Whether NAV is below the part of the margin used that must be covered."""
        return self.margin_used > 0 and self.nav < self.margin_used * self.closeout_ratio

    @property
    def is_called(self) -> bool:
        """Whether NAV no longer covers the margin used."""
        return self.margin_used > 0 and self.nav < self.margin_used


def closing_side(units: Decimal) -> Side:
    """Return the side of the order that closes a position."""
    return Side.SELL if units > 0 else Side.BUY


def profit(conversion: Conversion, units: Decimal, entry: Decimal, close: Decimal) -> Decimal:
    """Return the P/L of closing signed units, in the account currency."""
    return money(conversion.of(units * (close - entry)))


def conversion_of(book: FxBook, name: str) -> Conversion:
    """Return the rates of an instrument's quote currency; an open trade always has them."""
    found = book.quotes.conversion(book.instruments[name].quote)
    if found is None:
        raise ValueError(f"no price converts the quote currency of {name} to {book.config.home_currency}")
    return found


def unrealized(book: FxBook, trade: FxTrade) -> Decimal:
    """Return what closing a trade at the last quote would bring."""
    quote = book.quotes[trade.instrument]
    close = quote.at(closing_side(trade.units))
    return profit(conversion_of(book, trade.instrument), trade.units, trade.price, close)


def home_value(book: FxBook, name: str, units: Decimal) -> Decimal:
    """Return the value of units (unsigned) in the account currency at the mid price, unrounded."""
    instrument = book.instruments[name]
    if instrument.base == book.config.home_currency:
        return abs(units)
    return abs(units) * book.quotes[name].mid * conversion_of(book, name).mid


def margin_of(book: FxBook, name: str, units: Decimal) -> Decimal:
    """Return the margin that units of an instrument tie up."""
    return money(home_value(book, name, units) * book.margin_rate(name))


def account_value(book: FxBook) -> AccountValue:
    """Return the account at the last quotes."""
    return value_of(book, book.balance, book.trades.values())


def value_of(book: FxBook, balance: Decimal, trades: Iterable[FxTrade]) -> AccountValue:
    """Return an account with some balance and trades at the last quotes."""
    pl = margin = value = ZERO
    for trade in trades:
        pl += unrealized(book, trade)
        margin += margin_of(book, trade.instrument, trade.units)
        value += money(home_value(book, trade.instrument, trade.units))
    return AccountValue(balance, pl, margin, value, book.config.closeout_ratio)
