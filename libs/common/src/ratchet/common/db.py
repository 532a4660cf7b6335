"""PostgreSQL: a pool whose transactions reconnect at BEGIN, never in the middle."""

import contextlib
import os
import select
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeVar, cast

import psycopg2
import psycopg2.extensions
import psycopg2.extras
import psycopg2.pool
from pydantic import SecretStr

from ratchet.common import copying, metrics
from ratchet.common.errors import ClaimError, CommitUnknownError, DatabaseUnavailableError
from ratchet.common.logging import get_logger
from ratchet.common.pipelining import PipelinedCursor, Statement

Cursor = PipelinedCursor
Connection = psycopg2.extensions.connection
T = TypeVar("T")

_LOST = (psycopg2.OperationalError, psycopg2.InterfaceError)
_RETRYABLE = (psycopg2.errors.SerializationFailure, psycopg2.errors.DeadlockDetected)
# SQLSTATE classes: connection exceptions and shutdowns; disk, memory or connections used up.
_CONNECTION_LOST = ("08", "57P")
_EXHAUSTED = "53"
_TROUBLE_SHOWN_S = 30.0
_FIRST_BACKOFF_S, _LAST_BACKOFF_S = 0.05, 2.0
_BEGIN: Statement = ("BEGIN", ())

# A dict as a parameter is JSON.
psycopg2.extensions.register_adapter(dict, psycopg2.extras.Json)


class Capability(StrEnum):
    """What the server offers for time tables."""

    NONE = "none"
    APACHE = "apache"
    TIMESCALE = "timescale"


