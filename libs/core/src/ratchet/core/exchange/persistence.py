"""The exchange's state as rows: a whole snapshot, the changes since the last drain, and the way back."""

from dataclasses import asdict
from typing import Any

from ratchet.core.exchange.settings import AccountSettings
from ratchet.core.exchange.state import MarginState
from ratchet.core.exchange.types import Changes, ExchangeOrder
from ratchet.core.exchange.venue import Dirty, Venue
from ratchet.core.orders.rows import from_row, to_row
from ratchet.core.portfolio.position import Position


def account_row(venue: Venue, *, with_options: bool = True) -> dict[str, Any]:
    """Return the account's own row; without contracts if it has none, or if they are left out."""
    row = {
        "account": venue.account,
        "cash": str(venue.cash),
        "fees_paid": str(venue.fees_paid),
        "seq": venue.seq,
        "ts": venue.ts,
        "draws": venue.draws,
        "margin": venue.margin.to_row(),
    }
    if with_options and venue.options.count:
        row["options"] = venue.options.to_row()
    return row


def snapshot(venue: Venue) -> dict[str, Any]:
    """Return everything as a JSON-able dict."""
    orders = [*venue.book.closed_orders(), *venue.book.open_orders()]
    marked = [int(index) for index in venue.marks.nonzero()[0]]
    return {
        "account": account_row(venue),
        "orders": [to_row(order) for order in orders],
        "positions": [to_row(venue.positions[asset_id]) for asset_id in sorted(venue.positions)],
        "marks": [
            [i, float(venue.marks[i]), int(venue.mark_ts[i]), int(venue.bar_start[i]), int(venue.bar_ns[i])]
            for i in marked
        ],
        "used_client_order_ids": sorted(venue.book.used),
        "settings": asdict(venue.settings),
    }


def drain_changes(venue: Venue) -> Changes:
    """Return changed rows and start afresh; a position that was closed comes as a row with qty 0."""
    dirty = venue.dirty
    if dirty is None:
        return Changes()
    venue.dirty = Dirty()
    return Changes(
        orders=tuple(to_row(order) for order in sorted(dirty.orders.values(), key=lambda order: order.seq)),
        activities=tuple(to_row(activity) for activity in dirty.activities),
        positions=tuple(to_row(venue.position(asset_id)) for asset_id in sorted(dirty.positions)),
        # Contracts only grow in number: they are written when one is added, and kept by the store between.
        account=account_row(venue, with_options=dirty.options) if dirty.account else None,
    )


def load(venue: Venue, state: dict[str, Any]) -> None:
    """Fill an empty venue from a snapshot or from stored rows."""
    account = state["account"]
    convert = type(venue.cash)
    venue.cash = convert(account["cash"])
    venue.fees_paid = convert(account["fees_paid"])
    venue.seq, venue.ts = int(account["seq"]), int(account["ts"])
    venue.draws = int(account.get("draws", 0))
    if "margin" in account:
        venue.margin = MarginState.from_row(account["margin"])
    if "options" in account:
        venue.options.load(account["options"])
    if "settings" in state:
        venue.settings = AccountSettings(**state["settings"])
    for row in state.get("positions", ()):
        position = from_row(Position, row)
        if position.qty:
            venue.set_position(position)
    for row in state.get("orders", ()):
        venue.book.put(from_row(ExchangeOrder, row))
    venue.book.used.update(state.get("used_client_order_ids", ()))
    for asset_id, mark, mark_ts, bar_start, bar_ns in state.get("marks", ()):
        venue.marks[asset_id] = mark
        venue.mark_ts[asset_id] = mark_ts
        venue.bar_start[asset_id] = bar_start
        venue.bar_ns[asset_id] = bar_ns
    if venue.dirty is not None:
        venue.dirty = Dirty()
