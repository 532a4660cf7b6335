"""The ledger's books beside the exchange's own: what was lost, what was doubled, what drifted."""

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ratchet.common.db import Database
from ratchet.core.assets import Registry

# An order in one of these states was taken by the venue.
_TAKEN = ("accepted", "partially_filled", "pending_cancel", "filled", "canceled", "expired")
_VENUE_ORDERS = "SELECT client_order_id, doc->>'filled_qty' FROM paper.orders WHERE account = %s"
_VENUE_FILLS = "SELECT doc->>'execution_id' FROM paper.activities WHERE account = %s AND type = 'FILL'"
_VENUE_POSITIONS = "SELECT asset_id, doc->>'qty' FROM paper.positions WHERE account = %s"
# The portfolio's money lies in both venues' accounts.
_VENUE_CASH = """
SELECT (doc->>'cash')::numeric
       + coalesce((SELECT sum((doc->>'balance')::numeric) FROM paper.oanda_accounts), 0)
FROM paper.accounts WHERE account = %s
"""
_ORDERS = "SELECT client_order_id, status, filled_qty, proposal_id FROM orders WHERE portfolio = %s"
_DECIDED = """
SELECT client_order_id, symbol, side, qty, status, filled_qty FROM orders WHERE portfolio = %s ORDER BY 1
"""
_FILLS = "SELECT execution_id FROM fills WHERE portfolio = %s"
_POSITIONS = "SELECT symbol, qty FROM positions WHERE portfolio = %s AND qty <> 0"
_CASH = "SELECT sum(amount) FROM cash_ledger WHERE portfolio = %s"
_UNPUBLISHED = "SELECT count(*) FROM outbox WHERE published_at IS NULL"


@dataclass
class Verdict:
    """The outcome of one comparison; every list names what is wrong, so empty lists are what one wants."""

    orders: int = 0
    fills: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    drift: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether both books are the same."""
        return not (self.lost or self.doubled or self.drift)


def compare(database: Database, registry: Registry, account: str = "main") -> Verdict:
    """Compare orders, executions, positions and cash one by one, exactly."""

    def rows(statement: str) -> list[tuple[Any, ...]]:
        return database.query(statement, (account,))

    verdict = Verdict()
    theirs = {client_id: Decimal(filled) for client_id, filled in rows(_VENUE_ORDERS)}
    ours = {row[0]: row for row in rows(_ORDERS)}
    verdict.orders = len(theirs)
    verdict.lost += [f"order {key} is not in the ledger" for key in theirs.keys() - ours.keys()]
    verdict.lost += [
        f"order {key} is {row[1]} in the ledger, the venue has none"
        for key, row in ours.items()
        if row[1] in _TAKEN and key not in theirs
    ]
    verdict.drift += [
        f"order {key} is still {row[1]}" for key, row in ours.items() if row[1] in {"pending_new", "unknown"}
    ]
    verdict.drift += [
        f"order {key}: filled {row[2]} in the ledger, {theirs[key]} at the venue"
        for key, row in ours.items()
        if key in theirs and theirs[key] != row[2]
    ]
    sent = Counter(row[3] for key, row in ours.items() if row[3] and key in theirs)
    verdict.doubled += [f"proposal {key} was sent {n} times" for key, n in sent.items() if n > 1]
    _compare_fills(rows, verdict)
    _compare_holdings(rows, registry, verdict)
    return verdict


def _compare_fills(rows: Any, verdict: Verdict) -> None:
    at_venue, booked = Counter(key for (key,) in rows(_VENUE_FILLS)), Counter(key for (key,) in rows(_FILLS))
    verdict.fills = at_venue.total()
    verdict.lost += [f"execution {key} is not booked" for key in at_venue - booked]
    verdict.doubled += [f"execution {key} is booked too often" for key in booked - at_venue]


def _compare_holdings(rows: Any, registry: Registry, verdict: Verdict) -> None:
    held = {
        registry[asset_id].symbol: Decimal(qty) for asset_id, qty in rows(_VENUE_POSITIONS) if Decimal(qty)
    }
    booked = dict(rows(_POSITIONS))
    verdict.drift += [
        f"position {symbol}: {booked.get(symbol, 0)} in the ledger, {held.get(symbol, 0)} at the venue"
        for symbol in sorted(held.keys() | booked.keys())
        if held.get(symbol, 0) != booked.get(symbol, 0)
    ]
    (cash,), (ledger,) = rows(_VENUE_CASH)[0], rows(_CASH)[0]
    if cash != ledger:
        verdict.drift.append(f"cash: {ledger} in the ledger, {cash} at the venue")


def decisions(database: Database, account: str = "main") -> list[tuple[Any, ...]]:
    """Return what was decided and booked, in an order that does not depend on how it came about."""
    fills = "SELECT execution_id, qty, price, fee FROM fills WHERE portfolio = %s ORDER BY 1"
    return [*database.query(_DECIDED, (account,)), *database.query(fills, (account,))]
