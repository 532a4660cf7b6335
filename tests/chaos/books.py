"""The ledger's books beside the exchange's own: what was lost, what was doubled, what drifted.

Every order in the exchange's books was placed by the platform, so one that the platform did not decide, or
decided twice, shows as such however it is named.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ratchet.common.db import Database
from ratchet.core.assets import Registry

Rows = Callable[[str], list[tuple[Any, ...]]]
# An order in one of these states was taken by the venue; an expired one was if the venue gave it an id.
_TAKEN = ("accepted", "partially_filled", "pending_cancel", "filled", "canceled")
_VENUE_ORDERS = "SELECT client_order_id, doc->>'filled_qty' FROM paper.orders WHERE account = %s"
_VENUE_FILLS = """
SELECT doc->>'execution_id', (doc->>'qty')::numeric, (doc->>'price')::numeric
FROM paper.activities WHERE account = %s AND type = 'FILL'
"""
_VENUE_POSITIONS = "SELECT asset_id, doc->>'qty' FROM paper.positions WHERE account = %s"
# The portfolio's money lies in both venues' accounts.
_VENUE_CASH = """
SELECT (doc->>'cash')::numeric
       + coalesce((SELECT sum((doc->>'balance')::numeric) FROM paper.oanda_accounts), 0)
FROM paper.accounts WHERE account = %s
"""
_ORDERS = "SELECT client_order_id, status, filled_qty, broker_order_id FROM orders WHERE portfolio = %s"
# What an order is about, however it is called: a decision of one moment about one asset. A signal that was
# answered twice has its own id in both orders, or at least asset, side, type and reason in common.
_ABOUT = """
SELECT client_order_id, proposal_id, signal_id, symbol, side, type, reason, created_ts, intent FROM orders
WHERE portfolio = %s AND parent_order_id IS NULL
"""
_DECIDED = """
SELECT client_order_id, symbol, side, qty, status, filled_qty FROM orders WHERE portfolio = %s ORDER BY 1
"""
_APPROVED = "SELECT DISTINCT proposal_id FROM risk_decisions WHERE portfolio = %s AND approved"
_PROPOSED = "SELECT proposal_id FROM orders WHERE portfolio = %s AND proposal_id <> ''"
_FILLS = "SELECT execution_id, qty, price FROM fills WHERE portfolio = %s"
_FILLED = """
SELECT client_order_id, o.filled_qty, sum(f.qty) FROM orders o JOIN fills f USING (client_order_id)
WHERE o.portfolio = %s GROUP BY 1, 2 HAVING o.filled_qty <> sum(f.qty)
"""
_POSITIONS = "SELECT symbol, qty FROM positions WHERE portfolio = %s AND qty <> 0"
_CASH = "SELECT sum(amount) FROM cash_ledger WHERE portfolio = %s"
# Since the epoch (s), by the database's clock.
_SENT_SINCE = """
SELECT count(*) FROM orders JOIN paper.orders placed USING (client_order_id)
WHERE portfolio = %s AND recorded_at > to_timestamp(%s)
"""


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
    verdict.orders = len(theirs)
    _compare_orders(rows, theirs, verdict)
    _find_doubled(rows, theirs.keys(), verdict)
    _compare_fills(rows, verdict)
    _compare_holdings(rows, registry, verdict)
    return verdict


def _compare_orders(rows: Rows, theirs: dict[str, Decimal], verdict: Verdict) -> None:
    ours = {row[0]: row for row in rows(_ORDERS)}
    verdict.lost += [f"order {key} is not in the ledger" for key in theirs.keys() - ours.keys()]
    verdict.lost += [
        f"order {key} is {row[1]} in the ledger, the venue has none"
        for key, row in ours.items()
        if (row[1] in _TAKEN or row[3]) and key not in theirs
    ]
    unanswered = {key for (key,) in rows(_APPROVED)} - {key for (key,) in rows(_PROPOSED)}
    verdict.lost += [f"proposal {key} was approved, no order was made" for key in sorted(unanswered)]
    verdict.drift += [
        f"order {key} is still {row[1]}" for key, row in ours.items() if row[1] in {"pending_new", "unknown"}
    ]
    verdict.drift += [
        f"order {key}: filled {row[2]} in the ledger, {theirs[key]} at the venue"
        for key, row in ours.items()
        if key in theirs and theirs[key] != row[2]
    ]
    verdict.drift += [
        f"order {key}: filled {filled}, its executions make {made}" for key, filled, made in rows(_FILLED)
    ]


def _find_doubled(rows: Rows, sent: Any, verdict: Verdict) -> None:
    """Find decisions that the venue was sent twice, whichever ids the orders bear."""
    proposals: Counter[str] = Counter()
    signals: Counter[tuple[Any, ...]] = Counter()
    moments: Counter[tuple[Any, ...]] = Counter()
    for key, proposal, signal, symbol, side, kind, reason, ts, intent in rows(_ABOUT):
        if intent == "external":
            verdict.doubled.append(f"order {key} was taken over from the venue: nobody had decided it")
        if key not in sent:
            continue
        proposals[proposal] += bool(proposal)
        signals[signal, symbol, side] += bool(signal)
        moments[symbol, side, kind, reason, str(ts)] += 1
    for what, counts in (("proposal", proposals), ("signal", signals), ("decision", moments)):
        verdict.doubled += [f"{what} {key} was sent {n} times" for key, n in counts.items() if n > 1]


def _compare_fills(rows: Rows, verdict: Verdict) -> None:
    at_venue = {key: (qty, price) for key, qty, price in rows(_VENUE_FILLS)}
    booked = {key: (qty, price) for key, qty, price in rows(_FILLS)}
    verdict.fills = len(at_venue)
    verdict.lost += [f"execution {key} is not booked" for key in at_venue.keys() - booked.keys()]
    verdict.doubled += [
        f"execution {key} is booked, the venue has none" for key in booked.keys() - at_venue.keys()
    ]
    verdict.drift += [
        f"execution {key}: {booked[key]} in the ledger, {at_venue[key]} at the venue (quantity, price)"
        for key in booked.keys() & at_venue.keys()
        if booked[key] != at_venue[key]
    ]


def _compare_holdings(rows: Rows, registry: Registry, verdict: Verdict) -> None:
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


def sent_since(database: Database, moment: float, account: str = "main") -> int:
    """Return how many orders that the venue has were decided after a moment (seconds since the epoch)."""
    return int(database.query(_SENT_SINCE, (account, moment))[0][0])


def decisions(database: Database, account: str = "main") -> list[tuple[Any, ...]]:
    """Return what was decided and booked, in an order that does not depend on how it came about."""
    fills = "SELECT execution_id, qty, price, fee FROM fills WHERE portfolio = %s ORDER BY 1"
    return [*database.query(_DECIDED, (account,)), *database.query(fills, (account,))]
