"""Changes of the books that no execution of an order has made: transfers, splits, assignments."""

from dataclasses import replace
from decimal import Decimal

from ratchet.core.assets.contracts import multiplier_of
from ratchet.core.orders.money import ZERO, to_money
from ratchet.core.orders.types import Side
from ratchet.core.portfolio.books import Books
from ratchet.core.portfolio.position import Position
from ratchet.core.portfolio.trades import OpenTrade


def adjust_units(
    books: Books, asset_id: int, delta: Decimal, ts: int, cost: Decimal, *, is_split: bool
) -> tuple[Position, Decimal]:
    """Add signed units that cost `cost` in all; return the position after it and the profit realised.

    A split leaves the value as it is, so mark and best price move against the units. Units taken away
    release their share of the cost against -`cost`, which is what was received for them.
    """
    before = books.positions.get(asset_id) or Position(asset_id)
    qty = before.qty + delta
    is_split = is_split and before.qty * qty > 0
    grows = is_split or before.qty * delta >= 0
    if grows:
        released, realized = ZERO, ZERO
        position = replace(before, qty=qty, cost=before.cost + cost)
    else:
        share = min(Decimal(1), abs(delta / before.qty))
        released = before.cost if share == 1 else to_money(before.cost * share)
        realized = -cost - released
        position = replace(
            before, qty=qty, cost=before.cost - released, realized_pnl=before.realized_pnl + realized
        )
    if not before.qty:
        position = replace(position, opened_ts=ts)
    _store(books, before, position, ts, is_split=is_split)
    return position, realized


def _store(books: Books, before: Position, position: Position, ts: int, *, is_split: bool) -> None:
    asset_id = position.asset_id
    if not position.qty:
        books.positions.pop(asset_id, None)
        books.trades.pop(asset_id, None)
        return
    books.positions[asset_id] = position
    trade = books.trades.get(asset_id)
    if trade is None or before.qty * position.qty < 0:
        side = Side.BUY if position.qty > 0 else Side.SELL
        books.trades[asset_id] = OpenTrade(
            asset_id, side, ts, books.mark(asset_id)[0], abs(position.qty), abs(position.cost),
            rate=float(multiplier_of(asset_id)),
        )  # fmt: skip
    elif is_split:
        ratio = float(before.qty / position.qty)
        mark, mark_ts = books.mark(asset_id)
        books.set_mark(asset_id, mark * ratio, mark_ts)
        books.trades[asset_id] = replace(
            trade,
            best_price=trade.best_price * ratio,
            entry_qty=trade.entry_qty * position.qty / before.qty,
        )
