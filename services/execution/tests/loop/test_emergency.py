"""Emergency commands work without risk, without signals and without Redis; new risk stops with the stream."""

import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ratchet.common.bus import Bus
from ratchet.common.db import Database
from ratchet.common.embedded import ValkeyServer
from ratchet.core.orders import OrderType, Side
from ratchet.execution.operators import emergency, manual
from ratchet.execution.operators.switch import KillSwitch
from ratchet.execution.risk_client import RiskUnavailableError
from ratchet.execution.sending.throttle import TokenBucket

pytestmark = pytest.mark.integration


def run(world: Any, work: Any) -> Any:
    return world.commands.call(work, 20)


def held_and_resting(world: Any, move: Any) -> None:
    """Hold half an ether, with a limit order resting below."""
    world.start()
    # To hours in which no signal trades ether.
    move(8)
    buy = manual.Ticket("ETH/USDT", Side.BUY, Decimal("0.5"), "anna", "k1")
    assert run(world, lambda engine: manual.submit(engine, buy, is_live=True)).order
    move(1)
    rest = manual.Ticket(
        "BTC/USDT", Side.BUY, Decimal("0.1"), "anna", "k2", OrderType.LIMIT, limit_price=Decimal(100)
    )
    assert run(world, lambda engine: manual.submit(engine, rest, is_live=True)).order


def is_flat(world: Any) -> bool:
    rows = world.db.query("SELECT count(*) FROM positions WHERE qty <> 0")
    return rows == [(0,)]


def test_without_risk_everything_is_cancelled_and_closed(live: Any, move: Any, eventually: Any) -> None:
    def away(*_: Any) -> Any:
        raise RiskUnavailableError("risk is away")

    held_and_resting(live, move)
    live.parts.risk.evaluate = away
    assert run(live, lambda engine: emergency.cancel_all(engine, "anna", "storm"))
    made = run(live, lambda engine: emergency.flatten(engine, "", "anna", "storm", is_live=True))
    assert {order.side for order in made} == {Side.SELL}
    move(1)
    eventually(lambda: is_flat(live))
    audited = live.db.query("SELECT action, actor, detail->>'reason' FROM audit_log ORDER BY id")
    assert ("orders.cancel_all", "anna", "storm") in audited
    assert ("flatten", "anna", "storm") in audited


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[ValkeyServer]:
    with ValkeyServer(tmp_path / "valkey") as server:
        yield server


def test_without_redis_everything_is_cancelled_closed_and_halted(
    live: Any, move: Any, eventually: Any, own_redis: ValkeyServer
) -> None:
    live.bus.close()
    live.redis_url = own_redis.url
    live.bus = Bus(own_redis.url)
    held_and_resting(live, move)
    own_redis.stop()
    assert run(live, lambda engine: emergency.cancel_all(engine, "anna", "storm"))
    eventually(
        lambda: live.db.query("SELECT status FROM orders WHERE idempotency_key = 'k2'") == [("canceled",)]
    )
    made = run(live, lambda engine: emergency.flatten(engine, "", "anna", "storm", is_live=True))
    assert made
    KillSwitch(live.db, live.own_bus, "main", live.commands).set("halted", "storm", "anna")
    assert live.db.query("SELECT state, actor, reason FROM trading_state") == [("halted", "anna", "storm")]
    # The venue's market moves on and fills; the fills are booked although nobody can be told of them.
    live.seq += 1
    live.broker.on_bars(live.make_bars(live.seq))
    eventually(lambda: is_flat(live))
    assert live.error is None
    assert live.db.query("SELECT count(*) > 0 FROM outbox WHERE published_at IS NULL") == [(True,)]


