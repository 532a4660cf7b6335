"""Databases of runs: a fresh one for each replay, whose result depends on data and configuration only."""

from datetime import UTC, datetime
from typing import Any

import psycopg2
import redis
from psycopg2 import sql
from redis.backoff import NoBackoff
from redis.retry import Retry

from ratchet.cli.errors import CommandError

PREFIX = "ratchet_replay_"
LIVE_DATABASE = "ratchet"
KEEP = 3
KEYS = "ratchet:*"


def replay_name(now: datetime | None = None) -> str:
    """Return the name of a new replay's database; names sort by time."""
    return f"{PREFIX}{now or datetime.now(UTC):%Y%m%d_%H%M%S_%f}"


def create_database(server_url: str, name: str) -> None:
    """Create a database unless it exists. Raises CommandError that says what the server answered."""
    connection = _connect(server_url)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
            if cursor.fetchone() is None:
                cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    except psycopg2.errors.InsufficientPrivilege as error:
        raise CommandError(
            "the account of RATCHET_DATABASE_URL may not create databases; each replay needs a fresh one: "
            "ALTER ROLE ... CREATEDB"
        ) from error
    finally:
        connection.close()


def drop_old(server_url: str, keep: int = KEEP) -> list[str]:
    """Drop the databases of old replays but the newest ones and those in use; return the names dropped."""
    connection = _connect(server_url)
    dropped = []
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT datname FROM pg_database WHERE starts_with(datname, %s) AND NOT EXISTS "
                "(SELECT 1 FROM pg_stat_activity a WHERE a.datname = pg_database.datname) "
                "ORDER BY datname DESC OFFSET %s",
                (PREFIX, keep),
            )
            for (name,) in cursor.fetchall():
                cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
                dropped.append(name)
    except psycopg2.errors.ObjectInUse:
        return dropped
    finally:
        connection.close()
    return dropped


def clear_streams(redis_url: str) -> int:
    """Delete what an earlier run left in Redis; return the number of keys. Other programs' keys stay."""
    client = connect_redis(redis_url)
    try:
        keys = list(client.scan_iter(KEYS, count=1000))
        return sum(int(client.delete(*keys[at : at + 500])) for at in range(0, len(keys), 500))
    except redis.RedisError as error:
        raise CommandError(f"Redis does not answer ({error}): check RATCHET_REDIS_URL") from error
    finally:
        client.close()


def connect_redis(url: str) -> Any:
    """Return a client that does not retry by itself."""
    return redis.Redis.from_url(url, socket_timeout=5.0, protocol=2, retry=Retry(NoBackoff(), 0))


def _connect(url: str) -> psycopg2.extensions.connection:
    try:
        connection = psycopg2.connect(url, connect_timeout=5)
    except psycopg2.OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        raise CommandError(f"PostgreSQL cannot be reached: {reason} (check RATCHET_DATABASE_URL)") from error
    connection.autocommit = True
    return connection
