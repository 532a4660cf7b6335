"""Execution over the paper exchange as a process: the Alpaca adapter, real HTTP, real options."""

import csv
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import requests
import yaml

from ratchet.common.codec import encode_bars, encode_signals
from ratchet.common.db import Database
from ratchet.common.embedded import free_port
from ratchet.common.paths import default_dir
from ratchet.common.platform import load_platform
from ratchet.common.streams import SIGNALS, WATERMARK, bars_stream
from ratchet.common.testing import load_module
from ratchet.core.assets import AssetClass
from ratchet.core.exits import ExitConfig
from ratchet.core.market import BarBatch, Step
from ratchet.core.options.registry import with_contracts
from ratchet.core.phases import PhasePlan, PhasesConfig
from ratchet.core.risk import RiskConfig, RiskEngine
from ratchet.core.signals import MarketContext, SignalBatch
from ratchet.execution.ledger.recovery import Loader
from ratchet.execution.venue.adapters.alpaca import AlpacaBroker
from ratchet.execution.venue.adapters.alpaca_stream import AlpacaUpdates
from ratchet.v1 import control_pb2

KEY, SECRET = "PKTEST", "secret-of-the-test"
TUESDAY = datetime(2024, 1, 9, 14, 30, tzinfo=UTC)
BARS_PER_DAY, DAYS = 13, 2
NS = 1_000_000_000
LIMITS = RiskConfig(
    stale_price_s=10**9, stale_mark_s=10**9, max_order_ratio=0.5, max_position_ratio=0.5,
    risk_per_trade_ratio=0.2, max_bar_volatility_ratio=1.0, min_entry_ratio=0.0001, max_correlated_ratio=1.0,
    max_sector_ratio=1.0, max_heat_ratio=1.0,
    max_delta_ratio=5.0, max_gamma_ratio=5.0, max_vega_ratio=1.0, max_theta_ratio=1.0,
)  # fmt: skip


World = load_module(Path(__file__).parent.parent / "loop" / "world.py").World


def price_at(number: int) -> float:
    """The close of the bar with a number: NVDA climbs by a dollar in every bar."""
    return 513.0 + number


def starts() -> list[datetime]:
    """The starts of all bars: half hours of two sessions."""
    return [
        TUESDAY + timedelta(days=day, minutes=30 * slot)
        for day in range(DAYS)
        for slot in range(BARS_PER_DAY)
    ]


