"""Corporate actions on the wire."""

from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import uuid5

from ratchet.core.assets import Registry
from ratchet.core.exchange.actions import ActionKind, CorporateAction
from ratchet.paper_exchange.wire.assets import ASSET_NAMESPACE


def action_rows(
    actions: Iterable[CorporateAction], registry: Registry, first: date, last: date
) -> list[tuple[str, dict[str, Any]]]:
    """Return (group, row) of the actions processed within these days, oldest first; CUSIPs are not known."""
    rows = [_row(action, registry[action.asset_id].symbol) for action in actions]
    inside = [item for item in rows if first.isoformat() <= item[1]["process_date"] <= last.isoformat()]
    return sorted(inside, key=lambda item: (item[1]["process_date"], item[1]["symbol"], item[1]["id"]))


def _row(action: CorporateAction, symbol: str) -> tuple[str, dict[str, Any]]:
    processed = (action.pay_date or action.ex_date).isoformat()
    shared = {
        "id": str(uuid5(ASSET_NAMESPACE, f"{symbol}|{action.kind}|{action.ex_date}|{action.amount}")),
        "symbol": symbol,
        "ex_date": action.ex_date.isoformat(),
        "payable_date": processed,
        "process_date": processed,
    }
    if action.kind is ActionKind.DIVIDEND:
        dividend = {"cusip": "", "rate": float(action.amount), "special": False, "foreign": False}
        return "cash_dividends", shared | dividend
    if action.ratio >= 1:
        return "forward_splits", shared | {"cusip": "", "new_rate": float(action.ratio), "old_rate": 1.0}
    rates = {"new_rate": 1.0, "old_rate": float(1 / action.ratio)}
    return "reverse_splits", shared | {"old_cusip": "", "new_cusip": "", **rates}
