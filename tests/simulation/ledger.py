"""A ledger in memory with the database's promises: a transaction happens whole or not at all."""

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ratchet.common.errors import CommitUnknownError, FencedError
from ratchet.core.orders import Order
from ratchet.core.performance import DailyPerformance
from ratchet.core.portfolio import AppliedFill, PortfolioSnapshot
from ratchet.execution.books.activities import BookedActivity
from ratchet.execution.books.report import Report
from ratchet.execution.ledger.by_asset import put_back
from ratchet.execution.ledger.effects import Decision, NewOrder
from ratchet.execution.ledger.events import OrderChange
from ratchet.execution.loops.phases import PhaseView
from ratchet.execution.ports import Saved
from tests.simulation.faults import Faults


@dataclass
class Books:
    """What is durable."""

    trading_state: str = "active"
    leader: int = 1
    orders: dict[str, Order] = field(default_factory=dict)
    proposals: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    events: dict[str, str] = field(default_factory=dict)
    fills: dict[str, AppliedFill] = field(default_factory=dict)
    cash: Decimal = Decimal(0)
    positions: dict[int, Decimal] = field(default_factory=dict)
    seq: int = 0
    ts: int = 0
    state: str = ""
    by_asset: dict[str, str] = field(default_factory=dict)
    announced: dict[str, str] = field(default_factory=dict)
    reports: int = 0
    # Whether trading was active when an order was committed.
    active_at: dict[str, bool] = field(default_factory=dict)


class MemoryTransaction:
    """The port LedgerTransaction over a copy of the books."""

    def __init__(self, books: Books, epoch: int) -> None:
        self.books = books
        self._epoch = epoch

    def guard(self) -> str:
        """Return the trading state; FencedError if another process leads."""
        if self.books.leader != self._epoch:
            raise FencedError(f"epoch {self._epoch} leads no more, {self.books.leader} does")
        return self.books.trading_state

    def opening(self, cash: Decimal) -> None:
        """Book the opening balance."""
        self.books.cash += cash

    def orders(self, orders: Sequence[NewOrder], seq: int) -> None:
        """Insert orders."""
        for item in orders:
            key = item.order.client_order_id
            assert key not in self.books.orders, f"order {key} is inserted twice"
            self.books.orders[key] = item.order
            self.books.proposals[key] = item.proposal_id
            self.books.active_at[key] = self.books.trading_state == "active"

    def changes(self, changes: Sequence[OrderChange]) -> None:
        """Update orders."""
        for change in changes:
            self.books.orders[change.order.client_order_id] = change.order
            self.books.events[change.id] = change.order.status.value

    def fills(self, fills: Sequence[AppliedFill], balance: Decimal, seq: int) -> None:
        """Insert executions."""
        for item in fills:
            key = item.fill.execution_id
            assert key not in self.books.fills, f"execution {key} is booked twice"
            self.books.fills[key] = item
            self.books.cash += item.cash_delta
            self.books.positions[item.fill.asset_id] = item.position.qty

    def activities(self, booked: Sequence[BookedActivity], balance: Decimal) -> None:
        """There are none in this world."""
        assert not booked

    def decisions(self, decisions: Sequence[Decision]) -> None:
        """Decisions are not looked at."""

    def daily(self, rows: Sequence[DailyPerformance], drawdown_ratio: float) -> None:
        """Days are not looked at."""

    def daily_closes(self, day: str, closes: Any) -> None:
        """Closes are not looked at."""

    def breakers(self, changes: Sequence[Any]) -> None:
        """Breakers are not looked at."""

    def outcomes(self, outcomes: Sequence[Any]) -> None:
        """Outcomes of exits are not looked at."""

    def snapshots(self, snapshots: Sequence[PortfolioSnapshot]) -> None:
        """Snapshots are not looked at."""

    def state(
        self, seq: int, ts: int, state: Mapping[str, Any], by_asset: Mapping[str, str] | None = None
    ) -> None:
        """Keep the state as JSON, as the database does."""
        self.books.seq, self.books.ts, self.books.state = seq, ts, json.dumps(state)
        if by_asset is not None:
            self.books.by_asset = dict(by_asset)

    def report(self, report: Report) -> None:
        """Count."""
        self.books.reports += 1

    def trading_state(self, state: str, reason: str, actor: str) -> None:
        """Throw the kill switch."""
        self.books.trading_state = state

    def audit(self, actor: str, action: str, detail: Mapping[str, object]) -> None:
        """Audit rows are not looked at."""

    def announce(self, stream: str, message: Any, ts: int, event_id: str) -> None:
        """Keep the message."""
        self.books.announced[event_id] = stream


class MemoryLedger:
    """The port Ledger; one per process, over shared books."""

    portfolio = "main"

    def __init__(self, shared: list[Books], epoch: int, faults: Faults) -> None:
        self._shared = shared
        self.epoch = epoch
        self._faults = faults

    @property
    def books(self) -> Books:
        """What is durable now."""
        return self._shared[0]

    @contextmanager
    def transaction(self, *, durable: bool = True, claimed: str | None = None) -> Iterator[MemoryTransaction]:
        """Begin to write; what was written is durable when this ends, unless the commit breaks."""
        draft = copy.copy(self.books)
        for name in ("orders", "proposals", "keys", "events", "fills", "positions", "announced", "active_at"):
            setattr(draft, name, dict(getattr(draft, name)))
        yield MemoryTransaction(draft, self.epoch)
        self._faults.crash()
        broken = self._faults.strikes("commit_unknown")
        if not broken or self._faults.random.random() < 0.5:
            self._shared[0] = draft
        if broken:
            raise CommitUnknownError("the connection broke at COMMIT")
        self._faults.crash()

    def load(self, phases: PhaseView) -> Saved:
        """Read what the last commit left."""
        books = self.books
        MemoryTransaction(books, self.epoch).guard()
        if not books.state:
            return Saved(books.trading_state)
        state = json.loads(books.state)
        put_back(state["session"], books.by_asset)
        return Saved(books.trading_state, books.seq, books.ts, state, list(books.fills))

    def order(self, client_order_id: str) -> Order | None:
        """Return an order."""
        return self.books.orders.get(client_order_id)

    def order_by_broker_id(self, broker_order_id: str) -> Order | None:
        """Return the order with the venue's id."""
        orders = self.books.orders.values()
        return next((order for order in orders if order.broker_order_id == broker_order_id), None)

    def order_by_key(self, key: str) -> Order | None:
        """Return the order of an idempotency key."""
        return self.books.orders.get(self.books.keys.get(key, ""))

    def known_orders(self, client_order_ids: Sequence[str]) -> set[str]:
        """Return those of the orders that the books have."""
        return set(client_order_ids) & self.books.orders.keys()

    def booked_executions(self, execution_ids: Sequence[str]) -> set[str]:
        """Return those of the executions that are booked."""
        return set(execution_ids) & self.books.fills.keys()

    def booked_activities(self, activity_ids: Sequence[str]) -> set[str]:
        """Return none: there are no activities."""
        return set()

    def past_volumes(self, symbol: str, until_ns: int) -> tuple[list[int], list[float], int]:
        """There are no bars here."""
        return [], [], 0

    def reckoned_fees(self, day: str, symbol: str) -> tuple[Decimal, Decimal]:
        """Return nothing: the venue tells no fees."""
        return Decimal(0), Decimal(0)

    def data_quality(self) -> float | None:
        """Return nothing: nobody judges the data."""
        return None
