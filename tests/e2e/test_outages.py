"""A server that dies under a replay is waited for, visibly; nothing is lost and nothing happens twice."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ratchet.cli.platform.services import HOST
from ratchet.cli.supervision.process import probe
from ratchet.common.embedded import PostgresServer, ValkeyServer

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

FIGURES = ("bars", "signals", "orders", "fills", "rejections", "equity_end", "max_drawdown", "orders_digest")
READERS = ("execution", "signal", "paper-exchange", "market-data")


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PostgresServer]:
    with PostgresServer(tmp_path / "postgres") as server:
        monkeypatch.setenv("RATCHET_DATABASE_URL", server.url)
        yield server


@pytest.fixture
def redis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ValkeyServer]:
    with ValkeyServer(tmp_path / "valkey") as server:
        monkeypatch.setenv("RATCHET_REDIS_URL", server.url)
        yield server


def unready(run: Any, service: str) -> str:
    """Return why a service says that it is not ready, or nothing."""
    return probe(HOST, run.state().services[service].ports["admin"])


def outage(run: Any, server: PostgresServer | ValkeyServer, name: str) -> None:
    """Kill a server, see every service say so and live on, and start the server again."""
    pids = {service: process.pid for service, process in run.state().services.items()}
    os.kill(server.pid, signal.SIGKILL)
    for service in READERS:
        run.until(lambda service=service: f"{name}: " in unready(run, service))
    server.start()
    for service in READERS:
        run.until(lambda service=service: unready(run, service) == "")
    assert {service: process.pid for service, process in run.state().services.items()} == pids


def test_a_replay_outlives_its_servers(
    dataset: Path,
    database: PostgresServer,
    redis: ValkeyServer,
    start: Callable[..., Any],
    backtest: dict[str, Any],
) -> None:
    run = start(dataset)
    run.until(lambda: run.seq() >= 100)
    outage(run, database, "database")
    run.until(lambda: run.seq() >= 400)
    outage(run, redis, "redis")
    summary = run.wait()
    assert summary["details"]["restarts"] == {}
    assert {name: summary[name] for name in FIGURES} == {name: backtest[name] for name in FIGURES}
