"""The order path in lock-step, against the real matching engine, PostgreSQL and streams."""

import contextlib
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from ratchet.common.streams import CONTROL, ORDER_EVENTS
from ratchet.execution.ledger.postgres import PostgresLedger
from ratchet.v1 import control_pb2, orders_pb2

pytestmark = pytest.mark.integration
STEPS = 60


@pytest.fixture
def undisturbed(make_world: Any, memory: Any) -> Any:
    """The ledger of a run in which nothing goes wrong; made once."""
    if "ledger" not in memory:
        world = make_world()
        world.start()
        world.run(STEPS)
        world.kill()
        memory["ledger"] = world.ledger()
    ledger = memory["ledger"]
    assert len(ledger["fills"]) >= 8
    assert len({row[1] for row in ledger["orders"]}) == 3
    assert len(ledger["days"]) >= 4
    return ledger


def books_agree(world: Any) -> bool:
    held = {row.symbol: row.qty for row in world.broker.positions()}
    rows = world.db.query("SELECT symbol, qty FROM positions WHERE qty <> 0")
    balance = world.db.query("SELECT sum(amount) FROM cash_ledger")[0][0]
    return held == dict(rows) and abs(balance - world.broker.account().cash) < Decimal("0.01")


def test_ledger_and_broker_agree_to_the_last_unit(world: Any) -> None:
    world.run(STEPS)
    world.kill()
    assert books_agree(world)
    statuses = {row[0] for row in world.db.query("SELECT status FROM orders")}
    assert statuses <= {"filled", "accepted", "canceled"}


class ForgottenError(Exception):
    """The server has crashed before this commit reached the disk."""


