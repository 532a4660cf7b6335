"""The ledger in PostgreSQL."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from psycopg2.extras import Json

from ratchet.common.audit import write_audit
from ratchet.common.daily_closes import read_daily_closes, write_daily_closes
from ratchet.common.db import Cursor, Database
from ratchet.common.timestamps import to_datetime
from ratchet.common.tracing import traceparent
from ratchet.common.trading_state import write_trading_state
from ratchet.core.assets import Registry
from ratchet.core.exits import ExitOutcome
from ratchet.core.orders import Order
from ratchet.core.performance import DailyPerformance
from ratchet.core.portfolio import AppliedFill, PortfolioSnapshot
from ratchet.core.risk import BreakerChange
from ratchet.core.risk.inputs import RETURN_DAYS
from ratchet.execution.books.activities import BookedActivity
from ratchet.execution.books.report import Report
from ratchet.execution.ledger import queries
from ratchet.execution.ledger.activity_rows import write_activities
from ratchet.execution.ledger.effects import Decision, NewOrder
from ratchet.execution.ledger.events import OrderChange
from ratchet.execution.ledger.store import LedgerWriter
from ratchet.execution.loops.phases import PhaseView
from ratchet.execution.ports import Saved

SERVICE = "execution"
_REMEMBERED = 20_000
_REPORT = (
    "INSERT INTO reconciliations (portfolio, trigger, epoch, ok, differences, pending_executions, error) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s)"
)
_OUTBOX = (
    "INSERT INTO outbox (event_id, stream, ts, payload, traceparent) VALUES (%s, %s, %s, %s, %s) "
    "ON CONFLICT (event_id) DO NOTHING"
)


class PostgresLedger:
    """One portfolio's books; `epoch` is that of our leadership and is checked in every transaction."""

    def __init__(self, db: Database, portfolio: str, registry: Registry) -> None:
        self.db = db
        self.portfolio = portfolio
        self.writer = LedgerWriter(portfolio, registry)
        self._registry = registry

    @property
    def epoch(self) -> int:
        """The epoch of our leadership."""
        return self.writer.epoch

    @epoch.setter
    def epoch(self, epoch: int) -> None:
        self.writer.epoch = epoch

    @contextlib.contextmanager
    def transaction(
        self, *, durable: bool = True, claimed: str | None = None
    ) -> Iterator["PostgresTransaction"]:
        """Begin to write; without `durable` a power failure may lose it, a crash of ours does not.

        With `claimed`, the trading state that we know, all goes in one round trip, and ClaimError is raised
        at its end unless that and our leadership stand until the commit.
        """
        with contextlib.ExitStack() as stack:
            if claimed is None:
                cursor = stack.enter_context(self.db.transaction(first=self.writer.guard_statement))
                guarded = cursor.fetchone()
            else:
                cursor = stack.enter_context(self.db.claiming(self.writer.claim(claimed)))
                guarded = (self.epoch, True, claimed)
            if not durable:
                cursor.later("SET LOCAL synchronous_commit = off")
            yield PostgresTransaction(cursor, self.writer, guarded)

    def load(self, phases: PhaseView) -> Saved:
        """Read what the last commit left, and the phases as of then; FencedError if another leads."""
        with self.db.transaction() as cursor:
            self.writer.prepare(cursor)
            trading_state = self.writer.guard(cursor)
            saved = queries.saved_state(cursor, self.portfolio)
            phases.load(cursor, saved[1] if saved else 0)
            earnings = queries.earnings(cursor, self._registry, saved[1] if saved else 0)
            if saved is None:
                return Saved(trading_state, earnings=earnings)
            executions = queries.recent_executions(cursor, self.portfolio, _REMEMBERED)
            closes = list(read_daily_closes(cursor, self.portfolio, RETURN_DAYS + 1))
        return Saved(trading_state, *saved, executions, closes, earnings)

    def order(self, client_order_id: str) -> Order | None:
        """Return an order."""
        return queries.order(self.db, self._registry, client_order_id)

    def order_by_broker_id(self, broker_order_id: str) -> Order | None:
        """Return the order with the venue's id."""
        return queries.order_by_broker_id(self.db, self._registry, broker_order_id)

    def order_by_key(self, key: str) -> Order | None:
        """Return the order that a caller made with an idempotency key."""
        return queries.order_by_key(self.db, self._registry, self.portfolio, key)

    def known_orders(self, client_order_ids: Sequence[str]) -> set[str]:
        """Return those of the orders that the ledger has."""
        return queries.known_orders(self.db, client_order_ids)

    def booked_executions(self, execution_ids: Sequence[str]) -> set[str]:
        """Return those of the executions that are booked."""
        return queries.booked_executions(self.db, execution_ids)

    def booked_activities(self, activity_ids: Sequence[str]) -> set[str]:
        """Return those of the broker's activities that are booked."""
        return queries.booked_activities(self.db, self.portfolio, activity_ids)

    def data_quality(self) -> float | None:
        """Return the worst of the universes' newest quality scores, None before the first."""
        return queries.data_quality(self.db)

    def past_volumes(self, symbol: str, until_ns: int) -> tuple[list[int], list[float], int]:
        """Return event times (ns), volumes and length (ns) of the symbol's bars of the 20 days before."""
        return queries.past_volumes(self.db, symbol, until_ns)

    def reckoned_fees(self, day: str, symbol: str) -> tuple[Decimal, Decimal]:
        """Return fees reckoned with fills up to a UTC day and not told by the broker yet, (money, units)."""
        return queries.reckoned_fees(self.db, self.portfolio, day, symbol)


