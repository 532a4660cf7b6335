"""Margin calls and close-outs: what happens when NAV no longer covers the margin used."""

from ratchet.core.fx.book import FxBook
from ratchet.core.fx.filling import fill
from ratchet.core.fx.lifecycle import place_closing
from ratchet.core.fx.types import Closeout
from ratchet.core.fx.valuation import account_value


def check_margin(book: FxBook, ts: int) -> None:
    """Close every position when NAV is below the part of the margin that must be covered; note calls."""
    if account_value(book).must_close:
        for name in book.held():
            _close(book, name, ts)
    is_called = account_value(book).is_called
    if is_called and not book.margin_call_ts:
        book.margin_call_ts = ts
        book.begin()
        book.record("MARGIN_CALL_ENTER", ts, {})
    elif not is_called and book.margin_call_ts:
        book.margin_call_ts = 0
        book.begin()
        book.record("MARGIN_CALL_EXIT", ts, {})


def _close(book: FxBook, name: str, ts: int) -> None:
    units, quote = -book.net_units(name), book.quotes[name]
    book.begin()
    order, _ = place_closing(book, name, units, ts, Closeout.MARGIN)
    fill(book, order, quote.ask if units > 0 else quote.bid, ts)
