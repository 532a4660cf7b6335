"""The account's rows in the schema `paper`: written with every change, read back after a restart."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import psycopg2.errors

from ratchet.common.db import Cursor, Database
from ratchet.common.errors import ClaimError, DatabaseUnavailableError
from ratchet.common.leases import AdvisoryLeaderLock
from ratchet.core.assets import Registry
from ratchet.core.exchange import Changes, ExchangeOrder
from ratchet.core.orders.rows import from_row
from ratchet.paper_exchange.accounts.store import AccountStore
from ratchet.paper_exchange.errors import AccountMismatchError, KnownIdError

WAIT_S = 2.0

_NEW_ORDERS = """
INSERT INTO paper.orders (order_id, account, client_order_id, seq, parent_id, asset_id, side, status, is_open,
                          created_ns, updated_ns, doc)
VALUES %s"""
_ORDERS = f"""{_NEW_ORDERS}
ON CONFLICT (order_id) DO UPDATE SET status = excluded.status, is_open = excluded.is_open,
    parent_id = excluded.parent_id, updated_ns = excluded.updated_ns, doc = excluded.doc"""
_POSITIONS = """
INSERT INTO paper.positions (account, asset_id, doc) VALUES %s
ON CONFLICT (account, asset_id) DO UPDATE SET doc = excluded.doc"""
_ACTIVITIES = """
INSERT INTO paper.activities (account, activity_id, type, ts_ns, doc) VALUES %s
ON CONFLICT DO NOTHING"""
# An order's id may follow from its client's.
_ONE_USE = frozenset({"orders_pkey", "orders_account_client_order_id_key"})
_HISTORY = ("trade_updates", "activities", "positions", "orders")
_UPDATES = "INSERT INTO paper.trade_updates (account, number, ts_ns, event, order_id, doc) VALUES %s"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the account stands: the last step, its event time (ns, UTC), and trade updates in total."""

    step_seq: int = 0
    clock: int = 0
    trade_updates: int = 0


@dataclass(frozen=True, slots=True)
class StoredAccount:
    """What a restart finds."""

    place: Place
    created_ns: int
    starting_cash: Decimal
    configuration: dict[str, Any]
    state: dict[str, Any] = field(default_factory=dict)


