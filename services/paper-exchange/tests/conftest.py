"""A venue over a small dataset, served by a real uvicorn over a real database."""

import csv
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import requests
from alpaca.data.historical import CryptoHistoricalDataClient, StockHistoricalDataClient
from alpaca.trading.client import TradingClient

from ratchet.common.datasets import Replay
from ratchet.common.db import Database
from ratchet.common.http_server import HttpServer
from ratchet.common.leases import AdvisoryLeaderLock
from ratchet.common.paths import default_dir
from ratchet.common.platform import Platform, load_platform
from ratchet.paper_exchange.app import UVICORN_OPTIONS, create_app
from ratchet.paper_exchange.auth import Credentials
from ratchet.paper_exchange.bars.dataset import DatasetHistory
from ratchet.paper_exchange.simulation import Simulation
from ratchet.paper_exchange.store import Store
from ratchet.paper_exchange.venue import PaperVenue

KEY, SECRET = "PKTEST", "secret-of-the-test"
MONDAY = datetime(2024, 1, 8, tzinfo=UTC)
BTC, NVDA = "BTC/USDT", "NVDA"


def btc_open(hour: int) -> float:
    """The price at which the hour-th bar of the pair opens: it rises by 10 an hour."""
    return 40_000.0 + 10 * hour


def write_dataset(folder: Path) -> Path:
    """Write four days of hourly bars: a pair around the clock, a stock in regular hours."""
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[tuple[object, ...]] = []
    for hour in range(96):
        start, price = MONDAY + timedelta(hours=hour), btc_open(hour)
        rows.append((BTC, start.isoformat(), price, price + 40, price - 40, price + 10, 100))
    for day in range(4):
        for hour in range(7):
            start, price = MONDAY + timedelta(days=day, hours=14 + hour, minutes=30), 500.0 + day * 7 + hour
            rows.append((NVDA, start.isoformat(), price, price + 2, price - 2, price + 1, 1_000_000))
    with (folder / "bars.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["symbol", "ts", "open", "high", "low", "close", "volume"])
        writer.writerows(rows)
    return folder


@dataclass
class Desk:
    """What a trader has: the address and the credentials."""

    url: str
    key: str = KEY
    secret: str = SECRET
    session: requests.Session = field(default_factory=requests.Session)
    venue: PaperVenue | None = None

    @property
    def stream_url(self) -> str:
        return self.url.replace("http://", "ws://")

    @property
    def headers(self) -> dict[str, str]:
        return {"APCA-API-KEY-ID": self.key, "APCA-API-SECRET-KEY": self.secret}

    def trading(self, secret: str | None = None) -> TradingClient:
        return TradingClient(self.key, secret or self.secret, paper=True, url_override=self.url)

    def stocks(self) -> StockHistoricalDataClient:
        return StockHistoricalDataClient(self.key, self.secret, url_override=self.url)

    def crypto(self) -> CryptoHistoricalDataClient:
        return CryptoHistoricalDataClient(self.key, self.secret, url_override=self.url)

    def get(self, path: str, **params: object) -> requests.Response:
        return self.session.get(self.url + path, params=params, headers=self.headers, timeout=20)

    def post(self, path: str, body: object) -> requests.Response:
        return self.session.post(self.url + path, json=body, headers=self.headers, timeout=60)

    def patch(self, path: str, body: object) -> requests.Response:
        return self.session.patch(self.url + path, json=body, headers=self.headers, timeout=20)

    def advance(self, to: str | None = None, steps: int | None = None) -> dict[str, object]:
        body = {"to": to} if to is not None else {"steps": steps}
        answer = self.post("/sim/v1/advance", body)
        assert answer.status_code == 200, answer.text
        found: dict[str, object] = answer.json()
        return found


@pytest.fixture(scope="session")
def paper_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("paper") / "fourdays")


@dataclass
class Market:
    """What every test shares, since nothing changes it: configuration and bars."""

    platform: Platform
    replay: Replay


@pytest.fixture(scope="session")
def dataset_writer() -> Callable[[Path], Path]:
    """Return the writer of the four days, for tests that need a dataset of their own."""
    return write_dataset


@pytest.fixture(scope="session")
def market_of() -> Callable[[Path], Market]:
    """Return a function that loads a dataset's market."""

    def load(folder: Path) -> Market:
        platform = load_platform(default_dir("config"), folder)
        assert platform.dataset is not None
        return Market(platform, platform.dataset.replay(platform.registry))

    return load


@pytest.fixture(scope="session")
def paper_market(paper_dataset: Path) -> Market:
    platform = load_platform(default_dir("config"), paper_dataset)
    assert platform.dataset is not None
    return Market(platform, platform.dataset.replay(platform.registry))


@pytest.fixture
def paper_venue(paper_market: Market, postgres_url: str) -> Iterator[tuple[PaperVenue, Simulation]]:
    """An account of its own for each test, at the first bar."""
    account, stop = f"test-{uuid4()}", threading.Event()
    registry, replay = paper_market.platform.registry, paper_market.replay
    db = Database(postgres_url, stop=stop)
    leader = AdvisoryLeaderLock(db, f"paper:{account}", "test")
    assert leader.try_acquire()
    store = Store(db, account, registry, leader)

    def history(clock: Callable[[], int]) -> DatasetHistory:
        return DatasetHistory(replay.columns, registry, clock)

    config = paper_market.platform.exchange
    venue = PaperVenue(registry, config, account, Credentials(KEY, SECRET), store, history)
    simulation = Simulation(venue, replay)
    simulation.start()
    yield venue, simulation
    stop.set()
    leader.release()
    db.close()


@pytest.fixture
def desk(paper_venue: tuple[PaperVenue, Simulation]) -> Iterator[Desk]:
    venue, simulation = paper_venue
    server = HttpServer(create_app(venue, simulation), "127.0.0.1", 0, variable="-", **UVICORN_OPTIONS)
    server.start()
    found = Desk(f"http://127.0.0.1:{server.port}", venue=venue)
    yield found
    found.session.close()
    server.stop()


@dataclass
class ExchangeProcess:
    """The paper exchange as a user starts it."""

    process: subprocess.Popen[str]
    desk: Desk
    output: list[str]

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(20)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@pytest.fixture
def start_exchange(tmp_path: Path) -> Iterator[Callable[..., ExchangeProcess]]:
    """Return a function that starts the process with arguments and waits until it is ready."""
    started: list[ExchangeProcess] = []

    def start(*arguments: str) -> ExchangeProcess:
        environment = {**os.environ, "RATCHET_HOME": str(tmp_path / "home"), "RATCHET_LOG_LEVEL": "warning"}
        process = subprocess.Popen(
            [sys.executable, "-m", "ratchet.paper_exchange", *arguments],
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        assert process.stdout is not None
        output = []
        for line in process.stdout:
            output.append(line.rstrip())
            if output[-1] == "ready":
                break
        text = "\n".join(output)
        found = {
            name: re.search(rf"^{name}\s+(\S+)", text, re.M) for name in ("paper exchange", "key", "secret")
        }
        address = found["paper exchange"]
        assert address is not None, text
        key, secret = found["key"], found["secret"]
        desk = Desk(address[1], key[1] if key else KEY, secret[1] if secret else SECRET)
        started.append(ExchangeProcess(process, desk, output))
        return started[-1]

    yield start
    for running in started:
        running.desk.session.close()
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait(20)
        if running.process.stdout is not None:
            running.process.stdout.close()