class Database:
    """A pool of connections to one database; safe for threads, and reopened after a fork."""

    def __init__(
        self,
        url: str | SecretStr,
        *,
        pool_size: int = 4,
        stop: threading.Event | None = None,
        on_wait: Callable[[], None] = lambda: None,
        application_name: str = "ratchet",
    ) -> None:
        """Do not connect yet; `stop` ends waiting for a lost server, `on_wait` is called while waiting."""
        self._url = url.get_secret_value() if isinstance(url, SecretStr) else url
        self._pool_size = pool_size
        self._stop = stop or threading.Event()
        self._on_wait = on_wait
        self._application_name = application_name
        self._log = get_logger("db")
        self._lock = threading.Lock()
        self._pool: psycopg2.pool.ThreadedConnectionPool | None = None
        self._slots = threading.BoundedSemaphore(pool_size)
        self._pid = 0
        self._capability: Capability | None = None
        self._trouble = (float("-inf"), "")

    @property
    def url(self) -> str:
        """The connection string, with its password: never log it."""
        return self._url

    @contextlib.contextmanager
    def transaction(self, *, wait_s: float | None = None, first: Statement | None = None) -> Iterator[Cursor]:
        """Yield a cursor in a transaction: committed at the end, rolled back on any error.

        A lost server is waited for at BEGIN, for `wait_s` seconds (None: until the service stops). `first`
        is sent along with BEGIN, its result is ready to be fetched; what is given to the cursor's `later` is
        sent along with COMMIT. Raises DatabaseUnavailableError, or CommitUnknownError if the connection died
        during COMMIT.
        """
        begin = (f"BEGIN; {first[0]}", first[1]) if first else _BEGIN
        with self._opened(begin, wait_s) as cursor, self._ended(cursor):
            yield cursor

    @contextlib.contextmanager
    def claiming(self, claim: Statement, *, wait_s: float | None = None) -> Iterator[Cursor]:
        """Yield a cursor in a transaction of one round trip: what `later` is given travels with COMMIT.

        `claim` goes before it: a SELECT that divides by zero unless what it claims is so, which raises
        ClaimError. Other errors are those of `transaction`; a connection that dies after this was called
        leaves the outcome unknown, one that had died before is noticed and opened anew.
        """
        begin = (f"BEGIN; {claim[0]}", claim[1])
        try:
            with self._opened(begin, wait_s, is_deferred=True) as cursor, self._ended(cursor):
                yield cursor
        except psycopg2.errors.DivisionByZero as error:
            raise ClaimError(_reason(error)) from error

    def run(self, work: Callable[[Cursor], T], *, wait_s: float | None = None) -> T:
        """Run `work(cursor)` in a transaction, anew if the server was lost or it was a deadlock.

        `work` may run more than once, so its only effects must be in the database. An unknown COMMIT is
        raised.
        """
        backoff = _FIRST_BACKOFF_S
        while True:
            try:
                with self.transaction(wait_s=wait_s) as cursor:
                    return work(cursor)
            except CommitUnknownError:
                raise
            except (DatabaseUnavailableError, *_RETRYABLE) as error:
                self._log.warning("transaction_repeated", reason=_reason(error), retry_in_s=backoff)
                self._on_wait()
                if wait_s is not None or self._stop.wait(backoff):
                    raise
                backoff = min(backoff * 2, _LAST_BACKOFF_S)

    def query(
        self,
        sql: str,
        parameters: Sequence[Any] | Mapping[str, Any] = (),
        *,
        wait_s: float | None = None,
    ) -> list[tuple[Any, ...]]:
        """Return all rows of one statement, which is run again if its connection was lost."""
        with self._opened((sql, parameters), wait_s) as cursor:
            return cursor.fetchall()

    def execute(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> int:
        """Run one statement in its own transaction; return the number of rows it touched."""
        with self.transaction(first=(sql, parameters)) as cursor:
            return cursor.rowcount

    def stream(
        self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = (), *, chunk: int = 5_000
    ) -> Iterator[tuple[Any, ...]]:
        """Yield rows through a server-side cursor, so that memory stays bounded."""
        with self.transaction() as cursor:
            cursor.execute(f"DECLARE rows NO SCROLL CURSOR FOR {sql}", parameters or None)
            while True:
                cursor.execute(f"FETCH {int(chunk)} FROM rows")
                rows = cursor.fetchall()
                yield from rows
                if len(rows) < chunk:
                    return

    def copy(self, cursor: Cursor, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> int:
        """Write rows by COPY; return their number."""
        return copying.copy_rows(cursor, table, columns, rows)

    def copy_columns(self, cursor: Cursor, table: str, columns: Mapping[str, Any]) -> int:
        """Write equally long columns by binary COPY: see `ratchet.common.copying.copy_columns`."""
        return copying.copy_columns(cursor, table, columns)

    def copy_upsert(
        self,
        cursor: Cursor,
        table: str,
        columns: Sequence[str] | Mapping[str, Any],
        rows: Sequence[Sequence[Any]] | None = None,
        *,
        conflict: Sequence[str],
        update: bool = True,
    ) -> int:
        """COPY into a temporary table, then insert; known `conflict` columns update or keep rows."""
        return copying.copy_upsert(cursor, table, columns, rows, conflict=conflict, update=update)

    def ingest(
        self, cursor: Cursor, table: str, columns: Mapping[str, Any], *, conflict: Sequence[str]
    ) -> int:
        """COPY columns straight into the table; only if some rows exist already, upsert instead."""
        return copying.ingest(cursor, table, columns, conflict=conflict)

    def ping(self) -> str | None:
        """Return None if the server answers and has not lately run out of disk or memory, else why not."""
        try:
            with self.transaction(wait_s=0) as cursor:
                cursor.execute("SELECT 1")
        except DatabaseUnavailableError as error:
            return str(error)
        seen, reason = self._trouble
        return reason if time.monotonic() - seen < _TROUBLE_SHOWN_S else None

    def wait(self) -> bool:
        """Wait for the server; return False if the service was stopped before it answered."""
        try:
            with self.transaction():
                return True
        except DatabaseUnavailableError:
            return False

    def capability(self) -> Capability:
        """Return what the server offers for time tables."""
        if self._capability is None:
            with self.transaction() as cursor:
                self._capability = detect_capability(cursor)
        return self._capability

    def connect(self, *, autocommit: bool = False) -> Connection:
        """Open a connection outside the pool, for locks and maintenance; the caller closes it."""
        try:
            connection = psycopg2.connect(self._url, **self._options())
        except psycopg2.OperationalError as error:
            raise DatabaseUnavailableError(_reason(error)) from error
        connection.autocommit = autocommit
        return cast("Connection", connection)

    def close(self) -> None:
        """Close every pooled connection."""
        with self._lock:
            if self._pool is not None and self._pid == os.getpid():
                self._pool.closeall()
            self._pool = None

    @contextlib.contextmanager
    def _ended(self, cursor: Cursor) -> Iterator[None]:
        """Commit at the end, roll back on any error."""
        try:
            yield
            self._commit(cursor)
        except CommitUnknownError:
            raise
        except BaseException:
            cursor.forget_queued()
            with contextlib.suppress(*_LOST):
                cursor.execute("ROLLBACK")
            raise

    @contextlib.contextmanager
    def _opened(
        self, first: Statement, wait_s: float | None, *, is_deferred: bool = False
    ) -> Iterator[Cursor]:
        """Yield a cursor that has executed `first`, or has it queued, on a connection of the pool."""
        connection, cursor = self._open(first, wait_s, is_deferred=is_deferred)
        try:
            with self._translated(connection), cursor:
                yield cursor
        finally:
            self._release(connection)

    def _open(
        self, first: Statement, wait_s: float | None, *, is_deferred: bool
    ) -> tuple[Connection, Cursor]:
        deadline = None if wait_s is None else time.monotonic() + wait_s
        backoff = _FIRST_BACKOFF_S
        while True:
            try:
                return self._try_open(first, deadline, is_deferred=is_deferred)
            except _LOST as error:
                if _server_said_no(error):
                    raise
                reason = _reason(error)
            metrics.DATABASE_RECONNECTS_TOTAL.inc()
            if deadline is not None and time.monotonic() + backoff > deadline:
                raise DatabaseUnavailableError(reason)
            self._log.warning("database_unavailable", reason=reason, retry_in_s=backoff)
            self._on_wait()
            if self._stop.wait(backoff):
                raise DatabaseUnavailableError(f"{reason} (stopped while waiting)")
            backoff = min(backoff * 2, _LAST_BACKOFF_S)

    def _try_open(
        self, first: Statement, deadline: float | None, *, is_deferred: bool
    ) -> tuple[Connection, Cursor]:
        for _ in range(self._pool_size):
            connection = self._acquire(deadline)
            try:
                if is_deferred and is_quiet(connection):
                    cursor = cast("Cursor", connection.cursor())
                    cursor.later(*first)
                    return connection, cursor
                return connection, self._started(connection, first)
            except _LOST as error:
                # A pooled connection may have died: its first statement shows it, before anything was done.
                if _server_said_no(error):
                    self._release(connection)
                    raise
                connection.close()
                self._release(connection)
            except BaseException:
                self._release(connection)
                raise
        raise psycopg2.OperationalError("the server closed every connection")

    def _started(self, connection: Connection, first: Statement) -> Cursor:
        cursor = cast("Cursor", connection.cursor())
        try:
            cursor.execute(first[0], first[1] or None)
        except psycopg2.Error as error:
            with contextlib.suppress(*_LOST):
                cursor.execute("ROLLBACK")
            if _is_exhausted(error):
                self._note_trouble(connection, error)
                raise DatabaseUnavailableError(_reason(error)) from error
            raise
        return cursor

    def _acquire(self, deadline: float | None) -> Connection:
        timeout = None if deadline is None else max(0.0, deadline - time.monotonic()) + 1.0
        if not self._slots.acquire(timeout=timeout):
            raise DatabaseUnavailableError(f"all {self._pool_size} connections are busy")
        try:
            connection: Connection = self._open_pool().getconn()
        except BaseException:
            self._slots.release()
            raise
        connection.autocommit = True
        return connection

    def _release(self, connection: Connection) -> None:
        try:
            pool = self._pool
            if pool is None:
                connection.close()
            else:
                pool.putconn(connection, close=bool(connection.closed))
        finally:
            self._slots.release()

    def _open_pool(self) -> psycopg2.pool.ThreadedConnectionPool:
        with self._lock:
            if self._pool is None or self._pid != os.getpid():
                if self._pid not in (0, os.getpid()):
                    # The parent's sockets are not ours to close.
                    self._slots = threading.BoundedSemaphore(self._pool_size)
                    self._slots.acquire()
                self._pool = psycopg2.pool.ThreadedConnectionPool(
                    0, self._pool_size, self._url, **self._options()
                )
                # Connections are made when they are needed, but kept: psycopg2 closes all beyond the minimum.
                self._pool.minconn = self._pool_size
                self._pid = os.getpid()
            return self._pool

    def _options(self) -> dict[str, Any]:
        return {
            "application_name": self._application_name,
            "connect_timeout": 5,
            "options": "-c timezone=UTC",
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
            "cursor_factory": PipelinedCursor,
        }

    def _commit(self, cursor: Cursor) -> None:
        try:
            cursor.execute("COMMIT")
        except _LOST as error:
            if _server_said_no(error):
                raise
            raise CommitUnknownError(f"connection lost during COMMIT: {_reason(error)}") from error
        if cursor.statusmessage != "COMMIT":
            # The server answers COMMIT with ROLLBACK when a failed statement was swallowed on the way.
            raise psycopg2.errors.InFailedSqlTransaction(
                "a statement of the transaction had failed: rolled back"
            )

    @contextlib.contextmanager
    def _translated(self, connection: Connection) -> Iterator[None]:
        try:
            yield
        except _LOST as error:
            if _server_said_no(error) and not _is_exhausted(error):
                raise
            self._note_trouble(connection, error)
            raise DatabaseUnavailableError(_reason(error)) from error

    def _note_trouble(self, connection: Connection, error: Exception) -> None:
        if not connection.closed:
            # The server answers, but cannot work: a ping would not show that.
            self._trouble = (time.monotonic(), _reason(error))
            self._log.error("database_exhausted", reason=_reason(error))


def detect_capability(cursor: psycopg2.extensions.cursor) -> Capability:
    """Return the level of TimescaleDB; asks before touching the extension, which may end the connection."""
    cursor.execute(
        "SELECT EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb'), "
        "current_setting('shared_preload_libraries') LIKE '%timescaledb%', "
        "current_setting('timescaledb.license', true)"
    )
    row = cursor.fetchone()
    available, preloaded, licence = row if row else (False, False, None)
    if not (available and preloaded):
        return Capability.NONE
    return Capability.TIMESCALE if licence in (None, "", "timescale") else Capability.APACHE


def is_quiet(connection: Connection) -> bool:
    """Return whether the server has said nothing since the last answer, such as that it closes."""
    if connection.closed:
        return False
    poller = select.poll()
    poller.register(connection.fileno(), select.POLLIN)
    return not poller.poll(0)


def _server_said_no(error: BaseException) -> bool:
    """Return whether the server itself refused, so that the outcome is known."""
    code = str(getattr(error, "pgcode", None) or "")
    return code != "" and not code.startswith(_CONNECTION_LOST)


def _is_exhausted(error: BaseException) -> bool:
    return str(getattr(error, "pgcode", "")).startswith(_EXHAUSTED)


def _reason(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
