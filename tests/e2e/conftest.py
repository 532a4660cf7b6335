"""A small market of two classes, and the platform as an operator runs it: by its command, in its own home."""

import csv
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from ratchet.cli.home import Home
from ratchet.cli.platform.look import look
from ratchet.cli.platform.state import PlatformState, read_state
from ratchet.core.sessions import get_calendar

FIRST, LAST = date(2024, 1, 2), date(2024, 3, 1)
HOUR = timedelta(hours=1)
RUN_TIMEOUT_S = 240.0
POLL_S = 0.05

# A plan that a good month earns, so that a run of two months shows a phase being unlocked and traded.
CONFIG = {
    "name": "two-classes",
    "timeframe": "1h",
    "asset_classes": {"BTC/USDT": "crypto", "ETH/USDT": "crypto", "NVDA": "stock", "TSLA": "stock"},
    "strategies": {"consensus": {"warmup_bars": 60, "min_hold_bars": 6, "repeat_bars": 6}},
    "phases": {
        "phases": [
            {"phase": 0, "name": "crypto", "asset_classes": ["crypto"]},
            {
                "phase": 1,
                "name": "stocks",
                "asset_classes": ["stock"],
                "gate": [
                    {"requirement": "profitable_days", "threshold": 5, "asset_classes": ["crypto"]},
                    {"requirement": "data_source", "threshold": 1},
                ],
                "floor": [{"requirement": "max_drawdown", "threshold": 0.5, "window_days": 30}],
            },
        ]
    },
}


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hourly bars of two coins and, in their sessions, of two stocks: trending walks with a seed."""
    folder = tmp_path_factory.mktemp("two-classes")
    midnight = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC)
    around_the_clock = [midnight + hour * HOUR for hour in range((LAST - FIRST).days * 24)]
    in_session = [
        start
        for session in get_calendar("XNYS").sessions(FIRST, LAST)
        for start in hours_between(session.open, session.close)
    ]
    rng = np.random.default_rng(11)
    with (folder / "bars_1h.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["symbol", "ts", "open", "high", "low", "close", "volume"])
        for symbol, price, starts in (
            ("BTC/USDT", 42_000.0, around_the_clock),
            ("ETH/USDT", 2_300.0, around_the_clock),
            ("NVDA", 480.0, in_session),
            ("TSLA", 250.0, in_session),
        ):
            rows.writerows(walk(rng, symbol, price, starts))
    (folder / "dataset.yaml").write_text(yaml.safe_dump(CONFIG))
    return folder


def hours_between(opened: int, closed: int) -> Iterator[datetime]:
    start, end = (datetime.fromtimestamp(ns / 1e9, UTC) for ns in (opened, closed))
    while start < end:
        yield start
        start += HOUR


def walk(
    rng: np.random.Generator, symbol: str, price: float, starts: list[datetime]
) -> Iterator[list[object]]:
    trend = 0.0
    for start in starts:
        trend = 0.98 * trend + rng.normal(0.0001, 0.0008)
        opened, price = price, round(price * float(np.exp(trend + rng.normal(0, 0.004))), 2)
        wick = np.abs(rng.normal(0, 0.002, 2)) * price
        high, low = round(max(opened, price) + wick[0], 2), round(min(opened, price) - wick[1], 2)
        yield [symbol, start.isoformat(), opened, high, low, price, int(rng.integers(5_000, 500_000))]


@dataclass
class Run:
    """One `ratchet up`: its home, and what came of it."""

    home: Home
    process: subprocess.Popen[str]
    summary_file: Path
    killed: list[str] = field(default_factory=list)

    def wait(self) -> dict[str, Any]:
        """Wait for the end and return the summary."""
        output, _ = self.process.communicate(timeout=RUN_TIMEOUT_S)
        assert self.process.returncode == 0, output
        return json.loads(self.summary_file.read_text())

    def state(self) -> PlatformState | None:
        """Return what runs now."""
        return read_state(self.home)

    def seq(self) -> int:
        """Return the last step that execution has finished."""
        state = self.state()
        return look(self.home, state).executed_seq if state and state.alive else 0

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition, or fail when the run has ended or the time is over."""
        give_up = time.monotonic() + RUN_TIMEOUT_S
        while not condition():
            assert self.process.poll() is None, self.process.communicate()[0]
            assert time.monotonic() < give_up, "the run did not get there in time"
            threading.Event().wait(POLL_S)

    def kill(self, service: str) -> None:
        """Send SIGKILL to a service that runs."""
        state = self.state()
        assert state is not None
        pid = state.services[service].pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        self.killed.append(service)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    """Return a function that starts the platform over a dataset; what still runs at the end is stopped."""
    runs: list[Run] = []

    def begin(dataset: Path, *options: str) -> Run:
        home = tmp_path / f"home-{len(runs)}"
        summary = tmp_path / f"summary-{len(runs)}.json"
        command = [ratchet(), "up", "--data", str(dataset), "--exit-when-done", "--summary", str(summary)]
        process = subprocess.Popen(
            [*command, *options],
            env={**os.environ, "RATCHET_HOME": str(home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        runs.append(Run(Home(home), process, summary))
        return runs[-1]

    yield begin
    for run in runs:
        if run.process.poll() is None:
            run.process.terminate()
            run.process.communicate(timeout=60)


@pytest.fixture(scope="session")
def backtest(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the summary of the backtest over the dataset."""
    folder = tmp_path_factory.mktemp("backtest")
    summary = folder / "summary.json"
    subprocess.run(
        [ratchet(), "backtest", "--data", str(dataset), "--summary", str(summary)],
        env={**os.environ, "RATCHET_HOME": str(folder / "home")},
        check=True,
        capture_output=True,
        timeout=RUN_TIMEOUT_S,
    )
    return json.loads(summary.read_text())


def ratchet() -> str:
    """Return the path of the command."""
    return str(Path(sys.executable).with_name("ratchet"))
