"""Ownership: leases in Redis for universes, a fenced advisory lock in PostgreSQL for portfolios."""

import contextlib
import threading
from collections.abc import Callable, Iterator

import psycopg2
import redis.exceptions

from ratchet.common import metrics
from ratchet.common.bus import Client
from ratchet.common.db import Connection, Cursor, Database, is_quiet
from ratchet.common.errors import BusUnavailableError, DatabaseUnavailableError, FencedError
from ratchet.common.pipelining import Statement

_OURS = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call({}) end return 0"
_RENEW = _OURS.format("'pexpire', KEYS[1], ARGV[2]")
_RELEASE = _OURS.format("'del', KEYS[1]")

_KEY = "hashtextextended('ratchet:portfolio:' || {}, 0)"
# Nobody can have a share of a lock that somebody has alone. A server that has lost its memory, and with it
# commits that had not reached the disk, has lost the lock too.
STILL_LED = f"NOT pg_try_advisory_xact_lock_shared({_KEY.format('l.portfolio')})"
_LOCK = f"SELECT pg_try_advisory_lock({_KEY.format('%s')})"
_UNLOCK = f"SELECT pg_advisory_unlock({_KEY.format('%s')})"
_GUARD = f"SELECT l.epoch, {STILL_LED} FROM portfolio_leadership l WHERE l.portfolio = %s FOR SHARE"  # noqa: S608
_CLAIM = (
    "SELECT 1 / count(*) FROM (SELECT FROM portfolio_leadership l "  # noqa: S608
    f"WHERE l.portfolio = %s AND l.epoch = %s AND {STILL_LED} FOR SHARE) AS held"
)


class RedisLease:
    """A named lease that its owner keeps by renewing it before `ttl_s` has passed."""

    def __init__(self, client: Client, name: str, owner: str, ttl_s: float = 10.0) -> None:
        self._client = client
        self.key = f"ratchet:lease:{name}"
        self.owner = owner
        self._ttl_ms = int(ttl_s * 1000)
        self._renew = client.register_script(_RENEW)
        self._release = client.register_script(_RELEASE)

    def acquire(self) -> bool:
        """Take the lease if it is free, or keep it if it is ours already; return whether we hold it."""
        with _bus_errors():
            if self._client.set(self.key, self.owner, nx=True, px=self._ttl_ms):
                return True
            return self.renew()

    def renew(self) -> bool:
        """Extend the lease; False means that it is somebody else's by now."""
        with _bus_errors():
            return bool(self._renew(keys=[self.key], args=[self.owner, self._ttl_ms]))

    def release(self) -> bool:
        """Give the lease up if it is ours."""
        with _bus_errors():
            return bool(self._release(keys=[self.key], args=[self.owner]))

    def holder(self) -> str:
        """Return the present owner, or an empty string."""
        with _bus_errors():
            value = self._client.get(self.key)
        return value.decode() if isinstance(value, bytes) else ""


@contextlib.contextmanager
def _bus_errors() -> Iterator[None]:
    try:
        yield
    except redis.exceptions.RedisError as error:
        raise BusUnavailableError(str(error)) from error


