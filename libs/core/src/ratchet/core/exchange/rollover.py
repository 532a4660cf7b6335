"""The end of a broker's day, at midnight in New York: figures are kept, carry is charged, actions apply."""

from ratchet.core.exchange import corporate
from ratchet.core.exchange.carry import charge
from ratchet.core.exchange.days import business_days_after, new_york_day
from ratchet.core.exchange.margin import figures_of, policy_on
from ratchet.core.exchange.options import overnight
from ratchet.core.exchange.venue import Venue

_DAYS_KEPT = 5


def roll(venue: Venue, ts: int) -> None:
    """End every day before the one of event time ts; call it before the marks of ts are taken."""
    state = venue.margin
    if not state.day:
        state.day = new_york_day(ts)
        venue.touch()
        return
    while ts > venue.day_ends:
        at = venue.day_ends
        overnight.assign_early(venue, at)
        _end_day(venue, at)
        state.day += 1
        corporate.begin_day(venue, at)


def _end_day(venue: Venue, ts: int) -> None:
    state = venue.margin
    figures = figures_of(venue)
    policy_on(venue.config, state.day).on_day_end(venue, figures)
    if figures.debit or venue.shorts:
        charge(venue, figures, ts)
    state.sma = max(state.sma, figures.excess)
    state.last_equity, state.last_maintenance = venue.equity, figures.maintenance
    if venue.positions or state.opened_today or state.day_trades:
        venue.touch()
    state.opened_today.clear()
    if state.day_trades:
        recent = {d: n for d, n in state.day_trades.items() if business_days_after(d, state.day) < _DAYS_KEPT}
        state.day_trades = recent
