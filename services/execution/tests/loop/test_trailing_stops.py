"""Trailing stops by hand: they close, the venue moves them, and a move is no difference between the books."""

from decimal import Decimal
from typing import Any

import grpc
import numpy as np
import pytest

from ratchet.common.codec import encode_bars, encode_signals
from ratchet.common.streams import SIGNALS, WATERMARK, bars_stream
from ratchet.core.market import BarBatch, Step
from ratchet.core.signals import MarketContext, SignalBatch
from ratchet.execution.operators.servicer import ExecutionServicer
from ratchet.v1 import control_pb2, orders_pb2, orders_pb2_grpc

pytestmark = pytest.mark.integration
REFUSED, INVALID = grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.INVALID_ARGUMENT
NVDA = "SELECT status, stop_price, detail->>'trailed_stop' FROM orders WHERE client_order_id = %s"


FIVE_MINUTES = 300_000_000_000
OPEN = 1_735_828_200_000_000_000  # 2025-01-02 14:30 UTC, when New York opens
RISING = 25


def make_bars(seq: int) -> tuple[BarBatch, ...]:
    """Five minutes of a stock that rises a dollar a bar, and falls twice as fast from bar RISING on."""
    at = 500.0 + min(seq, RISING) - 2 * max(0, seq - RISING)
    ts = OPEN + seq * FIVE_MINUTES
    columns = [np.array([price]) for price in (at, at + 0.5, at - 0.5, at, 1e6)]
    step = Step(seq, ("stock",))
    start = ts - FIVE_MINUTES
    return (BarBatch("stock", "5m", ts, np.array([2], np.uint32), *columns, step=step, start=start),)


@pytest.fixture
def world(make_world: Any) -> Any:
    """The loop's world with that stock alone, in which nobody has an opinion."""
    base = make_world()

    class World(type(base)):  # type: ignore[misc]
        """A quiet market."""

        def step(self) -> None:
            self.seq += 1
            [bars] = make_bars(self.seq)
            self.bus.publish(bars_stream("stock"), encode_bars(bars), ts=bars.ts)
            self.broker.on_bars((bars,))
            mark = control_pb2.Watermark(
                service="paper-exchange", seq=self.seq, ts_ns=bars.ts, trade_updates=self.broker.number
            )
            self.bus.publish(WATERMARK, mark, ts=bars.ts)
            one, unknown = np.ones(1), np.full(1, np.nan)
            flat = np.zeros(1, np.int8)
            context = MarketContext(bars.asset_ids, one * 5, one * 0.01, flat, unknown, unknown, unknown)
            signals = SignalBatch("stock", bars.ts, bars.step, (), context)
            self.bus.publish(SIGNALS, encode_signals(signals), ts=bars.ts)

    found = World(base.registry, base.db, base.redis_url, base.broker)
    found.start()
    yield found
    found.kill()
    found.bus.close()


@pytest.fixture
def stub(world: Any, serve: Any) -> Any:
    world.run(3)
    servicer = ExecutionServicer(world.commands, world.db, world.bus, world.registry, "main", is_live=False)
    channel = serve(
        "ratchet.v1.Execution",
        lambda server: orders_pb2_grpc.add_ExecutionServicer_to_server(servicer, server),
    )
    return orders_pb2_grpc.ExecutionStub(channel)


@pytest.fixture
def held(world: Any, stub: Any) -> Any:
    """Ten shares."""
    done = stub.Submit(ticket(side="buy", type="market", trail_percent="", key="buy"), timeout=10)
    assert done.accepted, done.reasons
    world.run(2)
    assert world.broker.positions()[0].qty == 10
    return world


def ticket(*, key: str = "k-1", **changes: str) -> orders_pb2.SubmitRequest:
    fields = {
        "symbol": "NVDA", "side": "sell", "qty": "10", "type": "trailing_stop", "trail_percent": "20",
        "actor": "anna", "idempotency_key": key,
    }  # fmt: skip
    return orders_pb2.SubmitRequest(**{**fields, **changes})


def test_the_venue_moves_it_and_the_ledger_follows(held: Any, stub: Any) -> None:
    done = stub.Submit(ticket(time_in_force="gtc"), timeout=10)
    assert done.accepted, done.reasons
    key = done.order.client_order_id
    assert (done.order.type, done.order.trail_percent) == ("trailing_stop", "20")
    # The protective stop of the position, which holds back its shares, is taken back first.
    held.run(2)
    seen = []
    for _ in range(8):
        held.run(1)
        [order] = [row for row in held.broker.list_orders() if row.client_order_id == key]
        seen.append(order.stop_price)
    assert seen == sorted(seen)
    assert seen[0] < seen[-1]
    # The venue announces no move; what it says at the next look counts.
    held.kill()
    held.start()
    held.run(1)
    [order] = [row for row in held.broker.list_orders() if row.client_order_id == key]
    status, placed_at, moved_to = held.db.query(NVDA, (key,))[0]
    assert (status, placed_at, Decimal(moved_to)) == ("accepted", None, order.stop_price)
    shown = next(row for row in stub.ListOrders(orders_pb2.ListOrdersRequest(), timeout=10).orders
                 if row.client_order_id == key)  # fmt: skip
    assert (Decimal(shown.stop_price), shown.trail_percent) == (order.stop_price, "20")
    report = held.reconciler.run(held.engine)
    assert report.ok
    assert report.differences == ()