class Store:
    """SQL for one account."""

    def __init__(
        self,
        db: Database,
        account: str,
        registry: Registry,
        leader: AdvisoryLeaderLock,
        house: tuple[str, str] | None = None,
        *,
        is_durable: bool = True,
    ) -> None:
        """`leader` is checked in every transaction, so that two processes never write one account.

        `house` is the exchange's own account and this one's label, None for the exchange's own. Unless it
        `is_durable`, requests of clients do not wait for the disk: what a power failure may take then, the
        client must be able to find out. Steps always wait.
        """
        self._db = db
        self.account = account
        self._registry = registry
        self._leader = leader
        self._house = house
        self._is_durable = is_durable
        # That of our leadership when the rows were read.
        self._epoch = 0

    def further(self, account: str, label: str) -> "Store":
        """Return the store of a further account of this exchange."""
        return Store(self._db, account, self._registry, self._leader, (self.account, label))

    @property
    def is_behind(self) -> bool:
        """Whether rows may lack what was committed: the server has ended our session, or has crashed."""
        return not self._leader.seems_held(self._epoch)

    def accounts(self) -> AccountStore:
        """Return the rows about this exchange's accounts."""
        return AccountStore(self._db, self.account, self._leader)

    def load(self, closed_kept: int) -> StoredAccount | None:
        """Return the account with its open orders, last closed ones and positions; None if it is new.

        Leads again if the leader's session was lost; FencedError if another process leads by now.
        AccountMismatchError if it traded under another registry, whose asset ids mean other assets.
        """
        self._epoch = self._leader.regain()
        with self._db.transaction(wait_s=WAIT_S) as cursor:
            cursor.execute(
                "SELECT registry, step_seq, clock_ns, trade_updates, created_ns, starting_cash, "
                "configuration, doc "
                "FROM paper.accounts WHERE account = %s",
                (self.account,),
            )
            row = cursor.fetchone()
            if row is None:
                return None
            if row[0] != fingerprint(self._registry):
                raise AccountMismatchError(
                    f"account {self.account!r} in the database traded other assets than this dataset and "
                    "configuration list: use another database, or another account (RATCHET_PORTFOLIO)"
                )
            state = {"account": row[7], "orders": self._orders(cursor, closed_kept), "positions": []}
            cursor.execute("SELECT doc FROM paper.positions WHERE account = %s", (self.account,))
            state["positions"] = [doc for (doc,) in cursor.fetchall()]
        return StoredAccount(Place(row[1], row[2], row[3]), row[4], row[5], row[6], state)

    def create(self, account_row: dict[str, Any], starting_cash: Decimal, place: Place) -> None:
        """Write a new account."""
        values = (
            self.account,
            fingerprint(self._registry),
            place.clock,
            starting_cash,
            place.step_seq,
            place.clock,
            place.trade_updates,
            json.dumps(account_row),
            *(self._house or (None, None)),
        )
        with self._db.transaction(wait_s=WAIT_S) as cursor:
            self._leader.check(cursor)
            cursor.execute(
                "INSERT INTO paper.accounts (account, registry, created_ns, starting_cash, step_seq, "
                "clock_ns, trade_updates, doc, house, label) "
                "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                values,
            )

    def commit(
        self,
        changes: Changes,
        place: Place,
        updates: Sequence[dict[str, Any]],
        wait_s: float | None,
        *,
        is_step: bool = True,
        placing: str = "",
    ) -> None:
        """Write what changed and where the account stands, in one transaction.

        The last of `updates` is number place.trade_updates. DatabaseUnavailableError after wait_s seconds, or
        if we do not lead any more; KnownIdError if `placing`, the client_order_id of a new order, was used
        long ago.
        """
        try:
            waits = is_step or self._is_durable
            self._commit(changes, place, updates, wait_s, waits=waits, placing=placing)
        except ClaimError as error:
            # Whether another leads, or only our session was lost, shows when the rows are read again.
            raise DatabaseUnavailableError(f"account {self.account!r}: this process leads no more") from error
        except psycopg2.errors.UniqueViolation as error:
            if error.diag.constraint_name not in _ONE_USE:
                raise
            raise KnownIdError(str(error).strip()) from error

    def _commit(
        self,
        changes: Changes,
        place: Place,
        updates: Sequence[dict[str, Any]],
        wait_s: float | None,
        *,
        waits: bool,
        placing: str,
    ) -> None:
        first = place.trade_updates - len(updates) + 1
        with self._db.claiming(self._leader.claim, wait_s=wait_s) as cursor:
            if not waits:
                cursor.later("SET LOCAL synchronous_commit = off")
            self._write_rows(cursor, changes, placing)
            rows = [self._update_row(number, data) for number, data in enumerate(updates, start=first)]
            cursor.later_values(_UPDATES, rows)
            cursor.later(
                "UPDATE paper.accounts SET step_seq = %s, clock_ns = %s, trade_updates = %s, "
                "created_ns = CASE created_ns WHEN 0 THEN %s ELSE created_ns END, "
                "doc = doc || coalesce(%s::jsonb, '{}') "
                "WHERE account = %s",
                (
                    place.step_seq,
                    place.clock,
                    place.trade_updates,
                    place.clock,
                    None if changes.account is None else json.dumps(changes.account),
                    self.account,
                ),
            )

    def configure(self, configuration: dict[str, Any]) -> None:
        """Store the account's configuration."""
        with self._db.transaction(wait_s=WAIT_S) as cursor:
            self._leader.check(cursor)
            cursor.execute(
                "UPDATE paper.accounts SET configuration = %s WHERE account = %s",
                (json.dumps(configuration), self.account),
            )

    def forget(self) -> None:
        """Delete the exchange's accounts with all that they did, and their keys."""
        with self._db.transaction(wait_s=WAIT_S) as cursor:
            self._leader.check(cursor)
            cursor.execute(
                "SELECT account FROM paper.accounts WHERE account = %s OR house = %s",
                (self.account, self.account),
            )
            for (account,) in cursor.fetchall():
                for table in (*_HISTORY, "accounts"):
                    cursor.execute(f"DELETE FROM paper.{table} WHERE account = %s", (account,))  # noqa: S608

    def reset(self, account_row: dict[str, Any], starting_cash: Decimal, place: Place) -> None:
        """Delete what the account did, and write it as new at a place; keys and configuration stay."""
        with self._db.transaction(wait_s=WAIT_S) as cursor:
            self._leader.check(cursor)
            for table in _HISTORY:
                cursor.execute(f"DELETE FROM paper.{table} WHERE account = %s", (self.account,))  # noqa: S608
            cursor.execute(
                "UPDATE paper.accounts SET created_ns = %s, starting_cash = %s, step_seq = %s, "
                "clock_ns = %s, trade_updates = %s, doc = %s WHERE account = %s",
                (
                    place.clock,
                    starting_cash,
                    place.step_seq,
                    place.clock,
                    place.trade_updates,
                    json.dumps(account_row),
                    self.account,
                ),
            )

    def is_known(self, client_order_id: str) -> bool:
        """Return whether a client order id was ever used."""
        return bool(self.query("SELECT 1 FROM paper.orders WHERE account = %s AND client_order_id = %s",
                               client_order_id))  # fmt: skip

    def order(self, column: str, value: str) -> ExchangeOrder | None:
        """Return an order by `order_id` or `client_order_id`."""
        rows = self.query(f"SELECT doc FROM paper.orders WHERE account = %s AND {column} = %s", value)  # noqa: S608
        return from_row(ExchangeOrder, rows[0][0]) if rows else None

    def execute(self, sql: str, parameters: tuple[Any, ...]) -> None:
        """Run one statement in a transaction of its own."""
        with self._db.transaction(wait_s=WAIT_S) as cursor:
            self._leader.check(cursor)
            cursor.execute(sql, parameters)

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Run a query whose first parameter is the account."""
        return self._db.query(sql, (self.account, *parameters), wait_s=WAIT_S)

    def _orders(self, cursor: Cursor, closed_kept: int) -> list[dict[str, Any]]:
        cursor.execute(
            "SELECT doc FROM paper.orders WHERE account = %s AND NOT is_open "
            "ORDER BY updated_ns DESC, seq DESC LIMIT %s",
            (self.account, closed_kept),
        )
        closed = [doc for (doc,) in reversed(cursor.fetchall())]
        cursor.execute(
            "SELECT doc FROM paper.orders WHERE account = %s AND is_open ORDER BY seq", (self.account,)
        )
        return closed + [doc for (doc,) in cursor.fetchall()]

    def _write_rows(self, cursor: Cursor, changes: Changes, placing: str) -> None:
        new: list[tuple[Any, ...]] = []
        known: list[tuple[Any, ...]] = []
        for row in changes.orders:
            (new if row["client_order_id"] == placing else known).append(self._order_row(row))
        cursor.later_values(_NEW_ORDERS, new)
        cursor.later_values(_ORDERS, known)
        held = [row for row in changes.positions if Decimal(str(row["qty"]))]
        rows = [(self.account, row["asset_id"], json.dumps(row)) for row in held]
        cursor.later_values(_POSITIONS, rows)
        flat = [row["asset_id"] for row in changes.positions if not Decimal(str(row["qty"]))]
        if flat:
            cursor.later(
                "DELETE FROM paper.positions WHERE account = %s AND asset_id = ANY(%s)", (self.account, flat)
            )
        cursor.later_values(_ACTIVITIES, self._activity_rows(changes.activities))

    def _order_row(self, row: dict[str, Any]) -> tuple[Any, ...]:
        order = from_row(ExchangeOrder, row)
        return (
            order.id,
            self.account,
            order.client_order_id,
            order.seq,
            order.parent_id or None,
            order.asset_id,
            order.side.value,
            order.status.value,
            order.is_open,
            order.created_ts,
            order.updated_ts,
            json.dumps(row),
        )

    def _activity_rows(self, activities: Iterable[dict[str, Any]]) -> Iterable[tuple[Any, ...]]:
        for row in activities:
            yield self.account, row["id"], row["type"], row["ts"], json.dumps(row)

    def _update_row(self, number: int, update: dict[str, Any]) -> tuple[Any, ...]:
        data = update["data"]
        return self.account, number, update["ts"], data["event"], data["order"]["id"], json.dumps(data)


def fingerprint(registry: Registry) -> str:
    """Return the SHA-256 of the registry's symbols in order."""
    return hashlib.sha256("\n".join(asset.symbol for asset in registry).encode()).hexdigest()
