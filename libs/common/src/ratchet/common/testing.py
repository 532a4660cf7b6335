"""pytest fixtures with real servers: PostgreSQL and Valkey from wheels, or yours.

RATCHET_TEST_DATABASE_URL and RATCHET_TEST_REDIS_URL name servers to use instead; the database user must
be able to create databases, and the Redis database is flushed.
"""

import os
import sys
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg2
import psycopg2.errors
import pytest
import redis
from psycopg2 import sql

from ratchet.common.db import Database
from ratchet.common.embedded import PostgresServer, ValkeyServer
from ratchet.common.migrate import migrate

# Speed matters here, durability does not.
_UNSAFE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "300"}


def load_module(path: Path) -> ModuleType:
    """Import helpers that lie beside tests, which pytest's importlib mode does not put on the path; once."""
    name = f"tests_of:{path.resolve()}"
    if name not in sys.modules:
        spec = spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{path} is no Python module")
        sys.modules[name] = module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture(scope="session")
def postgres_admin_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a server on which databases can be created."""
    external = os.environ.get("RATCHET_TEST_DATABASE_URL")
    if external:
        yield external
        return
    with PostgresServer(tmp_path_factory.mktemp("postgres"), settings=_UNSAFE) as server:
        yield server.url


@pytest.fixture(scope="session")
def create_database(postgres_admin_url: str) -> Iterator[Callable[[], str]]:
    """Return a function that makes a migrated database of its own and returns its URL."""
    template = f"ratchet_template_{uuid4().hex[:12]}"
    created = [template]
    _admin(postgres_admin_url, "CREATE DATABASE {}", template)
    migrate(Database(_with_name(postgres_admin_url, template)))

    def create() -> str:
        name = f"ratchet_test_{uuid4().hex[:12]}"
        created.append(name)
        try:
            _admin(postgres_admin_url, "CREATE DATABASE {} TEMPLATE {}", name, template)
        except psycopg2.errors.ObjectInUse:
            # TimescaleDB's scheduler is connected to the template.
            _admin(postgres_admin_url, "CREATE DATABASE {}", name)
            migrate(Database(_with_name(postgres_admin_url, name)))
        return _with_name(postgres_admin_url, name)

    yield create
    for name in reversed(created):
        _admin(postgres_admin_url, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


@pytest.fixture(scope="module")
def postgres_url(create_database: Callable[[], str]) -> str:
    """URL of a fresh, migrated database for the module."""
    return create_database()


@pytest.fixture(scope="session")
def redis_server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a Redis-compatible server."""
    external = os.environ.get("RATCHET_TEST_REDIS_URL")
    if external:
        yield external
        return
    with ValkeyServer(tmp_path_factory.mktemp("valkey")) as server:
        yield server.url


@pytest.fixture
def redis_url(redis_server_url: str) -> str:
    """URL of an empty Redis database."""
    with redis.Redis.from_url(redis_server_url) as client:
        client.flushdb()
    return redis_server_url


def _with_name(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def _admin(url: str, statement: str, *names: str) -> None:
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
    finally:
        connection.close()
