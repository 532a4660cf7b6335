"""The venues that the cases run against."""

import csv
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from ratchet.common.embedded import free_port
from ratchet.common.paths import default_dir
from ratchet.common.platform import load_platform
from ratchet.common.testing import load_module
from ratchet.core.assets import Registry
from ratchet.execution.venue.adapters.alpaca import AlpacaBroker
from ratchet.execution.venue.adapters.alpaca_stream import AlpacaUpdates
from ratchet.execution.venue.adapters.ccxt_broker import CcxtBroker
from ratchet.execution.venue.adapters.ccxt_client import CcxtOptions
from ratchet.execution.venue.adapters.ccxt_stream import CcxtUpdates
from ratchet.execution.venue.adapters.oanda import OandaBroker
from ratchet.execution.venue.adapters.oanda_stream import OandaUpdates

# One entry an adapter; each names a fixture that yields a Harness.
HARNESSES = [
    "alpaca_at_paper_exchange",
    "oanda_at_paper_exchange",
    "ccxt_at_paper_exchange",
    "ccxt_at_binance",
]
KEY, SECRET, TOKEN = "PKTEST", "secret-of-the-test", "token-of-the-test"


Harness = load_module(Path(__file__).with_name("harness.py")).Harness


@pytest.fixture(params=HARNESSES)
def venue(request: pytest.FixtureRequest) -> Any:
    """An account at each venue in turn."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def paper_exchange(
    create_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path]]:
    """The paper exchange as a process over four days of a rising pair; yields its address and dataset."""
    folder = tmp_path_factory.mktemp("dataset")
    write_bars(folder)
    port = free_port()
    command = [
        sys.executable, "-m", "ratchet.paper_exchange", "--data", str(folder), "--port", str(port),
        "--key", KEY, "--secret", SECRET, "--oanda-token", TOKEN, "--database-url", create_database(),
    ]  # fmt: skip
    with subprocess.Popen(command, env=os.environ.copy()) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            wait_until_served(url, process)
            yield url, folder
        finally:
            process.terminate()
            process.wait(20)


@pytest.fixture
def alpaca_at_paper_exchange(paper_exchange: tuple[str, Path]) -> Iterator[Any]:
    """The Alpaca adapter against the paper exchange."""
    url, folder = paper_exchange
    registry = load_platform(default_dir("config"), folder).registry

    def broker(secret: str = SECRET) -> AlpacaBroker:
        return AlpacaBroker(url=url, key=KEY, secret=secret, registry=registry)

    updates = AlpacaUpdates(url=url.replace("http://", "ws://") + "/stream", key=KEY, secret=SECRET)
    harness = Harness(
        broker=broker(), updates=updates, registry=registry, symbol="BTC/USDT", qty=Decimal("0.01"),
        far_price=Decimal(20_000), too_much=Decimal(1_000), advance=lambda: advance(url),
        refused_key=lambda: broker("wrong"),
    )  # fmt: skip
    updates.start(harness.take)
    deadline = time.monotonic() + 20
    while not updates.connected:
        assert time.monotonic() < deadline, "the stream has not connected"
        time.sleep(0.02)
    yield harness
    updates.stop()
    harness.broker.close()


@pytest.fixture
def ccxt_at_paper_exchange(paper_exchange: tuple[str, Path]) -> Iterator[Any]:
    """The ccxt adapter, by ccxt's own client of Alpaca, against the paper exchange."""
    url, folder = paper_exchange
    registry = load_platform(default_dir("config"), folder).registry

    def broker(secret: str = SECRET) -> CcxtBroker:
        options = CcxtOptions("alpaca", KEY, secret, url=url, cash_currency="USD")
        return CcxtBroker(options, [registry.by_symbol("BTC/USDT")])

    made = broker()
    updates = CcxtUpdates(made, poll_s=0.05)
    harness = Harness(
        broker=made, updates=updates, registry=registry, symbol="BTC/USDT", qty=Decimal("0.01"),
        far_price=Decimal(20_000), too_much=Decimal(1_000), advance=lambda: advance(url),
        refused_key=lambda: broker("wrong"),
    )  # fmt: skip
    updates.start(harness.take)
    yield harness
    updates.stop()
    made.close()


