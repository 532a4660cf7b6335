"""What every margin rule answers, and what is common to margin accounts."""

from decimal import Decimal

from ratchet.core.exchange import errors
from ratchet.core.exchange.margin.figures import Figures, figures_of
from ratchet.core.exchange.types import ExchangeOrder
from ratchet.core.exchange.venue import Venue
from ratchet.core.orders.money import ZERO

MINIMUM_EQUITY = Decimal(2_000)


class MarginPolicy:
    """One rule book. All money is in the account currency, all figures at the last marks.

    `leverage_from` holds (least equity, multiplier), largest first; below all of them it is 1.
    """

    leverage_from: tuple[tuple[Decimal, int], ...] = ()
    has_day_trading = False
    allows_shorts = True

    def free(self, venue: Venue, figures: Figures) -> Decimal:
        """Return the equity that no position binds during the day; it may be negative."""
        return venue.equity - figures.intraday

    def check_opening(self, venue: Venue) -> None:
        """Raise OrderRejected when the account may open nothing, whatever its size."""
        if 0 < venue.margin.day <= venue.margin.frozen_until:
            raise errors.forbidden("account is restricted to closing transactions only")

    def check_closing(self, venue: Venue, order: ExchangeOrder) -> None:
        """Raise OrderRejected for a closing order that the rule forbids."""

    def on_marks(self, venue: Venue, figures: Figures) -> None:
        """Take note of new marks of an account that borrows."""

    def on_day_end(self, venue: Venue, figures: Figures) -> None:
        """Settle the day `venue.margin.day`."""

    def multiplier(self, venue: Venue) -> int:
        """Return the leverage of the account as it stands."""
        limit = venue.settings.max_margin_multiplier
        if limit == 1:
            return 1
        equity = venue.equity
        given = next((multiplier for least, multiplier in self.leverage_from if equity >= least), 1)
        return min(limit, given)

    def free_margin(self, venue: Venue, replaced: ExchangeOrder | None = None) -> Decimal:
        """Return the margin left for new orders beside positions and working orders, but for `replaced`."""
        leverage = self.multiplier(venue)
        given_back = ZERO if replaced is None else replaced.margin_reserve
        figures = figures_of(venue, leverage)
        in_cash = figures.cash + figures.short_value * 2 - figures.bound
        free = in_cash if leverage == 1 else self.free(venue, figures)
        return free - venue.book.margin_reserved + given_back

    def non_marginable(self, venue: Venue, replaced: ExchangeOrder | None = None) -> Decimal:
        """Return what can be spent on assets that take no margin: the account's own cash."""
        given_back = ZERO if replaced is None else replaced.reserve
        own = venue.cash - venue.book.reserved + given_back
        if not venue.has_shorts:
            return own
        return min(own, self.free_margin(venue, replaced))
