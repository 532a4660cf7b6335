"""Two real execution processes on one portfolio: the hot standby takes over when the leader is killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ratchet.common.db import Database
from ratchet.common.paths import default_dir

pytestmark = pytest.mark.integration
TAKE_OVER_S = 2.0


@pytest.fixture
def start(
    paper_exchange: tuple[str, Path], create_database: Callable[[], str], redis_url: str
) -> Iterator[Any]:
    """Return a function that starts one more process of the same portfolio."""
    url, folder = paper_exchange
    processes: list[subprocess.Popen[bytes]] = []
    database_url = create_database()
    database = Database(database_url)

    def one(instance: str) -> subprocess.Popen[bytes]:
        mine = {
            "RATCHET_DATABASE_URL": database_url, "RATCHET_REDIS_URL": redis_url, "RATCHET_MODE": "live",
            "RATCHET_INSTANCE": instance, "RATCHET_ALPACA_URL": url, "RATCHET_ALPACA_KEY": "PKTEST",
            "RATCHET_ALPACA_STREAM_URL": url.replace("http", "ws") + "/stream",
            "RATCHET_ALPACA_SECRET": "secret-of-the-test", "RATCHET_DATASET": str(folder),
            "RATCHET_CONFIG_DIR": str(default_dir("config")), "RATCHET_LOG_LEVEL": "error",
        }  # fmt: skip
        process = subprocess.Popen([sys.executable, "-m", "ratchet.execution"], env={**os.environ, **mine})
        processes.append(process)
        return process

    one.database = database  # type: ignore[attr-defined]
    yield one
    for process in processes:
        process.kill()
        process.wait()
    database.close()


def leader(database: Database) -> tuple[int, str]:
    rows = database.query("SELECT epoch, holder FROM portfolio_leadership")
    return rows[0] if rows else (0, "")


def started(database: Database, epoch: int) -> bool:
    """Whether the leader of an epoch has compared the books, after which it trades."""
    return bool(
        database.query("SELECT 1 FROM reconciliations WHERE trigger = 'start' AND epoch = %s", (epoch,))
    )


def wait_for(found: Callable[[], bool], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not found():
        assert time.monotonic() < deadline, f"not within {timeout_s} s"
        time.sleep(0.01)


def test_the_standby_leads_within_two_seconds_of_kill_9(start: Any) -> None:
    database = start.database
    first = start("one")
    wait_for(lambda: started(database, 1), 60)
    assert leader(database) == (1, "one")
    second = start("two")
    # Its readiness needs a lock that is taken; its pool's connections show that it stands by.
    wait_for(lambda: connections(database) >= 4, 60)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    wait_for(lambda: started(database, 2), TAKE_OVER_S)
    assert leader(database) == (2, "two")
    assert second.poll() is None


def connections(database: Database) -> int:
    rows = database.query(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ratchet-execution' "
        "AND datname = current_database()"
    )
    return int(rows[0][0])