def test_it_fills_when_the_market_comes_back_and_closes_the_position(held: Any, stub: Any) -> None:
    done = stub.Submit(ticket(trail_percent="", trail_price="5", time_in_force="gtc"), timeout=10)
    assert done.accepted, done.reasons
    held.run(30)
    key = done.order.client_order_id
    assert held.db.query("SELECT status, filled_qty FROM orders WHERE client_order_id = %s", (key,)) == [
        ("filled", 10)
    ]
    assert not [row for row in held.broker.positions() if row.symbol == "NVDA"]
    assert held.db.query("SELECT qty FROM positions WHERE symbol = 'NVDA'") == [(0,)]


def test_its_distance_can_be_changed(held: Any, stub: Any) -> None:
    key = stub.Submit(ticket(time_in_force="gtc"), timeout=10).order.client_order_id
    held.run(3)
    change = orders_pb2.ReplaceRequest(
        client_order_id=key, trail_percent="30", actor="anna", idempotency_key="r"
    )
    new = stub.Replace(change, timeout=10).order
    assert (new.trail_percent, new.replaces) == ("30", key)
    [order] = [row for row in held.broker.list_orders() if row.client_order_id == new.client_order_id]
    assert order.trail.percent == 30
    assert Decimal(new.stop_price) == order.stop_price
    held.run(1)
    wrong = orders_pb2.ReplaceRequest(
        client_order_id=new.client_order_id, trail_price="3", actor="anna", idempotency_key="r2"
    )
    with pytest.raises(grpc.RpcError, match="as it was placed"):
        stub.Replace(wrong, timeout=10)
    moved = orders_pb2.ReplaceRequest(
        client_order_id=new.client_order_id, stop_price="3", actor="anna", idempotency_key="r3"
    )
    with pytest.raises(grpc.RpcError, match="stop_price 3"):
        stub.Replace(moved, timeout=10)


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"symbol": "BTC/USDT", "qty": "0.001", "time_in_force": "gtc"}, ["ORDER_TYPE_UNSUPPORTED"]),
        ({"time_in_force": "ioc"}, ["TIF_UNSUPPORTED"]),
        ({"qty": "9.5"}, ["FRACTION_UNSUPPORTED"]),
        ({"side": "buy"}, ["TRAIL_REDUCES_ONLY"]),
        ({"qty": "11"}, ["REDUCE_ONLY_EXCEEDED"]),
    ],
)
def test_what_it_cannot_do_is_refused_by_code(
    held: Any, stub: Any, changes: dict[str, str], reasons: list[str]
) -> None:
    sent = len(held.broker.submitted)
    done = stub.Submit(ticket(**changes), timeout=10)
    assert (done.accepted, list(done.reasons)) == (False, reasons)
    assert len(held.broker.submitted) == sent


def test_a_package_does_not_trail(held: Any, stub: Any) -> None:
    legs = [
        orders_pb2.Leg(symbol=f"NVDA240119C00{strike}000", side=side)
        for strike, side in ((500, "buy"), (510, "sell"))
    ]
    request = orders_pb2.SubmitRequest(
        qty="1", trail_percent="20", actor="anna", idempotency_key="k-1", legs=legs
    )
    with pytest.raises(grpc.RpcError) as refused:
        stub.Submit(request, timeout=10)
    assert refused.value.code() is INVALID
    assert "trail_percent '20' does not go with legs" in refused.value.details()


@pytest.mark.parametrize(
    ("changes", "message", "code"),
    [
        ({"trail_percent": ""}, "needs one", REFUSED),
        ({"limit_price": "3"}, "takes no price", REFUSED),
        ({"type": "market"}, "belongs to trailing_stop", REFUSED),
        ({"trail_price": "3"}, "takes one of trail_price and trail_percent", INVALID),
        ({"trail_percent": "100"}, "trail_percent 100 must be above 0 and below 100", INVALID),
        ({"trail_percent": "", "trail_price": "-1"}, "trail_price -1 must be positive", INVALID),
        ({"trail_percent": "x"}, "trail_percent 'x' is not a decimal number", INVALID),
    ],
)
def test_a_ticket_that_makes_no_sense_is_told_why(
    stub: Any, changes: dict[str, str], message: str, code: grpc.StatusCode
) -> None:
    with pytest.raises(grpc.RpcError, match=message) as refused:
        stub.Submit(ticket(**changes), timeout=10)
    assert refused.value.code() is code
