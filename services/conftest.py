"""Fixtures that the tests of the services share: servers, small datasets, a served API."""

import csv
import os
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import numpy as np
import pytest

from ratchet.common.bus import Bus
from ratchet.common.db import Database
from ratchet.common.paths import default_dir
from ratchet.common.platform import load_platform
from ratchet.common.rpc import connect
from ratchet.common.rpc_server import RpcServer
from ratchet.common.runtime import ServiceRuntime
from ratchet.common.settings import Settings

TABLES = (
    "bars, bar_quarantine, data_quality, signals, signal_checkpoints, social_sentiment, training_runs, "
    "model_registry, audit_log"
)


@pytest.fixture(autouse=True)
def _only_our_environment(monkeypatch):
    for name in [name for name in os.environ if name.startswith("RATCHET_")]:
        if not name.startswith("RATCHET_TEST_"):
            monkeypatch.delenv(name)


@pytest.fixture
def db(postgres_url):
    db = Database(postgres_url)
    db.execute(f"TRUNCATE {TABLES}")
    yield db
    db.close()


@pytest.fixture
def bus(redis_url):
    bus = Bus(redis_url)
    yield bus
    bus.close()


@pytest.fixture
def make_bus(redis_url):
    """Return a function that connects anew, as another process would."""
    buses = []

    def make():
        buses.append(Bus(redis_url))
        return buses[-1]

    yield make
    for bus in buses:
        bus.close()


@pytest.fixture
def eventually():
    """Poll a condition until it holds; fail when it does not within the time."""

    def wait(condition, timeout_s=30.0):
        deadline = time.monotonic() + timeout_s
        while not (found := condition()):
            assert time.monotonic() < deadline, "the condition did not come true in time"
            time.sleep(0.01)
        return found

    return wait


@pytest.fixture
def in_thread():
    """Run functions of a stop event in threads that the test stops and joins."""
    stop, threads = threading.Event(), []

    def start(target, own_stop=None):
        thread = threading.Thread(target=target, args=(own_stop or stop,), daemon=True)
        threads.append(thread)
        thread.start()
        return thread

    yield start
    stop.set()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture
def serve():
    """Serve a gRPC service on a free port and return a channel to it."""
    started = []

    def start(name, register):
        server = RpcServer(Settings(), [(name, register)])
        port = server.start()
        channel = connect(f"127.0.0.1:{port}", Settings())
        started.append((server, channel))
        return channel

    yield start
    for server, channel in started:
        channel._channel.close()
        server.drain(5).wait(10)


class RunningService:
    """A service as its process runs it, in a thread."""

    TOKENS = "viewer:vera=viewer-token,operator:otto=operator-token,admin:ada=admin-token"

    def __init__(self, name, setup, settings):
        self.runtime = ServiceRuntime(name, settings)
        self.code = None
        self._main_loop = setup(self.runtime)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        self.code = self.runtime.run(self._main_loop)

    def ask(self, path, role="viewer", method="GET"):
        """Return status and JSON of an admin route."""
        url = f"http://127.0.0.1:{self.runtime.admin_port}{path}"
        headers = {"Authorization": f"Bearer {role}-token"} if role else {}
        answer = httpx.request(method, url, headers=headers, timeout=20)
        return answer.status_code, answer.json()

    def reasons(self):
        """Return why the service is not ready: check to reason."""
        checks = self.ask("/readyz", role="")[1]["checks"]
        return {name: check["reason"] for name, check in checks.items() if not check["ok"]}

    def stop(self):
        self.runtime.stop.set()
        self.thread.join(30)
        return self.code


@pytest.fixture
def start_service(postgres_url, redis_url, eventually, monkeypatch):
    """Start a service by its setup function; further arguments are settings."""
    started = []

    def start(name, setup, environment=None, **settings):
        for variable, value in (environment or {}).items():
            monkeypatch.setenv(variable, str(value))
        common = {"database_url": postgres_url, "redis_url": redis_url, "check_interval_seconds": 0.05}
        service = RunningService(
            name, setup, Settings(**common, admin_tokens=RunningService.TOKENS, **settings)
        )
        started.append(service)
        eventually(lambda: service.runtime.admin_port or service.code is not None)
        return service

    yield start
    for service in started:
        assert service.stop() is not None


@pytest.fixture
def write_bars(tmp_path):
    """Write a dataset: a random walk for each symbol, with rows of the caller's own."""

    def write(
        symbols=("BTC/USDT", "ETH/USDT"),
        bars=60,
        start="2024-03-01T20:00",
        minutes=60,
        config="",
        replace=None,
        name="walk",
    ) -> Path:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        first, random = datetime.fromisoformat(start).replace(tzinfo=UTC), np.random.default_rng(7)
        with (folder / "bars.csv").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["symbol", "ts", "open", "high", "low", "close", "volume"])
            for symbol in symbols:
                close = 100.0 * np.exp(np.cumsum(random.normal(0.0, 0.004, bars)))
                for number, price in enumerate(close.tolist()):
                    ts = (first + timedelta(minutes=minutes * number)).isoformat()
                    opened = close[max(number - 1, 0)]
                    top, bottom = max(opened, price) * 1.001, min(opened, price) * 0.999
                    row = [symbol, ts, opened, top, bottom, price, 1_000 + number]
                    rows.writerow((replace or {}).get((symbol, number), row))
        if config:
            (folder / "dataset.yaml").write_text(config)
        return folder

    return write


@pytest.fixture
def open_platform(write_bars):
    """Return the platform over a dataset made by write_bars with the same arguments."""

    def open_(**arguments):
        return load_platform(default_dir("config"), write_bars(**arguments))

    return open_
