"""A trailing stop through the Alpaca adapter, at the paper exchange as a process."""

import csv
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
import requests

from ratchet.common.paths import default_dir
from ratchet.common.platform import load_platform
from ratchet.core.orders import OrderStatus, OrderType, Side, TimeInForce, Trail
from ratchet.execution.venue.adapters.alpaca import AlpacaBroker
from ratchet.execution.venue.broker import BrokerRefusedError, OrderRequest, ReplaceRequest

pytestmark = pytest.mark.integration
KEY, SECRET = "PKTRAIL", "secret-of-the-trailing-test"


@pytest.fixture
def shares(create_database: Callable[[], str], tmp_path: Path) -> Iterator[Any]:
    """An account with ten shares of a stock that rises by a dollar a minute."""
    first = datetime(2024, 3, 1, 15, tzinfo=UTC)
    with (tmp_path / "bars.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["symbol", "ts", "open", "high", "low", "close", "volume"])
        for number in range(60):
            ts, at = (first + timedelta(minutes=number)).isoformat(), 800 + number
            rows.writerow(["NVDA", ts, at, at + 1, at, at + 1, 10_000])
    command = [sys.executable, "-m", "ratchet.paper_exchange", "--data", str(tmp_path), "--port", "0"]
    command += ["--key", KEY, "--secret", SECRET, "--database-url", create_database()]
    with subprocess.Popen(command, env=os.environ.copy(), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if line.strip() == "ready":
                break
        found = re.search(r"http://\S+", "".join(said))
        assert found, said
        registry = load_platform(default_dir("config"), tmp_path).registry
        broker = AlpacaBroker(url=found[0], key=KEY, secret=SECRET, registry=registry)

        def advance(steps: int) -> None:
            headers = {"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": SECRET}
            answer = requests.post(
                f"{found[0]}/sim/v1/advance", json={"steps": steps}, headers=headers, timeout=30
            )
            assert answer.status_code == 200, answer.text

        try:
            broker.submit(request(side=Side.BUY, type=OrderType.MARKET, trail=None))
            advance(2)
            assert broker.positions()[0].qty == 10
            yield SimpleNamespace(broker=broker, advance=advance)
        finally:
            broker.close()
            process.terminate()
            process.wait(20)


def request(**changes: Any) -> OrderRequest:
    fields: dict[str, Any] = {
        "client_order_id": str(uuid4()), "symbol": "NVDA", "side": Side.SELL, "qty": Decimal(10),
        "type": OrderType.TRAILING_STOP, "time_in_force": TimeInForce.DAY, "trail": Trail(percent=Decimal(2)),
    }  # fmt: skip
    return OrderRequest(**{**fields, **changes})


@pytest.mark.parametrize("trail", [Trail(percent=Decimal(2)), Trail(price=Decimal(15))])
def test_it_follows_the_market_and_can_be_changed(shares: Any, trail: Trail) -> None:
    asked = request(trail=trail)
    placed = shares.broker.submit(asked)
    assert (placed.type, placed.trail, placed.status) == (
        OrderType.TRAILING_STOP, trail, OrderStatus.ACCEPTED
    )  # fmt: skip
    shares.advance(3)
    found = shares.broker.get_by_client_id(asked.client_order_id)
    shares.advance(3)
    later = shares.broker.get_by_client_id(asked.client_order_id)
    assert found.stop_price < later.stop_price
    wider = Trail(trail.price and trail.price * 2, trail.percent and trail.percent * 2)
    new = shares.broker.replace(later.broker_order_id, ReplaceRequest(str(uuid4()), trail=wider))
    assert (new.trail, new.type) == (wider, OrderType.TRAILING_STOP)
    assert new.stop_price < later.stop_price
    shares.broker.cancel(new.broker_order_id)
    assert shares.broker.list_orders(open_only=True) == []


def test_fractions_are_refused_by_the_venue_too(shares: Any) -> None:
    with pytest.raises(BrokerRefusedError):
        shares.broker.submit(request(qty=Decimal("9.5")))
