"""Forex accounts over a small dataset, served by a real uvicorn over a real database."""

import csv
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests

from ratchet.common.datasets import Replay
from ratchet.common.db import Database
from ratchet.common.http_server import HttpServer
from ratchet.common.leases import AdvisoryLeaderLock
from ratchet.common.paths import default_dir
from ratchet.common.platform import Platform, load_platform
from ratchet.paper_exchange.app import UVICORN_OPTIONS, create_app
from ratchet.paper_exchange.auth import Credentials
from ratchet.paper_exchange.bars.dataset import DatasetHistory
from ratchet.paper_exchange.oanda.setup import build_venue
from ratchet.paper_exchange.simulation import Simulation
from ratchet.paper_exchange.store import Store
from ratchet.paper_exchange.venue import PaperVenue

KEY, SECRET, TOKENS = "PKTEST", "secret-of-the-test", ("token-one", "token-two")
MONDAY = datetime(2024, 1, 8, tzinfo=UTC)


def pound(hour: int) -> float:
    """The price at which the hour-th bar of GBP/JPY opens: it rises by 10 pips an hour."""
    return round(180.0 + 0.1 * hour, 3)


def write_forex(folder: Path) -> Path:
    """Write hourly bars of two pairs, gas and a coin from Monday to the week after, the weekend left out."""
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[tuple[object, ...]] = []
    for hour in range(24 * 8):
        start = MONDAY + timedelta(hours=hour)
        rows.append(("BTC/USDT", start.isoformat(), 40_000, 40_010, 39_990, 40_000, 10))
        if timedelta(days=4, hours=22) <= start - MONDAY < timedelta(days=6, hours=22):
            continue
        price = pound(hour)
        rows.append(("GBP/JPY", start.isoformat(), price, price + 0.12, price - 0.05, price + 0.1, 500))
        rows.append(("USD/JPY", start.isoformat(), 150, 150.05, 149.95, 150, 800))
        rows.append(("NATGAS/USD", start.isoformat(), 2.5, 2.51, 2.49, 2.5, 100))
    with (folder / "bars.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["symbol", "ts", "open", "high", "low", "close", "volume"])
        writer.writerows(rows)
    return folder


@dataclass
class ForexDesk:
    """What a trader has: the address, a token and an account."""

    url: str
    account: str
    token: str = TOKENS[0]
    session: requests.Session = field(default_factory=requests.Session)
    simulation: Simulation | None = None

    def ask(self, method: str, path: str, body: object = None, **params: object) -> requests.Response:
        """Ask below the account."""
        return self.raw(method, f"/v3/accounts/{self.account}{path}", body, **params)

    def raw(self, method: str, path: str, body: object = None, **params: object) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return self.session.request(
            method, self.url + path, json=body, params=params, headers=headers, timeout=30
        )

    def get(self, path: str, **params: object) -> dict[str, Any]:
        answer = self.ask("GET", path, **params)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def order(self, status: int = 201, **order: object) -> dict[str, Any]:
        fields = {"type": "MARKET", "instrument": "GBP_JPY", "units": "1000", **order}
        answer = self.ask("POST", "/orders", {"order": fields})
        assert answer.status_code == status, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def advance(self, **body: object) -> dict[str, Any]:
        headers = {"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": SECRET}
        answer = self.session.post(f"{self.url}/sim/v1/advance", json=body, headers=headers, timeout=60)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@dataclass
class ForexMarket:
    """What every test shares, since nothing changes it: configuration and bars."""

    platform: Platform
    replay: Replay
    folder: Path


@pytest.fixture(scope="session")
def forex_market(tmp_path_factory: pytest.TempPathFactory) -> ForexMarket:
    folder = write_forex(tmp_path_factory.mktemp("forex") / "pairs")
    platform = load_platform(default_dir("config"), folder)
    assert platform.dataset is not None
    return ForexMarket(platform, platform.dataset.replay(platform.registry), folder)


@pytest.fixture
def start_forex(forex_market: ForexMarket, postgres_url: str) -> Iterator[Callable[..., ForexDesk]]:
    """Return a function that serves accounts of their own; the same name finds the same accounts again."""
    closers: list[Callable[[], object]] = []

    def start(name: str = "", limit: int = 100_000, *, fills_at_quote: bool = False) -> ForexDesk:
        while closers:
            closers.pop()()
        name = name or f"test-{uuid4()}"
        stop, registry, replay = threading.Event(), forex_market.platform.registry, forex_market.replay
        db = Database(postgres_url, stop=stop)
        leader = AdvisoryLeaderLock(db, f"paper:{name}", "test")
        assert leader.try_acquire()

        def history(clock: Callable[[], int]) -> DatasetHistory:
            return DatasetHistory(replay.columns, registry, clock)

        platform = forex_market.platform
        store = Store(db, name, registry, leader)
        venue = PaperVenue(registry, platform.exchange, name, Credentials(KEY, SECRET), store, history)
        oanda = build_venue(
            name, registry, platform.oanda, TOKENS, db, leader, history, fills_at_quote=fills_at_quote
        )
        oanda._limit = limit
        simulation = Simulation(venue, replay, oanda=oanda)
        simulation.start()
        app = create_app(venue, simulation, oanda=oanda)
        server = HttpServer(app, "127.0.0.1", 0, variable="-", **UVICORN_OPTIONS)
        server.start()
        desk = ForexDesk(f"http://127.0.0.1:{server.port}", next(iter(oanda.accounts)))
        desk.simulation = simulation
        closers.extend([db.close, leader.release, stop.set, server.stop, desk.session.close])
        return desk

    yield start
    while closers:
        closers.pop()()


@pytest.fixture
def forex(start_forex: Callable[..., ForexDesk]) -> ForexDesk:
    return start_forex()
