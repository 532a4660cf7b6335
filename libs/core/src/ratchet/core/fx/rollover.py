"""Financing at 17:00 New York: what it costs or brings to hold a position overnight."""

from dataclasses import replace
from decimal import Decimal

from ratchet.core.fx.book import FxBook
from ratchet.core.fx.describe import money_text
from ratchet.core.fx.records import FxTrade
from ratchet.core.fx.valuation import home_value, money
from ratchet.core.orders.money import ZERO
from ratchet.core.sessions.catalog import FOREX_WEEK, get_calendar

DAYS_A_YEAR = 365


def roll(book: FxBook, until: int) -> None:
    """Charge every rollover that was reached by `until` (ns, UTC) and not charged before."""
    calendar = get_calendar(FOREX_WEEK)
    while book.trades:
        due = calendar.next_close(book.rolled_ts)
        if due > until:
            return
        session = calendar.session_of(due - 1)
        days = book.config.financing_days.get(session.date.weekday(), 0) if session is not None else 0
        if days:
            _charge(book, due, days)
        book.rolled_ts = due
    book.rolled_ts = max(book.rolled_ts, until)


def financing(book: FxBook, trade: FxTrade, days: int) -> Decimal:
    """Return what some days of a trade bring: its value at the mid price x yearly rate x days / 365."""
    rates = book.config.financing_of(trade.instrument)
    rate = rates.long if trade.units > 0 else rates.short
    return money(home_value(book, trade.instrument, trade.units) * rate * days / DAYS_A_YEAR)


def _charge(book: FxBook, ts: int, days: int) -> None:
    total, rows = ZERO, []
    for name in book.held():
        parts = [(trade, financing(book, trade, days)) for trade in book.trades_of(name)]
        for trade, amount in parts:
            book.put_trade(replace(trade, financing=trade.financing + amount))
            _count(book, trade, amount)
        subtotal = sum((amount for _, amount in parts), ZERO)
        total += subtotal
        rows.append(
            {
                "instrument": name,
                "financing": money_text(subtotal),
                "openTradeFinancings": [
                    {"tradeID": str(trade.id), "financing": money_text(amount)} for trade, amount in parts
                ],
            }
        )
    book.balance = money(book.balance + total)
    book.financing += total
    book.begin()
    body = {
        "financing": money_text(total),
        "accountBalance": money_text(book.balance),
        "accountFinancingMode": "DAILY",
        "positionFinancings": rows,
    }
    book.record("DAILY_FINANCING", ts, body)


def _count(book: FxBook, trade: FxTrade, amount: Decimal) -> None:
    totals = book.totals_of(trade.instrument)
    if trade.units > 0:
        book.put_totals(replace(totals, long_financing=totals.long_financing + amount))
    else:
        book.put_totals(replace(totals, short_financing=totals.short_financing + amount))
