"""The paper exchange as a user starts it, a line to it that can be cut, and feeds from it."""

import contextlib
import csv
import os
import re
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from ratchet.common.codec import decode_bars
from ratchet.common.paths import default_dir
from ratchet.common.platform import load_platform
from ratchet.common.streams import bars_stream
from ratchet.market_data.adapters.alpaca import VENUE, alpaca_sources
from ratchet.market_data.live import LiveFeed
from ratchet.market_data.publisher import LivePublisher
from ratchet.market_data.settings import LiveSettings
from ratchet.market_data.store import BarStore
from ratchet.v1.market_data_pb2 import BarBatch

KEY, SECRET = "PKLIVE", "secret-of-the-live-tests"
START = datetime(2024, 3, 1, 15, tzinfo=UTC)
SYMBOLS = {"BTC/USDT": 40_000.0, "ETH/USDT": 2_000.0, "NVDA": 800.0}


@dataclass
class Exchange:
    """The running process."""

    url: str
    process: subprocess.Popen
    oanda_account: str = ""

    def call(self, method, path, body=None):
        headers = {"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": SECRET}
        answer = httpx.request(method, self.url + path, json=body, headers=headers, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def advance(self, steps):
        self.call("POST", "/sim/v1/advance", {"steps": steps})

    @property
    def clock(self):
        return datetime.fromisoformat(self.call("GET", "/sim/v1/clock")["clock"])


@pytest.fixture(scope="module")
def minutes(tmp_path_factory):
    """A dataset of six hours of minute bars of two pairs and a stock."""
    return write_minutes(tmp_path_factory.mktemp("live") / "minutes", SYMBOLS)


def write_minutes(folder, symbols):
    folder.mkdir()
    with (folder / "bars.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["symbol", "ts", "open", "high", "low", "close", "volume"])
        for symbol, price in symbols.items():
            for number in range(330):
                ts = (START + timedelta(minutes=number)).isoformat()
                at = price * (1 + 0.0001 * (number % 7))
                rows.writerow([symbol, ts, at, at * 1.001, at * 0.999, at * 1.0005, 100 + number])
    return folder


@pytest.fixture(scope="module")
def exchange(minutes, create_database):
    yield from run_exchange(minutes, create_database())


@pytest.fixture
def small_exchange(minutes, create_database, line):
    """One that takes no more than a single symbol; the line leads to it from now on."""
    for found in run_exchange(minutes, create_database(), "--stream-symbols", "1"):
        line.lead_to(found.url)
        yield found


@pytest.fixture
def forex_exchange(tmp_path, create_database):
    """One that trades a pair over OANDA's API."""
    folder = write_minutes(tmp_path / "forex", {"GBP/JPY": 190.0, "XAG/USD": 25.0})
    yield from run_exchange(folder, create_database(), "--oanda-token", "token-of-the-live-tests")


def run_exchange(minutes, database_url, *options):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RATCHET_")}
    command = [sys.executable, "-m", "ratchet.paper_exchange", "--data", str(minutes), "--port", "0"]
    process = subprocess.Popen(
        [*command, "--key", KEY, "--secret", SECRET, "--database-url", database_url, *options],
        stdout=subprocess.PIPE,
        text=True,
        env={**environment, "RATCHET_LOG_LEVEL": "warning"},
    )
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.strip() == "ready":
            break
    url = re.search(r"http://\S+", "".join(lines))
    assert url, lines
    account = re.search(r"oanda account +(\S+)", "".join(lines))
    yield Exchange(url[0], process, account[1] if account else "")
    process.terminate()
    process.wait(20)
    process.stdout.close()


class Line:
    """Forwards connections to the exchange until it is cut."""

    def __init__(self, port):
        self._target = ("127.0.0.1", port)
        self._pairs = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.is_open = True
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if not self.is_open:
                near.close()
                continue
            far = socket.create_connection(self._target)
            self._pairs.append((near, far))
            for source, sink in ((near, far), (far, near)):
                thread = threading.Thread(target=self._pump, args=(source, sink), daemon=True)
                self._threads.append(thread)
                thread.start()

    @staticmethod
    def _pump(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def lead_to(self, url):
        self._target = ("127.0.0.1", int(url.rsplit(":", 1)[1]))

    def cut(self):
        self.is_open = False
        for pair in self._pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.cut()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)
        for pair in self._pairs:
            for end in pair:
                end.close()


@pytest.fixture
def line(exchange):
    found = Line(int(exchange.url.rsplit(":", 1)[1]))
    yield found
    found.close()


@pytest.fixture
def live_settings(exchange, line):
    """Settings for the exchange: REST directly, the streams through the line."""

    def make(**changes):
        values = {
            "alpaca_data_url": exchange.url,
            "alpaca_data_stream_url": f"ws://127.0.0.1:{line.port}",
            "alpaca_key": KEY,
            "alpaca_secret": SECRET,
            "live_grace_seconds": 0.2,
            "mode": "live",
        }
        return LiveSettings(**{**values, **changes})

    return make


@pytest.fixture
def registry(minutes):
    return load_platform(default_dir("config"), minutes).registry


@dataclass
class Running:
    feed: LiveFeed
    end: threading.Event
    thread: threading.Thread
    sources: list

    def stop(self):
        self.end.set()
        self.thread.join(20)
        assert not self.thread.is_alive()


@pytest.fixture
def start_feed(make_bus, db, registry, live_settings, in_thread):
    """Start a feed as a process of its own would."""

    def start(**changes):
        settings, bus = live_settings(**changes), make_bus()
        publisher = LivePublisher(bus, BarStore(db, registry, VENUE), registry)
        sources = alpaca_sources(registry, settings)
        feed = LiveFeed(bus, publisher, sources, settings)
        end = threading.Event()
        running.append(Running(feed, end, in_thread(feed.run, end), sources))
        return running[-1]

    running = []
    yield start
    for one in running:
        one.end.set()


@pytest.fixture
def published(bus):
    """Return the batches in a universe's stream."""

    def read(universe="crypto"):
        return [decode_bars(entry.parse(BarBatch)) for entry in bus.tail(bars_stream(universe), "0")]

    return read


@pytest.fixture
def stored(db):
    """Return the number of stored bars of a symbol."""

    def count(symbol="BTC/USDT"):
        return db.query("SELECT count(*) FROM bars WHERE symbol = %s", (symbol,))[0][0]

    return count