@pytest.fixture
def ccxt_at_binance() -> Iterator[Any]:
    """The ccxt adapter against a server that answers as Binance documents its spot API."""
    stub = load_module(Path(__file__).parent.parent / "ccxt" / "conftest.py")
    exchange = stub.Exchange()
    pair = load_platform(default_dir("config")).registry.by_symbol("BTC/USDT")
    with stub.serving.started(stub.Handler, exchange) as url:

        def broker(key: str = stub.KEY) -> CcxtBroker:
            made = CcxtBroker(CcxtOptions("binance", key, stub.SECRET, url=url), [pair])
            made.client.exchange.enableRateLimit = False
            return made

        made = broker()
        updates = CcxtUpdates(made, poll_s=0.05)
        harness = Harness(
            broker=made, updates=updates, registry=Registry([pair]), symbol="BTC/USDT", qty=Decimal("0.01"),
            far_price=Decimal(20_000), too_much=Decimal(1_000), advance=exchange.settle,
            refused_key=lambda: broker("wrong"),
        )  # fmt: skip
        updates.start(harness.take)
        yield harness
        updates.stop()
        made.close()


@pytest.fixture
def oanda_at_paper_exchange(paper_exchange: tuple[str, Path]) -> Iterator[Any]:
    """The OANDA adapter against the paper exchange."""
    url, folder = paper_exchange
    registry = load_platform(default_dir("config"), folder).registry
    answer = requests.get(f"{url}/v3/accounts", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=5)
    account = answer.json()["accounts"][0]["id"]

    def broker(token: str = TOKEN) -> OandaBroker:
        return OandaBroker(url=url, token=token, account=account, registry=registry)

    own = broker()
    updates = OandaUpdates(
        stream_url=url, token=TOKEN, account=account, registry=registry, order_by_id=own.order_by_id
    )
    harness = Harness(
        broker=own, updates=updates, registry=registry, symbol="XAG/USD", qty=Decimal(10),
        far_price=Decimal(15), too_much=Decimal(200_000_000), advance=lambda: advance(url),
        refused_key=lambda: broker("wrong"), is_paid_for=False, keeps_refusals=True,
    )  # fmt: skip
    updates.start(harness.take)
    deadline = time.monotonic() + 20
    while not updates.connected:
        assert time.monotonic() < deadline, "the stream has not connected"
        time.sleep(0.02)
    yield harness
    updates.stop()
    own.close()


def write_bars(folder: Path) -> None:
    """Write hourly bars of one pair, rising by 10 an hour, and of silver in the first four days."""
    first = datetime(2024, 1, 8, tzinfo=UTC)
    with (folder / "bars.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["symbol", "ts", "open", "high", "low", "close", "volume"])
        for hour in range(400):
            price = 40_000 + 10 * hour
            start = (first + timedelta(hours=hour)).isoformat()
            writer.writerow(["BTC/USDT", start, price, price + 40, price - 40, price + 10, 100])
            if hour < 100:
                silver = round(23 + hour / 100, 3)
                writer.writerow(["XAG/USD", start, silver, silver + 0.05, silver - 0.05, silver + 0.01, 100])


def wait_until_served(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait for the exchange's clock to be readable."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, "the paper exchange has ended"
        try:
            if requests.get(f"{url}/sim/v1/clock", headers=headers(), timeout=2).ok:
                advance(url)
                return
        except requests.RequestException:
            pass
        time.sleep(0.05)
    raise AssertionError("the paper exchange was not served in time")


def advance(url: str) -> None:
    """Move the market by one bar."""
    answer = requests.post(f"{url}/sim/v1/advance", json={"steps": 1}, headers=headers(), timeout=20)
    answer.raise_for_status()


def headers() -> dict[str, str]:
    return {"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": SECRET}