def write_bars(folder: Path) -> None:
    """Write bars of NVDA, whose options expire daily."""
    with (folder / "bars.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["symbol", "ts", "open", "high", "low", "close", "volume"])
        for number, start in enumerate(starts()):
            close = price_at(number)
            writer.writerow(
                ["NVDA", start.isoformat(), close - 1, close + 0.2, close - 1.2, close, 1_000_000]
            )
    listing = {"daily_classes": ["NVDA"]}
    (folder / "dataset.yaml").write_text(yaml.safe_dump({"exchange": {"options": {"listing": listing}}}))


class Venue:
    """The paper exchange's process, and the adapter that execution uses; `number` counts trade updates."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.platform = load_platform(default_dir("config"), folder)
        self.registry = with_contracts(self.platform.registry)
        self.exchange = SimpleNamespace(config=self.platform.exchange)
        self.broker = AlpacaBroker(url=url, key=KEY, secret=SECRET, registry=self.platform.registry)
        self.updates = AlpacaUpdates(url=url.replace("http://", "ws://") + "/stream", key=KEY, secret=SECRET)
        self.handler: Callable[[Any], None] = lambda _: None
        self.lose: Callable[[Any], bool] = lambda _: False
        self.number = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.broker, name)

    def listen(self) -> None:
        """Connect the stream of trade updates."""
        self.updates.start(lambda update: None if self.lose(update) else self.handler(update))
        deadline = time.monotonic() + 20
        while not self.updates.connected:
            assert time.monotonic() < deadline, "the stream has not connected"
            time.sleep(0.02)

    def advance(self, to_ns: int) -> None:
        """Move the venue's clock."""
        moment = datetime.fromtimestamp(to_ns // NS, UTC).isoformat().replace("+00:00", "Z")
        self.number = self.post("/sim/v1/advance", {"to": moment})["trade_updates"]

    def fault(self, name: str, **fields: Any) -> None:
        """Switch a fault on."""
        self.post("/sim/v1/faults", {"fault": name, **fields})

    def get(self, path: str, **params: str) -> Any:
        """Ask the venue as its own client does."""
        answer = requests.get(f"{self.url}{path}", params=params, headers=self.headers, timeout=20)
        assert answer.ok, answer.text
        return answer.json()

    def post(self, path: str, body: Any = None) -> Any:
        """Tell the venue as its own client does."""
        answer = requests.post(f"{self.url}{path}", json=body, headers=self.headers, timeout=60)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    @property
    def headers(self) -> dict[str, str]:
        """Credentials of the account."""
        return {"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": SECRET}


class SimulatedClock:
    """The venue's time of day, and the machine's seconds."""

    def __init__(self) -> None:
        self.ns = 0

    def now_ns(self) -> int:
        """Return the venue's time."""
        return self.ns

    def monotonic(self) -> float:
        """Return seconds that only grow."""
        return time.monotonic()

    def wait(self, stop: Any, seconds: float) -> bool:
        """Wait as the machine does."""
        return bool(stop.wait(seconds))


class OptionWorld(World):  # type: ignore[misc]
    """The world of the loop's tests around the paper exchange's process."""

    clock = SimulatedClock()

    def _loader(self) -> Loader:
        self.parts.clock = self.clock
        self.parts.risk.engine = RiskEngine(self.parts.registry, LIMITS)
        self.parts.risk.evaluate = self.parts.risk.engine.evaluate
        plan = PhasePlan(phase=0, name="all", asset_classes=tuple(AssetClass))
        names = {asset.phase for asset in self.registry}
        later = [PhasePlan(phase=n, name=f"p{n}", asset_classes=()) for n in range(1, max(names) + 1)]
        return Loader(
            self.parts, exits=ExitConfig(), fees=self.broker.exchange.config,
            phases=PhasesConfig(phases=(plan, *later)), allow_short=False,
            on_stranger=self.reconciler.note_stranger,
        )  # fmt: skip

    def step(self) -> None:
        """Let the market move by one bar and everything else but execution react."""
        self.seq += 1
        batch = self.bars(self.seq)
        self.broker.advance(batch.ts)
        self.clock.ns = batch.ts
        self.bus.publish_many([(bars_stream(batch.universe), encode_bars(batch), batch.ts)])
        mark = control_pb2.Watermark(
            service="paper-exchange", seq=self.seq, ts_ns=batch.ts, trade_updates=self.broker.number,
            activities_ts_ns=batch.ts,
        )  # fmt: skip
        self.bus.publish(WATERMARK, mark, ts=batch.ts)
        nan = np.full((3, 1), np.nan)
        one = np.array([1.0])
        context = MarketContext(batch.asset_ids, one, one * 0.002, np.array([1], np.int8), *nan)
        quiet = SignalBatch(batch.universe, batch.ts, batch.step, (), context)
        self.bus.publish(SIGNALS, encode_signals(quiet), ts=batch.ts)

    def bars(self, seq: int) -> BarBatch:
        """The bar of one step."""
        asset = self.registry.by_symbol("NVDA")
        start, close = starts()[seq - 1], np.array([price_at(seq - 1)])
        ns = int(start.timestamp()) * NS
        return BarBatch(
            universe=asset.universe, timeframe="30m", ts=ns + 1800 * NS, start=ns,
            asset_ids=np.array([asset.id], np.uint32), open=close - 1, high=close + 0.2, low=close - 1.2,
            close=close, volume=np.array([1_000_000.0]), step=Step(seq, (asset.universe,)),
        )  # fmt: skip

    def until(self, day: int, slot: int) -> None:
        """Run until the end of a half hour (1 to 13) of a day, counted from Tuesday as 0."""
        self.run(day * BARS_PER_DAY + slot - self.seq)


@pytest.fixture
def venue(create_database: Callable[[], str], tmp_path: Path) -> Iterator[Venue]:
    """The paper exchange as a process, its clock at the first bar."""
    folder = tmp_path / "climbing"
    folder.mkdir()
    write_bars(folder)
    port = free_port()
    command = [
        sys.executable, "-m", "ratchet.paper_exchange", "--data", str(folder), "--port", str(port),
        "--key", KEY, "--secret", SECRET, "--database-url", create_database(),
    ]  # fmt: skip
    with subprocess.Popen(command, env={**os.environ, "RATCHET_LOG_LEVEL": "warning"}) as process:
        made = Venue(f"http://127.0.0.1:{port}", folder)
        try:
            deadline = time.monotonic() + 60
            while True:
                try:
                    made.get("/sim/v1/clock")
                    break
                except requests.RequestException:
                    assert process.poll() is None, "the paper exchange has ended"
                    assert time.monotonic() < deadline
                    time.sleep(0.05)
            made.listen()
            yield made
        finally:
            made.updates.stop()
            made.broker.close()
            process.terminate()
            process.wait(20)


@pytest.fixture
def make_world(
    create_database: Callable[[], str], redis_url: str, venue: Venue
) -> Iterator[Callable[..., OptionWorld]]:
    worlds: list[OptionWorld] = []

    def make(**settings: Any) -> OptionWorld:
        world = OptionWorld(venue.registry, Database(create_database()), redis_url, venue, settings=settings)
        worlds.append(world)
        return world

    yield make
    for world in worlds:
        world.kill()
        world.bus.close()
        world.db.close()


@pytest.fixture
def world(make_world: Callable[..., OptionWorld]) -> OptionWorld:
    """Execution in lock-step with the venue, on Tuesday morning."""
    made = make_world()
    made.start()
    made.until(0, 3)
    return made


def books_equal(world: OptionWorld, venue: Venue) -> None:
    """Cash and positions of the ledger are the venue's own."""
    portfolio = world.engine.session.portfolio
    theirs = {row["symbol"]: Decimal(row["qty"]) for row in venue.get("/v2/positions")}
    ours = {world.registry[i].symbol: position.qty for i, position in portfolio.positions.items()}
    assert ours == theirs
    assert portfolio.cash == Decimal(venue.get("/v2/account")["cash"])
    rows = world.db.query("SELECT symbol, qty FROM positions WHERE qty <> 0")
    assert dict(rows) == theirs
    ((ledger,),) = world.db.query("SELECT sum(amount) FROM cash_ledger")
    assert ledger == portfolio.cash


@pytest.fixture
def check_books(world: OptionWorld, venue: Venue) -> Callable[[], None]:
    return lambda: books_equal(world, venue)
