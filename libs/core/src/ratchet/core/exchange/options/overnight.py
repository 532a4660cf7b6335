"""What happens to options between two sessions: early assignment of shorts, and splits of the underlying."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

from ratchet.core.exchange.actions import ActionKind
from ratchet.core.exchange.lifecycle import close
from ratchet.core.exchange.options.deliveries import ASSIGNMENT, record, remove_contracts
from ratchet.core.exchange.types import ExchangeStatus
from ratchet.core.exchange.venue import Venue
from ratchet.core.options.adjustment import adjust_for_split
from ratchet.core.options.assignment import assignment_probability, draw_assigned, session_generator
from ratchet.core.options.exercise import delivery
from ratchet.core.orders.money import ZERO
from ratchet.core.portfolio.position import Position
from ratchet.core.sessions import NEW_YORK, get_calendar

_SEARCH_DAYS = 10


def assign_early(venue: Venue, ts: int) -> None:
    """Draw the assignments of the session of `venue.margin.day`, at its last marks."""
    shorts = [one for one in venue.options.held() if one[2] < 0]
    if not shorts:
        return
    day = date.fromordinal(venue.margin.day)
    if get_calendar(NEW_YORK).session_on(day) is None:
        return
    rules = venue.options.config.settlement
    for asset_id, contract, qty in shorts:
        quote = venue.options.latest_quote(contract)
        price = venue.mark_price(venue.priced_by(asset_id))
        if quote is None or price is None:
            continue
        dividend = _next_dividend(venue, venue.priced_by(asset_id))
        chance = assignment_probability(rules, contract, price, quote.mid, dividend)
        generator = session_generator(rules.seed, venue.account, contract, day)
        assigned = draw_assigned(generator, -qty, chance)
        if assigned:
            remove_contracts(venue, asset_id, -assigned, ASSIGNMENT, delivery(contract, -assigned, price), ts)


def _next_dividend(venue: Venue, underlying_id: int) -> Decimal:
    """Return the dividend for which the next session is the ex-date."""
    first = venue.margin.day + 1
    sessions = get_calendar(NEW_YORK).sessions(
        date.fromordinal(first), date.fromordinal(first + _SEARCH_DAYS)
    )
    if not sessions:
        return ZERO
    actions = venue.actions.get(sessions[0].date.toordinal(), ())
    return sum(
        (a.amount for a in actions if a.asset_id == underlying_id and a.kind is ActionKind.DIVIDEND), ZERO
    )


def adjust_contracts(venue: Venue, underlying_id: int, ratio: Decimal, ts: int) -> None:
    """Turn positions in an underlying that is split into their adjusted contracts; cancel its orders.

    A part of a share that a contract would deliver is dropped, not paid in cash.
    """
    exact = Fraction(ratio)
    for asset_id in list(venue.book.working_assets()):
        if venue.options.is_option(asset_id) and venue.priced_by(asset_id) == underlying_id:
            for order in list(venue.book.working(asset_id)):
                whole = venue.book.get(order.parent_id) if order.parent_id else order
                if whole is not None and whole.is_open:
                    close(venue, whole, ExchangeStatus.CANCELED, ts)
    for asset_id, contract, qty in list(venue.options.held()):
        if venue.options.underlying_id(contract) != underlying_id:
            continue
        found = adjust_for_split(contract, exact.numerator, exact.denominator)
        _move(venue, asset_id, venue.options.adopt(found.contract), qty * found.contracts_per_old, ts)


def _move(venue: Venue, old_id: int, new_id: int, qty: int, ts: int) -> None:
    old = venue.position(old_id)
    venue.set_position(Position(old_id))
    venue.set_position(Position(new_id, Decimal(qty), old.cost, old.realized_pnl, old.opened_ts))
    text = f"split: {venue.asset(old_id).symbol} became {venue.asset(new_id).symbol}"
    for asset_id, change in ((old_id, -old.qty), (new_id, Decimal(qty))):
        record(venue, "SPLIT", asset_id, ts, qty=change, money=ZERO, description=text)