def test_a_server_that_forgets_what_did_not_wait_for_the_disk_takes_no_step(
    make_world: Any, undisturbed: Any, monkeypatch: Any
) -> None:
    real = PostgresLedger.transaction

    @contextlib.contextmanager
    def transaction(
        self: PostgresLedger, *, durable: bool = True, claimed: str | None = None
    ) -> Iterator[Any]:
        with contextlib.suppress(ForgottenError), real(self, durable=durable, claimed=claimed) as tx:
            yield tx
            if not durable:
                raise ForgottenError

    monkeypatch.setattr(PostgresLedger, "transaction", transaction)
    world = make_world(checkpoint_steps=2)
    world.start()
    for _ in range(STEPS // 6):
        world.run(6)
        world.kill()
        world.start()
    world.kill()
    assert world.ledger() == undisturbed


def test_a_fill_told_many_times_counts_once(make_world: Any, undisturbed: Any) -> None:
    world = make_world()
    world.broker.repeat = 3
    world.start()
    world.run(STEPS)
    assert world.ledger() == undisturbed


@pytest.mark.parametrize("kind", ["fill", "new", "everything"])
def test_lost_trade_updates_are_fetched_by_rest(make_world: Any, undisturbed: Any, kind: str) -> None:
    world = make_world()
    world.broker.lose = lambda update: kind in {update.event, "everything"}
    world.start()
    world.run(STEPS)
    assert {**world.ledger(), "events": []} == {**undisturbed, "events": []}


@pytest.mark.parametrize("fault", ["lost", "accepted"])
def test_unanswered_orders_end_as_if_they_had_been_answered(
    make_world: Any, undisturbed: Any, fault: str
) -> None:
    world = make_world()
    world.broker.submit_faults = [fault, "", fault, fault, "", fault]
    world.broker.look_up_faults = ["504", "reset"]
    world.start()
    world.run(STEPS)
    assert world.ledger() == undisturbed
    unknown = world.db.query("SELECT count(*) FROM order_events WHERE to_status = 'unknown'")[0][0]
    assert unknown >= 3
    assert len(set(world.broker.submitted)) == len(undisturbed["orders"])


def crash_in(world: Any, crash: type[BaseException], owner: str, method: str, at: list[int]) -> None:
    """Kill execution when it enters a method in one of these steps, once each."""
    target = {
        "engine": world.engine,
        "session": world.engine.session,
        "writer": world.parts.ledger.writer,
        "bus": world.parts.bus,
    }[owner]
    original = getattr(target, method)

    def entered(*args: Any, **kwargs: Any) -> Any:
        if world.seq in at:
            at.remove(world.seq)
            setattr(target, method, original)
            raise crash
        return original(*args, **kwargs)

    setattr(target, method, entered)


@pytest.mark.parametrize(
    ("owner", "method"),
    [
        ("session", "close_day"),
        ("engine", "decide"),
        ("engine", "commit"),
        ("writer", "state"),
        ("engine", "send"),
        ("engine", "record"),
        ("bus", "publish_many"),
    ],
)
def test_killed_at_any_point_the_replay_ends_the_same(
    make_world: Any, undisturbed: Any, crash: type[BaseException], owner: str, method: str
) -> None:
    world = make_world(checkpoint_steps=5)
    at = [*sorted({row[9] for row in undisturbed["orders"]})[:6], 6, 30]
    world.before_start = lambda w: crash_in(w, crash, owner, method, at)
    world.start()
    while world.seq < STEPS:
        world.step()
        world.finish()
    world.kill()
    assert world.crashes >= 4
    assert world.ledger() == undisturbed
    assert books_agree(world)
    assert world.closed_days() == ["2025-01-02", "2025-01-03", "2025-01-04"]


@pytest.mark.parametrize(
    "point",
    ["before_commit", "after_commit", "after_send", "before_record_answer", "mid_fill", "during_reconcile"],
)
def test_killed_at_any_named_point_the_replay_ends_the_same(
    make_world: Any, undisturbed: Any, crash: type[BaseException], point: str
) -> None:
    from ratchet.execution import crash as points

    def die() -> None:
        raise crash

    world = make_world(checkpoint_steps=5)
    world.before_start = lambda w: points.arm(f"{point}:{2 + w.crashes}" if w.crashes < 3 else "", die)
    world.start()
    try:
        while world.seq < STEPS:
            world.step()
            world.finish()
    finally:
        points.arm("")
    world.kill()
    assert world.crashes >= (0 if point == "during_reconcile" else 3)
    assert world.ledger() == undisturbed
    assert books_agree(world)


def test_steps_without_effect_are_not_acknowledged_before_they_are_committed(make_world: Any) -> None:
    world = make_world(checkpoint_steps=1000)
    world.start()
    world.run(1)
    group = "execution-main"
    world.kill()
    assert world.bus.lag("ratchet:signals", group) == 0
    assert world.db.query("SELECT last_seq FROM execution_state") == [(1,)]


def test_a_restart_without_work_in_between_changes_nothing(make_world: Any, undisturbed: Any) -> None:
    world = make_world()
    for _ in range(6):
        world.start()
        world.run(STEPS // 6)
        world.kill()
        assert world.error is None
    assert world.ledger() == undisturbed


def test_halted_trading_sends_no_entry_but_lets_exits_pass(world: Any) -> None:
    world.run(24)
    before = {row[0] for row in world.db.query("SELECT client_order_id FROM orders")}
    assert world.db.query("SELECT 1 FROM positions WHERE qty > 0")
    world.db.execute("UPDATE trading_state SET state = 'halted'")
    world.run(STEPS - 24)
    later = world.db.query(
        "SELECT intent, status FROM orders WHERE NOT client_order_id = ANY(%s)", (list(before),)
    )
    assert ("exit", "filled") in later
    assert all(status == "rejected" for intent, status in later if intent == "entry")
    reasons = world.db.query("SELECT DISTINCT unnest(reasons) FROM risk_decisions WHERE NOT approved")
    assert ("TRADING_HALTED",) in reasons


def test_with_execution_disabled_nothing_is_sent(make_world: Any) -> None:
    world = make_world(execution_enabled=False)
    world.start()
    world.run(STEPS)
    assert world.broker.submitted == []
    assert {row[0] for row in world.db.query("SELECT status || reason FROM orders")} == {
        "rejectedEXECUTION_DISABLED"
    }


def test_a_deposed_leader_cannot_write_and_its_successor_goes_on(make_world: Any, undisturbed: Any) -> None:
    from ratchet.common.errors import FencedError

    world = make_world()
    world.start()
    world.run(20)
    world.db.execute("UPDATE portfolio_leadership SET epoch = epoch + 1")
    with pytest.raises(FencedError):
        world.run(STEPS - 20)
    world.thread.join()
    world.start()
    world.finish()
    world.run(STEPS - world.seq)
    assert world.ledger() == undisturbed


def test_every_change_is_published_once_under_a_stable_id(world: Any) -> None:
    world.run(30)
    world.kill()
    world.relay()
    entries = world.bus.tail(ORDER_EVENTS, "0")
    ids = [entry.event_id for entry in entries]
    committed = world.db.query("SELECT id FROM order_events")
    assert sorted(ids) == sorted(row[0] for row in committed)
    fills = [entry.parse(orders_pb2.OrderEvent) for entry in entries]
    assert sum(event.HasField("fill") for event in fills) == len(world.ledger()["fills"])
    assert all(event.id == entry.event_id for event, entry in zip(fills, entries, strict=True))


def test_a_phase_change_counts_from_the_step_after_it(world: Any) -> None:
    world.run(3)
    ts = world.engine.ts
    state = control_pb2.PhaseState(phase=0, name="all", status="locked")
    event = control_pb2.ControlEvent(id="p", kind=control_pb2.CONTROL_KIND_PHASE, ts_ns=ts + 1, phase=state)
    world.bus.publish(CONTROL, event, ts=ts)
    world.run(1)
    assert world.engine.phases.at(world.engine.ts)[0].status.value == "locked"


def test_orders_placed_outside_are_adopted_and_shown(world: Any) -> None:
    from ratchet.core.orders import OrderType, Side, TimeInForce
    from ratchet.execution.venue.broker import OrderRequest

    world.run(2)
    world.broker.submit(
        OrderRequest("theirs", "ETH/USDT", Side.BUY, OrderType.MARKET, TimeInForce.GTC, Decimal("0.5"))
    )
    world.run(STEPS - 2)
    rows = world.db.query("SELECT intent, status, filled_qty FROM orders WHERE client_order_id = 'theirs'")
    assert rows == [("external", "filled", Decimal("0.5"))]
    assert books_agree(world)


def test_positions_found_at_the_first_start_are_taken_over(make_world: Any) -> None:
    from ratchet.core.orders import OrderType, Side, TimeInForce
    from ratchet.execution.venue.broker import OrderRequest

    world = make_world()
    world.broker.on_bars(make_first_bars(world))
    world.broker.submit(
        OrderRequest("before", "BTC/USDT", Side.BUY, OrderType.MARKET, TimeInForce.GTC, Decimal("0.1"))
    )
    world.step()
    world.start()
    world.finish()
    assert books_agree(world)
    assert world.reconciler.report.ok
    assert world.engine.session.portfolio.position(0).qty == world.broker.positions()[0].qty


def make_first_bars(world: Any) -> Any:
    import numpy as np

    from ratchet.core.market import BarBatch

    one = np.array([40_000.0])
    ts = 1_735_840_800_000_000_000
    return (
        BarBatch("crypto", "1h", ts, np.array([0], np.uint32), one, one, one, one, one * 10, start=ts - 1),
    )


def test_a_difference_that_nothing_explains_blocks_new_risk_until_accepted(make_world: Any) -> None:
    world = make_world()
    world.start()
    world.run(30)
    world.kill()
    world.broker.extra_cash = Decimal(-500)
    world.start()
    world.run(1)
    report = world.reconciler.report
    assert [(item.kind, item.is_blocking) for item in report.differences] == [("cash", True)]
    assert world.engine.effective_state == "reduce_only"
    world.run(STEPS - 31)
    late = world.db.query("SELECT intent, status FROM orders WHERE seq > 31")
    assert all(status == "rejected" for intent, status in late if intent == "entry")
    world.commands.call(lambda engine: world.reconciler.accept(engine, "anna", "a fee that we know"), 10)
    assert world.engine.effective_state == "active"


def test_an_unreadable_message_goes_to_the_dead_letters_and_blocks_nothing(world: Any) -> None:
    world.run(1)
    world.bus.publish("ratchet:signals", b"\xff\xff", ts=1, event_id="bad")
    world.run(2)
    (dead,) = world.bus.tail("ratchet:dead", "0")
    assert dead.event_id == "bad"
