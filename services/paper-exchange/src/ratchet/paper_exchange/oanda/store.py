"""One account's rows in the schema `paper`: written with every change, read back after a restart."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg2.extras import execute_values

from ratchet.common.db import Cursor, Database
from ratchet.common.errors import DatabaseUnavailableError, FencedError
from ratchet.common.leases import AdvisoryLeaderLock
from ratchet.core.fx import FxChanges, FxOrder, FxTrade, Transaction
from ratchet.core.orders.rows import from_row

WAIT_S = 2.0
_TABLES = ("oanda_transactions", "oanda_totals", "oanda_trades", "oanda_orders", "oanda_accounts")

_ORDERS = """
INSERT INTO paper.oanda_orders (account, order_id, instrument, state, doc) VALUES %s
ON CONFLICT (account, order_id) DO UPDATE SET state = excluded.state, doc = excluded.doc"""
_TRADES = """
INSERT INTO paper.oanda_trades (account, trade_id, instrument, state, doc) VALUES %s
ON CONFLICT (account, trade_id) DO UPDATE SET state = excluded.state, doc = excluded.doc"""
_TOTALS = """
INSERT INTO paper.oanda_totals (account, instrument, doc) VALUES %s
ON CONFLICT (account, instrument) DO UPDATE SET doc = excluded.doc"""
_TRANSACTIONS = "INSERT INTO paper.oanda_transactions (account, id, ts_ns, type, batch, doc) VALUES %s"
_ACCOUNT = """
INSERT INTO paper.oanda_accounts (account, step_seq, clock_ns, doc)
VALUES (%(account)s, %(seq)s, %(clock)s, %(doc)s)
ON CONFLICT (account) DO UPDATE
SET step_seq = excluded.step_seq, clock_ns = excluded.clock_ns, doc = excluded.doc"""
_JOURNAL = """
SELECT id, ts_ns, type, batch, doc FROM paper.oanda_transactions
WHERE account = %s AND id BETWEEN %s AND %s AND (%s OR type = ANY(%s::text[])) ORDER BY id LIMIT %s"""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which orders or trades a client asks for; `before` is an id, 0 for the newest."""

    ids: tuple[int, ...] | None = None
    states: tuple[str, ...] | None = None
    instrument: str | None = None
    before: int = 0
    count: int = 50


