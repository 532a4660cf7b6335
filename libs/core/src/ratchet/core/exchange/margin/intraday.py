"""FINRA rule 4210 as amended with effect from 4 June 2026: intraday margin instead of day-trade counts.

Orders that would create an intraday margin deficit are refused. A deficit that the market makes is a call;
one that is not met by the end of the fifth business day freezes the account for 90 days, in which only
closing orders are taken. Deficits below the lesser of 1,000 dollars and 5 % of equity are disregarded.
"""

from decimal import Decimal

from ratchet.core.exchange.days import business_days_after
from ratchet.core.exchange.margin.figures import Figures
from ratchet.core.exchange.margin.policy import MINIMUM_EQUITY, MarginPolicy
from ratchet.core.exchange.venue import Venue

CALL_DAYS, FREEZE_DAYS = 5, 90
_DE_MINIMIS, _DE_MINIMIS_RATIO = Decimal(1_000), Decimal("0.05")


class IntradayMargin(MarginPolicy):
    """Leverage 4 from the margin minimum on; calls with a term."""

    leverage_from = ((MINIMUM_EQUITY, 4),)

    def on_marks(self, venue: Venue, figures: Figures) -> None:
        """Issue a call for a deficit that is not trifling, once a day."""
        state = venue.margin
        deficit = figures.maintenance - figures.equity
        threshold = min(_DE_MINIMIS, max(figures.equity, Decimal(0)) * _DE_MINIMIS_RATIO)
        if deficit > threshold and all(day != state.day for day, _ in state.calls):
            state.calls.append((state.day, deficit))
            venue.touch()

    def on_day_end(self, venue: Venue, figures: Figures) -> None:
        """Drop calls that are met, and freeze an account whose term has run out."""
        state = venue.margin
        if not state.calls:
            return
        venue.touch()
        if figures.equity >= figures.maintenance:
            state.calls.clear()
        elif business_days_after(state.calls[0][0], state.day) >= CALL_DAYS:
            state.frozen_until = state.day + FREEZE_DAYS
            state.calls.clear()
