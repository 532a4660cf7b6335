"""SQL of what the broker booked beside executions."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from ratchet.common.db import Cursor
from ratchet.common.timestamps import to_datetime
from ratchet.core.assets import Asset
from ratchet.core.portfolio import Position
from ratchet.execution.books.activities import BookedActivity

_ACTIVITIES = (
    "INSERT INTO broker_activities (portfolio, activity_id, ts, day, type, symbol, qty, amount, "
    "booked_amount, booked_qty, effect, description) VALUES %s"
)
_CASH = "INSERT INTO cash_ledger (portfolio, ts, kind, amount, balance, reference) VALUES %s"
_POSITIONS = (
    "INSERT INTO positions (portfolio, symbol, asset_class, qty, avg_entry_price, realized_pnl, opened_ts, "
    "updated_ts) VALUES %s ON CONFLICT (portfolio, symbol) DO UPDATE SET qty = EXCLUDED.qty, "
    "avg_entry_price = EXCLUDED.avg_entry_price, opened_ts = EXCLUDED.opened_ts, "
    "realized_pnl = positions.realized_pnl + EXCLUDED.realized_pnl, updated_ts = EXCLUDED.updated_ts"
)


def write_activities(
    cursor: Cursor, portfolio: str, booked: Sequence[BookedActivity], balance: Decimal
) -> None:
    """Insert activities with their effect on cash and positions; `balance` is the cash after all of them."""
    if not booked:
        return
    cursor.later_values(_ACTIVITIES, [_row(portfolio, item) for item in booked])
    before = balance - sum((item.amount for item in booked), Decimal(0))
    rows: list[tuple[Any, ...]] = []
    for item in booked:
        if not item.amount:
            continue
        before += item.amount
        at, reference = to_datetime(item.activity.ts), item.activity.activity_id
        rows.append((portfolio, at, item.cash_kind, item.amount, before, reference))
    if rows:
        cursor.later_values(_CASH, rows)
    for item in booked:
        # One by one: two activities may be in one asset, and each adds its own profit.
        if item.position is not None and item.asset is not None:
            row = _position(portfolio, item, item.position, item.asset)
            cursor.later_values(_POSITIONS, [row])


def _row(portfolio: str, item: BookedActivity) -> tuple[Any, ...]:
    told = item.activity
    return (
        portfolio, told.activity_id, to_datetime(told.ts), told.day, told.type, told.symbol, told.qty,
        told.amount, item.amount, item.qty, item.effect.value, told.description,
    )  # fmt: skip


def _position(portfolio: str, item: BookedActivity, position: Position, asset: Asset) -> tuple[Any, ...]:
    opened = to_datetime(position.opened_ts) if position.qty else None
    return (
        portfolio, asset.symbol, asset.asset_class.value, position.qty, position.avg_entry_price,
        item.realized_pnl, opened, to_datetime(item.activity.ts),
    )  # fmt: skip