def test_flatten_closes_one_class_or_symbol_and_clears_the_way(live: Any, move: Any, eventually: Any) -> None:
    held_and_resting(live, move)
    more = manual.Ticket(
        "ETH/USDT", Side.BUY, Decimal("0.1"), "anna", "k3", OrderType.LIMIT, limit_price=Decimal(100)
    )
    # Risk takes one position an asset, so this one is placed outside.
    from ratchet.core.orders import TimeInForce
    from ratchet.execution.venue.broker import OrderRequest

    live.broker.submit(
        OrderRequest("theirs", more.symbol, more.side, more.type, TimeInForce.GTC, more.qty, more.limit_price)
    )
    eventually(lambda: live.engine.session.order("theirs") is not None)
    made = run(live, lambda engine: emergency.flatten(engine, "ETH/USDT", "anna", "storm", is_live=True))
    assert [order.asset_id for order in made] == [1]
    eventually(
        lambda: live.db.query("SELECT status FROM orders WHERE client_order_id = 'theirs'") == [("canceled",)]
    )
    assert live.db.query("SELECT status FROM orders WHERE idempotency_key = 'k2'") == [("accepted",)]
    move(1)
    eventually(lambda: is_flat(live))


def test_a_halt_in_the_database_alone_stops_the_next_entry(live: Any, move: Any) -> None:
    live.start()
    move(3)
    live.db.execute("UPDATE trading_state SET state = 'halted'")
    sent = len(live.broker.submitted)
    ticket = manual.Ticket("BTC/USDT", Side.BUY, Decimal("0.1"), "anna", "k")
    done = run(live, lambda engine: manual.submit(engine, ticket, is_live=True))
    assert done.order is None or (done.order.status, done.order.reason) == ("rejected", "TRADING_HALTED")
    assert len(live.broker.submitted) == sent


def test_without_the_stream_no_entry_is_sent_and_exits_are(live: Any, move: Any) -> None:
    live.start()
    move(20)
    assert live.db.query("SELECT 1 FROM positions WHERE qty > 0")
    live.is_down = True
    before = live.db.query("SELECT count(*) FROM orders")[0][0]
    move(30)
    later = live.db.query("SELECT intent, status FROM orders ORDER BY recorded_at OFFSET %s", (before,))
    assert ("exit", "filled") in later
    assert {intent for intent, _ in later} == {"exit"}
    assert ("STREAM_DOWN",) in live.db.query("SELECT DISTINCT unnest(reasons) FROM risk_decisions")
    live.is_down = False
    move(20)
    assert live.db.query("SELECT 1 FROM orders WHERE intent = 'entry' AND status = 'filled' OFFSET 1")


def test_an_entry_beyond_the_limit_waits_and_is_then_refused(live: Any, move: Any, eventually: Any) -> None:
    class Clockwork(TokenBucket):
        """A bucket that lets entries wait."""

        closed = False

        def allows(self, priority: Any) -> bool:
            return priority < 2 or not self.closed

    from ratchet.execution.ports import SystemClock

    live.settings["entry_deadline_s"] = 0.3
    live.throttle = Clockwork(100_000, 10_000, SystemClock())
    live.start()
    move(3)
    live.throttle.closed = True
    ticket = manual.Ticket("ETH/USDT", Side.BUY, Decimal("0.5"), "anna", "k")
    sent = len(live.broker.submitted)
    done = run(live, lambda engine: manual.submit(engine, ticket, is_live=True))
    assert done.order.status == "pending_new"
    key = done.order.client_order_id
    query = "SELECT status, split_part(reason, ':', 1) FROM orders WHERE client_order_id = %s"
    eventually(lambda: live.db.query(query, (key,)) == [("rejected", "THROTTLED")])
    assert len(live.broker.submitted) == sent


def test_a_standby_can_throw_the_switch_but_not_trade(make_world: Any) -> None:
    from ratchet.execution.loops.commands import BusyError, Commands

    world = make_world()
    world.start()
    world.run(1)
    standby: Commands[Any] = Commands()
    with pytest.raises(BusyError):
        standby.call(lambda engine: emergency.flatten(engine, "", "anna", "storm", is_live=False), 0.1)
    database = Database(world.db.url, stop=threading.Event())
    KillSwitch(database, world.bus, "main", standby).set("halted", "storm", "anna")
    assert database.query("SELECT state FROM trading_state") == [("halted",)]
    database.close()
    with pytest.raises(ValueError, match="'asleep' is not one of active, reduce_only, halted"):
        KillSwitch(world.db, world.bus, "main", standby).set("asleep", "storm", "anna")