class OandaStore:
    """SQL for one account."""

    def __init__(self, db: Database, account: str, leader: AdvisoryLeaderLock) -> None:
        """`leader` is checked in every transaction, so that two processes never write one account."""
        self._db = db
        self.account = account
        self._leader = leader
        # That of our leadership when the rows were read.
        self._epoch = 0

    @property
    def is_behind(self) -> bool:
        """Whether rows may lack what was committed: the server has ended our session, or has crashed."""
        return not self._leader.seems_held(self._epoch)

    def load(self) -> tuple[int, int, dict[str, Any]] | None:
        """Return the last step, its event time and the state of the account; None if it is new.

        Leads again if the leader's session was lost; FencedError if another process leads by now.
        """
        self._epoch = self._leader.regain()
        with self._db.transaction(wait_s=WAIT_S) as cursor:
            cursor.execute(
                "SELECT step_seq, clock_ns, doc FROM paper.oanda_accounts WHERE account = %s", (self.account,)
            )
            row = cursor.fetchone()
            if row is None:
                return None
            state = {"account": row[2]}
            for name, table, condition in (
                ("orders", "oanda_orders", "AND state = 'PENDING'"),
                ("trades", "oanda_trades", "AND state = 'OPEN'"),
                ("totals", "oanda_totals", ""),
            ):
                cursor.execute(
                    f"SELECT doc FROM paper.{table} WHERE account = %s {condition}",  # noqa: S608
                    (self.account,),
                )
                state[name] = [doc for (doc,) in cursor.fetchall()]
        return row[0], row[1], state

    def commit(
        self, changes: FxChanges, account_row: dict[str, Any], seq: int, clock: int, wait_s: float | None
    ) -> None:
        """Write what changed and where the account stands, in one transaction.

        DatabaseUnavailableError after wait_s seconds, or if we do not lead any more.
        """
        place = {"account": self.account, "seq": seq, "clock": clock, "doc": json.dumps(account_row)}
        try:
            with self._db.transaction(wait_s=wait_s) as cursor:
                self._leader.check(cursor)
                cursor.execute(_ACCOUNT, place)
                self._write(cursor, changes)
        except FencedError as error:
            # Whether another leads, or only our session was lost, shows when the rows are read again.
            raise DatabaseUnavailableError(str(error)) from error

    def forget(self) -> None:
        """Delete the account with all that it did."""
        with self._db.transaction(wait_s=WAIT_S) as cursor:
            self._leader.check(cursor)
            for table in _TABLES:
                cursor.execute(f"DELETE FROM paper.{table} WHERE account = %s", (self.account,))  # noqa: S608

    def orders(self, wanted: Filter) -> list[FxOrder]:
        """Return orders, newest first."""
        return [from_row(FxOrder, row) for row in self._rows("oanda_orders", "order_id", wanted)]

    def trades(self, wanted: Filter) -> list[FxTrade]:
        """Return trades, newest first."""
        return [from_row(FxTrade, row) for row in self._rows("oanda_trades", "trade_id", wanted)]

    def order(self, order_id: int) -> FxOrder | None:
        """Return an order, however old."""
        return next(iter(self.orders(Filter(ids=(order_id,)))), None)

    def trade(self, trade_id: int) -> FxTrade | None:
        """Return a trade, however old."""
        return next(iter(self.trades(Filter(ids=(trade_id,)))), None)

    def transactions(
        self, first: int, last: int, types: Sequence[str] | None, limit: int = 1_000
    ) -> list[Transaction]:
        """Return the journal's entries with ids in [first, last], oldest first."""
        rows = self.query(_JOURNAL, first, last, not types, list(types or ()), limit)
        return [Transaction(*row) for row in rows]

    def ids_between(self, start: int, end: int, types: Sequence[str] | None) -> list[int]:
        """Return the ids of entries whose time (ns, UTC) lies in [start, end]."""
        rows = self.query(
            "SELECT id FROM paper.oanda_transactions WHERE account = %s AND ts_ns BETWEEN %s AND %s "
            "AND (%s OR type = ANY(%s::text[])) ORDER BY id",
            start,
            end,
            not types,
            list(types or ()),
        )
        return [row[0] for row in rows]

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Run a query whose first parameter is the account."""
        with self._db.transaction(wait_s=WAIT_S) as cursor:
            cursor.execute(sql, (self.account, *parameters))
            return cursor.fetchall()

    def _rows(self, table: str, key: str, wanted: Filter) -> list[dict[str, Any]]:
        sql, values = f"SELECT doc FROM paper.{table} WHERE account = %s", []  # noqa: S608
        for condition, value in (
            (f"{key} = ANY(%s)", None if wanted.ids is None else list(wanted.ids)),
            ("state = ANY(%s)", None if wanted.states is None else list(wanted.states)),
            ("instrument = %s", wanted.instrument),
            (f"{key} < %s", wanted.before or None),
        ):
            if value is not None:
                sql += f" AND {condition}"
                values.append(value)
        rows = self.query(f"{sql} ORDER BY {key} DESC LIMIT %s", *values, wanted.count)
        return [doc for (doc,) in rows]

    def _write(self, cursor: Cursor, changes: FxChanges) -> None:
        account = self.account
        for sql, key, rows in ((_ORDERS, "id", changes.orders), (_TRADES, "id", changes.trades)):
            values = [(account, row[key], row["instrument"], row["state"], json.dumps(row)) for row in rows]
            if values:
                execute_values(cursor, sql, values)
        if changes.totals:
            totals = [(account, row["instrument"], json.dumps(row)) for row in changes.totals]
            execute_values(cursor, _TOTALS, totals)
        if changes.transactions:
            entries = [
                (account, entry.id, entry.ts, entry.type, entry.batch, json.dumps(entry.body))
                for entry in changes.transactions
            ]
            execute_values(cursor, _TRANSACTIONS, entries)
