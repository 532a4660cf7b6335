"""The account as rows: a whole snapshot, the changes since the last drain, and the way back."""

from decimal import Decimal
from typing import Any

from ratchet.core.fx.book import Dirty, FxBook
from ratchet.core.fx.records import FxChanges, FxOrder, FxTrade, PositionTotals
from ratchet.core.orders.rows import from_row, to_row


def account_row(book: FxBook) -> dict[str, Any]:
    """Return the account's own row."""
    return {
        "account": book.account,
        "balance": str(book.balance),
        "pl": str(book.pl),
        "financing": str(book.financing),
        "last_id": book.last_id,
        "created_ts": book.created_ts,
        "ts": book.ts,
        "rolled_ts": book.rolled_ts,
        "margin_call_ts": book.margin_call_ts,
        "last_fill_ts": book.last_fill_ts,
        "alias": book.alias,
        "own_margin_rate": str(book.own_margin_rate),
    }


def snapshot(book: FxBook) -> dict[str, Any]:
    """Return everything that decides the future as a JSON-able dict."""
    return {
        "account": account_row(book),
        "orders": [to_row(book.orders[key]) for key in sorted(book.orders)],
        "trades": [to_row(trade) for trade in book.trades.values()],
        "totals": [to_row(book.totals[name]) for name in sorted(book.totals)],
        "quotes": book.quotes.rows(),
        "bar_ends": dict(sorted(book.bar_ends.items())),
    }


def drain_changes(book: FxBook) -> FxChanges:
    """Return changed rows and start afresh."""
    dirty = book.dirty
    if dirty is None:
        return FxChanges()
    book.dirty = Dirty()
    return FxChanges(
        orders=tuple(to_row(dirty.orders[key]) for key in sorted(dirty.orders)),
        trades=tuple(to_row(dirty.trades[key]) for key in sorted(dirty.trades)),
        totals=tuple(to_row(dirty.totals[name]) for name in sorted(dirty.totals)),
        transactions=tuple(dirty.transactions),
        account=account_row(book) if dirty.account else None,
    )


def load(book: FxBook, state: dict[str, Any]) -> None:
    """Fill an empty book from a snapshot or from stored rows."""
    account = state["account"]
    for name in ("balance", "pl", "financing", "own_margin_rate"):
        setattr(book, name, Decimal(account[name]))
    for name in ("last_id", "created_ts", "ts", "rolled_ts", "margin_call_ts", "last_fill_ts"):
        setattr(book, name, int(account[name]))
    book.alias = str(account["alias"])
    book.extend_orders(from_row(FxOrder, row) for row in state.get("orders", ()))
    trades = sorted((from_row(FxTrade, row) for row in state.get("trades", ())), key=lambda item: item.id)
    book.trades.update((trade.id, trade) for trade in trades)
    for row in state.get("totals", ()):
        book.totals[row["instrument"]] = from_row(PositionTotals, row)
    for name, mid, ts in state.get("quotes", ()):
        instrument = book.instruments.get(name)
        if instrument is not None:
            book.quotes.put(instrument, Decimal(mid), int(ts))
    book.bar_ends.update(state.get("bar_ends", {}))
    if book.dirty is not None:
        book.dirty = Dirty()
