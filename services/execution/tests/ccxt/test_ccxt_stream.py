"""Updates come in the order in which they happened, once, and the connection's state is told."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from ratchet.core.orders import OrderStatus, OrderType, Side, TimeInForce
from ratchet.execution.venue.adapters.ccxt_broker import CcxtBroker
from ratchet.execution.venue.adapters.ccxt_stream import CcxtUpdates, Nudge
from ratchet.execution.venue.broker import OrderRequest, TradeUpdate

D = Decimal


def limit(qty: str = "0.3") -> OrderRequest:
    return OrderRequest(
        str(uuid4()), "BTC/USDT", Side.BUY, OrderType.LIMIT, TimeInForce.GTC, D(qty), D("94000.00")
    )


@pytest.fixture
def stream(connect: Callable[..., CcxtBroker]) -> Iterator[Callable[..., Any]]:
    made: list[CcxtUpdates] = []

    def start() -> tuple[CcxtBroker, CcxtUpdates, list[TradeUpdate], list[bool]]:
        broker = connect()
        updates = CcxtUpdates(broker, poll_s=0.02)
        told: list[TradeUpdate] = []
        changes: list[bool] = []
        updates.on_change = changes.append
        updates.start(told.append)
        made.append(updates)
        return broker, updates, told, changes

    yield start
    for updates in made:
        updates.stop()


def test_an_orders_life_is_told_in_its_order_and_once(
    stream: Callable[..., Any], exchange: Any, eventually: Callable[..., Any]
) -> None:
    broker, updates, told, _ = stream()
    eventually(lambda: updates.connected)
    placed = broker.submit(limit())
    eventually(lambda: told)
    exchange.fill(0, "0.1", "94000.00", "0.0001", "BTC")
    eventually(lambda: len([u for u in told if u.fill]) == 1)
    exchange.fill(0, "0.2", "93999.00", "0.0002", "BTC")
    eventually(lambda: told[-1].order.status is OrderStatus.FILLED and told[-1].fill is None)
    fills = [update.fill for update in told if update.fill]
    assert [(f.qty, f.cum_qty, f.client_order_id) for f in fills] == [
        (D("0.1"), D("0.1"), placed.client_order_id), (D("0.2"), D("0.3"), placed.client_order_id)
    ]  # fmt: skip
    assert [u.event for u in told if u.fill] == ["partial_fill", "fill"]
    before = len(told)
    asked = len(exchange.requests)
    eventually(lambda: len(exchange.requests) > asked + 6)
    assert len(told) == before


def test_a_cancelled_order_is_told_after_its_fills(
    stream: Callable[..., Any], exchange: Any, eventually: Callable[..., Any]
) -> None:
    broker, _, told, _ = stream()
    placed = broker.submit(limit())
    exchange.fill(0, "0.1", "94000.00", "0", "USDT")
    broker.cancel(placed.broker_order_id)
    eventually(lambda: told and told[-1].order.status is OrderStatus.CANCELED)
    assert [u.fill.qty for u in told if u.fill] == [D("0.1")]
    assert told[-1].order.filled_qty == D("0.1")


def test_a_silent_exchange_is_a_lost_connection(
    stream: Callable[..., Any], exchange: Any, eventually: Callable[..., Any]
) -> None:
    _, updates, _, changes = stream()
    eventually(lambda: updates.connected)
    exchange.faults["GET openOrders"] = ["502", "reset"]
    eventually(lambda: changes == [True, False, True])


def test_orders_of_a_process_before_are_followed(
    connect: Callable[..., CcxtBroker],
    stream: Callable[..., Any],
    exchange: Any,
    eventually: Callable[..., Any],
) -> None:
    placed = connect().submit(limit())
    _, _, told, _ = stream()
    eventually(lambda: told)
    exchange.fill(0, "0.3", "94000.00", "0", "USDT")
    eventually(lambda: [u for u in told if u.fill])
    assert {u.order.client_order_id for u in told} == {placed.client_order_id}


def test_exchanges_that_can_be_watched_are_known() -> None:
    assert Nudge.is_offered("binance")
    assert not Nudge.is_offered("no-such-exchange")
