"""Fixtures of the plumbing's tests."""

import threading
import time

import pytest

from ratchet.common.bus import Bus
from ratchet.common.db import Database
from ratchet.common.settings import Settings


@pytest.fixture
def bus(redis_url):
    bus = Bus(redis_url)
    yield bus
    bus.close()


@pytest.fixture
def db(postgres_url):
    db = Database(postgres_url)
    yield db
    db.close()


@pytest.fixture
def eventually():
    """Poll a condition until it holds; fail when it does not within the time."""

    def wait(condition, timeout_s=20.0):
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, "the condition did not come true in time"
            time.sleep(0.01)

    return wait


@pytest.fixture
def make_settings(monkeypatch):
    for name in ("RATCHET_RPC_TOKEN", "RATCHET_ADMIN_TOKENS"):
        monkeypatch.delenv(name, raising=False)

    def build(**values):
        return Settings(check_interval_seconds=0.05, **values)

    return build


@pytest.fixture
def running():
    """Run a function in a thread that the test joins."""
    threads = []

    def start(target):
        thread = threading.Thread(target=target, daemon=True)
        threads.append(thread)
        thread.start()
        return thread

    yield start
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