class AdvisoryLeaderLock:
    """Single writer of a portfolio: an advisory lock of one session, and an epoch that fences old leaders.

    The lock vanishes with its session; lock and epoch, checked in every transaction, keep a leader that has
    not noticed from writing.
    """

    def __init__(self, db: Database, portfolio: str, holder: str) -> None:
        self._db = db
        self._portfolio = portfolio
        self._holder = holder
        self._connection: Connection | None = None
        self._regaining = threading.Lock()
        self.epoch = 0

    def try_acquire(self) -> bool:
        """Take the lock if it is free and raise the epoch; return whether we lead."""
        if self._connection is not None:
            return self.held()
        connection = self._db.connect(autocommit=True)
        try:
            self.epoch = self._take(connection)
        except psycopg2.Error as error:
            connection.close()
            raise DatabaseUnavailableError(str(error).strip()) from error
        if not self.epoch:
            connection.close()
            return False
        self._connection = connection
        metrics.LEADER.labels(self._portfolio).set(1)
        return True

    def acquire(
        self, stop: threading.Event, *, poll_s: float = 0.5, on_wait: Callable[[], None] = lambda: None
    ) -> bool:
        """Wait as a hot standby until the lock is ours; False if `stop` was set first."""
        while not stop.is_set():
            with contextlib.suppress(DatabaseUnavailableError):
                if self.try_acquire():
                    return True
            on_wait()
            stop.wait(poll_s)
        return False

    def held(self) -> bool:
        """Return whether our session still holds the lock."""
        if self._connection is None:
            return False
        try:
            with self._connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except psycopg2.Error:
            self._drop()
            return False
        return True

    def seems_held(self, epoch: int) -> bool:
        """Whether the server has not ended the session of that epoch, as far as it has told; asks nobody."""
        connection = self._connection
        return self.epoch == epoch and connection is not None and is_quiet(connection)

    def regain(self) -> int:
        """Take the lock again if our session was lost; return the epoch. FencedError if another leads."""
        with self._regaining:
            if not self.held() and not self.try_acquire():
                raise FencedError(f"portfolio {self._portfolio!r}: another process leads")
            return self.epoch

    def confirm(self) -> None:
        """Raise FencedError unless our session lives and our epoch is the newest; for right before a send.

        It asks over the session that holds the lock, so an answer proves that nobody else has it.
        """
        if self._connection is None:
            raise FencedError(f"portfolio {self._portfolio!r}: this process does not lead")
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(
                    "SELECT epoch FROM portfolio_leadership WHERE portfolio = %s", (self._portfolio,)
                )
                row = cursor.fetchone()
        except psycopg2.Error as error:
            self._drop()
            raise FencedError(f"portfolio {self._portfolio!r}: the leader's session was lost") from error
        newest = row[0] if row else 0
        if newest != self.epoch:
            raise FencedError(
                f"portfolio {self._portfolio!r}: our epoch is {self.epoch}, the newest {newest}"
            )

    def check(self, cursor: Cursor) -> None:
        """Raise FencedError unless our epoch is the newest; blocks a successor until the transaction ends."""
        cursor.execute(*self.guard)
        self.verify(cursor)

    @property
    def guard(self) -> Statement:
        """The statement of `check`, to be sent along with BEGIN and verified by `verify`."""
        return (_GUARD, (self._portfolio,))

    @property
    def claim(self) -> Statement:
        """The statement of `check` for `Database.claiming`; FencedError if we do not even think to lead."""
        if not self.epoch:
            raise FencedError(f"portfolio {self._portfolio!r}: this process does not lead")
        return (_CLAIM, (self._portfolio, self.epoch))

    def verify(self, cursor: Cursor) -> None:
        """Raise FencedError unless `guard`, which the cursor has just executed, shows that we lead."""
        verify_led(self._portfolio, self.epoch, *(cursor.fetchone() or (0, False)))

    def release(self) -> None:
        """Give the lock up; a successor can have it when this returns, unless the database is away."""
        if self._connection is None:
            return
        # Closing alone would leave the lock until the server has noticed.
        with contextlib.suppress(psycopg2.Error), self._connection.cursor() as cursor:
            cursor.execute(_UNLOCK, (self._portfolio,))
        self._drop()

    def _take(self, connection: Connection) -> int:
        with connection.cursor() as cursor:
            cursor.execute(_LOCK, (self._portfolio,))
            row = cursor.fetchone()
            if not (row and row[0]):
                return 0
            cursor.execute(
                "INSERT INTO portfolio_leadership AS l (portfolio, epoch, holder) VALUES (%s, 1, %s) "
                "ON CONFLICT (portfolio) DO UPDATE SET epoch = l.epoch + 1, holder = EXCLUDED.holder, "
                "acquired_at = now() RETURNING epoch",
                (self._portfolio, self._holder),
            )
            row = cursor.fetchone()
            return int(row[0]) if row else 0

    def _drop(self) -> None:
        metrics.LEADER.labels(self._portfolio).set(0)
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self.epoch = 0


def verify_led(portfolio: str, epoch: int, newest: int, is_led: bool) -> None:
    """Raise FencedError unless our epoch is the newest and the lock is held (STILL_LED)."""
    if not epoch or newest != epoch:
        raise FencedError(f"portfolio {portfolio!r}: our epoch is {epoch}, the newest {newest}")
    if not is_led:
        raise FencedError(f"portfolio {portfolio!r}: the leader's session was lost")
