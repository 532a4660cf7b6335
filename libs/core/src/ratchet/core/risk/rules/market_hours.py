"""Entries are decided while the asset's market is open."""

from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Denial, Entry, entry_rule
from ratchet.core.sessions import ALWAYS_OPEN, get_calendar
from ratchet.core.timeframes import NS_PER_SECOND


@entry_rule(order=100)
def market_hours(entry: Entry) -> Denial | None:
    """Deny outside the sessions of the asset's calendar.

    A bar that ends with its session is decided on after the close, so a decision counts as within the session
    for as long as a price counts as fresh. A time outside the calendar's range is denied.
    """
    book, name = entry.book, entry.asset.calendar
    if name == ALWAYS_OPEN or book.config.trade_closed_markets:
        return None
    calendar = get_calendar(name)
    grace_ns = book.config.stale_price_s * NS_PER_SECOND
    try:
        if calendar.is_open(book.ts) or calendar.next_close(book.ts - grace_ns - 1) <= book.ts:
            return None
    except ValueError as error:
        return Denial(Reason.MARKET_CLOSED, f"{entry.asset.symbol}: {error}")
    return Denial(Reason.MARKET_CLOSED, f"{entry.asset.symbol}: {name} is closed")
