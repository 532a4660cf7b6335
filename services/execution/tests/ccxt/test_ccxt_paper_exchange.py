"""The adapter, by ccxt's own client of Alpaca, against the running paper exchange."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from ratchet.core.assets import AssetClass, Registry
from ratchet.core.orders import OrderStatus, OrderType, Side, TimeInForce
from ratchet.execution.venue.adapters.ccxt_broker import CcxtBroker
from ratchet.execution.venue.adapters.ccxt_client import CcxtOptions
from ratchet.execution.venue.adapters.ccxt_stream import CcxtUpdates, Nudge
from ratchet.execution.venue.broker import (
    BrokerRefusedError,
    DuplicateOrderError,
    OrderNotFoundError,
    OrderRequest,
    TradeUpdate,
)

pytestmark = pytest.mark.integration
KEY, SECRET = "PKCCXT", "secret-of-the-test"
D = Decimal


class Paper:
    """The paper exchange as a process, and its clock."""

    def __init__(self, url: str) -> None:
        self.url = url

    def advance(self, steps: int) -> None:
        headers = {"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": SECRET}
        answer = httpx.post(f"{self.url}/sim/v1/advance", json={"steps": steps}, headers=headers, timeout=60)
        assert answer.status_code == 200, answer.text

    def options(self, **changes: Any) -> CcxtOptions:
        values = {"exchange": "alpaca", "key": KEY, "secret": SECRET, "url": self.url, "cash_currency": "USD"}
        return CcxtOptions(**{**values, **changes})


@pytest.fixture
def paper(write_bars: Callable[..., Path], postgres_url: str) -> Iterator[Paper]:
    data = write_bars(bars=60, name=f"ccxt-{uuid4().hex[:8]}")
    command = [sys.executable, "-m", "ratchet.paper_exchange", "--data", str(data), "--port", "0"]
    command += ["--key", KEY, "--secret", SECRET, "--database-url", postgres_url, "--fresh"]
    environment = {**os.environ, "RATCHET_LOG_LEVEL": "warning"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line.strip())
            if lines[-1] == "ready":
                break
        address = re.search(r"http://\S+", "\n".join(lines))
        assert address is not None, lines
        yield Paper(address.group())
        process.terminate()


@pytest.fixture
def broker(paper: Paper, pairs: Registry) -> Iterator[CcxtBroker]:
    found = CcxtBroker(paper.options(), pairs.of_class(AssetClass.CRYPTO))
    yield found
    found.close()


def request(**changes: Any) -> OrderRequest:
    values: dict[str, Any] = {
        "client_order_id": str(uuid4()), "symbol": "BTC/USDT", "side": Side.BUY, "type": OrderType.MARKET,
        "time_in_force": TimeInForce.GTC, "qty": D("1.123456"),
    }  # fmt: skip
    return OrderRequest(**{**values, **changes})


def test_a_market_order_from_sending_to_the_books(paper: Paper, broker: CcxtBroker) -> None:
    assert broker.account().cash == D(100_000)
    asked = request()
    placed = broker.submit(asked)
    assert (placed.status, placed.client_order_id) == (OrderStatus.ACCEPTED, asked.client_order_id)
    paper.advance(2)
    done = broker.get_by_client_id(asked.client_order_id)
    assert (done.status, done.filled_qty, done.qty) == (OrderStatus.FILLED, asked.qty, asked.qty)
    (fill,) = broker.fills(placed.created_ns - 1)
    assert (fill.qty, fill.cum_qty, fill.side) == (asked.qty, asked.qty, Side.BUY)
    assert fill.client_order_id == asked.client_order_id
    assert fill.price == done.filled_avg_price
    (position,) = broker.positions()
    # The paper exchange takes its fee from the coins that were bought.
    assert position.symbol == "BTC/USDT"
    assert D("0.99") * asked.qty < position.qty < asked.qty
    assert broker.account().cash == D(100_000) - (fill.qty * fill.price).quantize(D("0.00000001"))


def test_limit_orders_rest_are_listed_and_cancelled(broker: CcxtBroker) -> None:
    first = broker.submit(request(type=OrderType.LIMIT, limit_price=D("50.00"), qty=D(1)))
    second = broker.submit(request(type=OrderType.LIMIT, limit_price=D("40.00"), qty=D(2), symbol="ETH/USDT"))
    ids = [first.client_order_id, second.client_order_id]
    assert sorted(o.client_order_id for o in broker.list_orders(open_only=True)) == sorted(ids)
    assert (first.type, first.limit_price) == (OrderType.LIMIT, D("50.00"))
    broker.cancel(first.broker_order_id)
    assert broker.get_by_client_id(first.client_order_id).status is OrderStatus.CANCELED
    assert [o.client_order_id for o in broker.list_orders(open_only=True)] == ids[1:]


def test_refusals_are_told_apart(broker: CcxtBroker, paper: Paper, pairs: Registry) -> None:
    asked = request(qty=D("0.5"))
    broker.submit(asked)
    with pytest.raises(DuplicateOrderError):
        broker.submit(asked)
    with pytest.raises(OrderNotFoundError):
        broker.get_by_client_id(str(uuid4()))
    with pytest.raises(OrderNotFoundError):
        broker.cancel(str(uuid4()))
    with pytest.raises(BrokerRefusedError) as caught:
        broker.submit(request(side=Side.SELL, symbol="ETH/USDT", qty=D(1)))
    assert (caught.value.code, caught.value.status) == ("40310000", 403)
    stranger = CcxtBroker(paper.options(secret="wrong"), pairs.of_class(AssetClass.CRYPTO))
    with pytest.raises(BrokerRefusedError):
        stranger.account()
    stranger.close()


def test_the_web_socket_wakes_the_reader(
    broker: CcxtBroker, paper: Paper, eventually: Callable[..., Any]
) -> None:
    nudge = Nudge(paper.options())
    # Without the web socket the second question would come after a minute.
    updates = CcxtUpdates(broker, poll_s=60.0, nudge=nudge)
    told: list[TradeUpdate] = []
    updates.start(told.append)
    try:
        eventually(lambda: updates.connected)
        eventually(lambda: _heard(nudge, broker, paper))
        eventually(lambda: [update for update in told if update.fill])
    finally:
        updates.stop()
    assert told[-1].order.status is OrderStatus.FILLED


def _heard(nudge: Nudge, broker: CcxtBroker, paper: Paper) -> bool:
    """The socket tells only what happens once it listens, so orders are placed until it does."""
    if not nudge.heard:
        broker.submit(request(qty=D("0.5")))
        paper.advance(1)
    return nudge.heard > 0
