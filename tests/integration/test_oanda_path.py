"""Execution's OANDA adapter against the paper exchange as a user starts it, killed in the middle."""

import csv
import os
import queue
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import requests

from ratchet.common.paths import default_dir
from ratchet.common.platform import load_platform
from ratchet.core.assets import Registry
from ratchet.core.orders import OrderStatus, OrderType, Side, TimeInForce
from ratchet.execution.venue.adapters.oanda import OandaBroker
from ratchet.execution.venue.adapters.oanda_stream import OandaUpdates
from ratchet.execution.venue.broker import (
    BrokerRefusedError,
    BrokerUnreachableError,
    OrderNotFoundError,
    OrderRequest,
    TradeUpdate,
)

TOKEN, KEY, SECRET = "a-token", "PK", "a-secret"
MONDAY = datetime(2024, 1, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("oanda") / "pairs"
    folder.mkdir()
    with (folder / "bars.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["symbol", "ts", "open", "high", "low", "close", "volume"])
        for hour in range(48):
            ts, price = (MONDAY + timedelta(hours=hour)).isoformat(), round(180 + hour / 10, 3)
            writer.writerow(["GBP/JPY", ts, price, price + 0.12, price - 0.05, price + 0.1, 500])
            writer.writerow(["USD/JPY", ts, 150, 150.05, 149.95, 150, 800])
    return folder


@dataclass
class Running:
    """The process and its address."""

    process: subprocess.Popen[str]
    url: str
    account: str

    def advance(self, **body: object) -> None:
        headers = {"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": SECRET}
        answer = requests.post(f"{self.url}/sim/v1/advance", json=body, headers=headers, timeout=60)
        assert answer.status_code == 200, answer.text

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(20)


@pytest.fixture
def start(dataset: Path, postgres_url: str, tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Return a function that starts the exchange and waits until it is ready."""
    started: list[subprocess.Popen[str]] = []

    def run(*extra: str) -> Running:
        arguments = [
            "--data", str(dataset), "--port", "0", "--key", KEY, "--secret", SECRET,
            "--oanda-token", TOKEN, "--database-url", postgres_url, *extra,
        ]  # fmt: skip
        environment = {**os.environ, "RATCHET_HOME": str(tmp_path), "RATCHET_LOG_LEVEL": "warning"}
        process = subprocess.Popen(
            [sys.executable, "-m", "ratchet.paper_exchange", *arguments],
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        started.append(process)
        assert process.stdout is not None
        output = ""
        for line in process.stdout:
            output += line
            if line.strip() == "ready":
                break
        url = re.search(r"^paper exchange\s+(\S+)", output, re.M)
        account = re.search(r"^oanda account\s+(\S+)", output, re.M)
        assert url is not None, output
        assert account is not None, output
        assert TOKEN not in output
        return Running(process, url[1], account[1])

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait(20)
        if process.stdout is not None:
            process.stdout.close()


@pytest.fixture(scope="module")
def registry(dataset: Path) -> Registry:
    return load_platform(default_dir("config"), dataset).registry


def connect(running: Running, registry: Registry) -> OandaBroker:
    return OandaBroker(url=running.url, token=TOKEN, account=running.account, registry=registry)


def market(key: str, qty: int = 1000, side: Side = Side.BUY) -> OrderRequest:
    return OrderRequest(key, "GBP/JPY", side, OrderType.MARKET, TimeInForce.DAY, Decimal(qty))


@pytest.mark.integration
def test_orders_and_fills_survive_the_death_of_the_venue(
    start: Callable[..., Running], registry: Registry
) -> None:
    running = start("--fresh")
    broker = connect(running, registry)
    first = broker.submit(market("entry"))
    assert first.status is OrderStatus.FILLED
    gtc, price = TimeInForce.GTC, Decimal(182)
    resting = broker.submit(
        OrderRequest("rests", "GBP/JPY", Side.SELL, OrderType.LIMIT, gtc, Decimal(400), price)
    )
    with pytest.raises(BrokerRefusedError) as refused:
        broker.submit(market("too-much", 9_000_000))
    assert refused.value.code == "INSUFFICIENT_MARGIN"
    before = (broker.positions(), broker.account(), broker.fills(0), broker.list_orders())
    running.kill()
    with pytest.raises(BrokerUnreachableError):
        broker.get_by_client_id("entry")
    broker.close()

    running = start()
    broker = connect(running, registry)
    assert (broker.positions(), broker.account(), broker.fills(0), broker.list_orders()) == before
    found = broker.get_by_client_id("entry")
    assert (found.status, found.broker_order_id) == (OrderStatus.FILLED, first.broker_order_id)
    assert broker.get_by_client_id("rests") == resting
    assert broker.get_by_client_id("too-much").status is OrderStatus.REJECTED
    with pytest.raises(OrderNotFoundError):
        broker.get_by_client_id("never-sent")

    running.advance(to="2024-01-09T02:00:00Z")
    entry, exit_ = broker.fills(0)
    assert (exit_.client_order_id, exit_.qty, exit_.side) == ("rests", Decimal(400), Side.SELL)
    assert len({entry.execution_id, exit_.execution_id}) == 2
    (position,) = broker.positions()
    assert (position.symbol, position.qty, position.avg_entry_price) == ("GBP/JPY", Decimal(600), entry.price)
    profit = Decimal(400) * (exit_.price - entry.price) / 150 * Decimal("0.995")
    account = broker.account()
    assert account.cash != account.equity
    # One night's financing lies between: 2.2 % a year of some 730 dollars.
    assert abs(account.cash - 100_000 - profit) < Decimal("0.06")
    broker.close()


@pytest.mark.integration
def test_the_stream_tells_what_rest_tells(start: Callable[..., Running], registry: Registry) -> None:
    running = start("--fresh")
    broker = connect(running, registry)
    connected: queue.Queue[bool] = queue.Queue()
    seen: queue.Queue[TradeUpdate] = queue.Queue()
    stream = OandaUpdates(
        stream_url=running.url,
        token=TOKEN,
        account=running.account,
        registry=registry,
        order_by_id=broker.order_by_id,
    )
    stream.on_change = connected.put
    stream.start(seen.put)
    assert connected.get(timeout=30) is True
    order = broker.submit(market("streamed"))
    opened, fill = seen.get(timeout=30), seen.get(timeout=30)
    assert opened.order.client_order_id == "streamed"
    assert (fill.event, fill.fill) == ("fill", broker.fills(0)[0])
    assert fill.order == order == broker.get_by_client_id("streamed")
    running.kill()
    assert connected.get(timeout=30) is False
    stream.stop()
    broker.close()