class PostgresTransaction:
    """A transaction of the ledger, begun with the guard's statement, whose row is `guarded`."""

    def __init__(self, cursor: Cursor, writer: LedgerWriter, guarded: tuple[Any, ...] | None) -> None:
        self._cursor = cursor
        self._writer = writer
        self._guarded = guarded

    def guard(self) -> str:
        """Return the trading state; FencedError if another process leads. Both stand until the commit."""
        return self._writer.verify(self._guarded)

    def opening(self, cash: Decimal) -> None:
        """Book the money that the portfolio begins with, once."""
        self._writer.opening(self._cursor, cash)

    def orders(self, orders: Sequence[NewOrder], seq: int) -> None:
        """Insert orders; a client_order_id or idempotency key that exists already is an error."""
        self._writer.orders(self._cursor, orders, seq)

    def changes(self, changes: Sequence[OrderChange]) -> None:
        """Update orders to their last change, and keep every change as event and outbox row."""
        self._writer.changes(self._cursor, changes)

    def fills(self, fills: Sequence[AppliedFill], balance: Decimal, seq: int) -> None:
        """Insert executions with their effect on cash and positions; a known execution is an error."""
        self._writer.fills(self._cursor, fills, balance, seq)

    def activities(self, booked: Sequence[BookedActivity], balance: Decimal) -> None:
        """Insert what the broker booked that is no execution; a known activity is an error."""
        write_activities(self._cursor, self._writer.portfolio, booked, balance)

    def decisions(self, decisions: Sequence[Decision]) -> None:
        """Insert what risk said."""
        self._writer.decisions(self._cursor, decisions)

    def daily(self, rows: Sequence[DailyPerformance], drawdown_ratio: float) -> None:
        """Write the rows of a closed day; writing them again changes nothing."""
        self._writer.daily(self._cursor, rows, drawdown_ratio)

    def daily_closes(self, day: str, closes: Any) -> None:
        """Keep the closes of a day, from which risk takes returns."""
        write_daily_closes(self._cursor, self._writer.portfolio, day, closes)

    def breakers(self, changes: Sequence[BreakerChange]) -> None:
        """Insert trips and re-arms of circuit breakers."""
        self._writer.breakers(self._cursor, changes)

    def outcomes(self, outcomes: Sequence[ExitOutcome]) -> None:
        """Insert what became of the price after exits."""
        self._writer.outcomes(self._cursor, outcomes)

    def snapshots(self, snapshots: Sequence[PortfolioSnapshot]) -> None:
        """Write snapshots of the portfolio."""
        self._writer.snapshots(self._cursor, snapshots)

    def state(
        self, seq: int, ts: int, state: Mapping[str, Any], by_asset: Mapping[str, str] | None = None
    ) -> None:
        """Write what the trader remembers, and the step that it stands at; None leaves the columns."""
        self._writer.state(self._cursor, seq, ts, dict(state), by_asset)

    def report(self, report: Report) -> None:
        """Keep a comparison with the broker."""
        body = report.to_json()
        values = (
            self._writer.portfolio, report.trigger, self._writer.epoch, report.ok, Json(body["differences"]),
            report.pending_executions, report.error,
        )  # fmt: skip
        self._cursor.later(_REPORT, values)

    def trading_state(self, state: str, reason: str, actor: str) -> None:
        """Throw the kill switch, with its audit row."""
        write_trading_state(self._cursor, SERVICE, self._writer.portfolio, state, reason, actor)

    def audit(self, actor: str, action: str, detail: Mapping[str, object]) -> None:
        """Write to the audit log."""
        write_audit(self._cursor, SERVICE, actor, action, detail)

    def announce(self, stream: str, message: Any, ts: int, event_id: str) -> None:
        """Publish a message once this is committed, however long the bus is away."""
        values = (event_id, stream, to_datetime(ts), message.SerializeToString(), traceparent())
        self._cursor.later(_OUTBOX, values)


def reports(db: Database, portfolio: str, limit: int) -> list[dict[str, Any]]:
    """Return the last comparisons with the broker, newest first."""
    rows = db.query(
        "SELECT at, trigger, epoch, ok, differences, pending_executions, error FROM reconciliations "
        "WHERE portfolio = %s ORDER BY at DESC, id DESC LIMIT %s",
        (portfolio, limit),
    )
    names = ("at", "trigger", "epoch", "ok", "differences", "pending_executions", "error")
    return [{**dict(zip(names, row, strict=True)), "at": row[0].isoformat()} for row in rows]
