"""Orders that algorithms work, through the real ledger: by configuration, by hand, killed and stopped."""

from decimal import Decimal
from typing import Any

import grpc
import pytest

from ratchet.core.execution import AlgorithmsConfig
from ratchet.core.orders import child_order_id
from ratchet.execution.operators.servicer import ExecutionServicer
from ratchet.v1 import orders_pb2, orders_pb2_grpc

pytestmark = pytest.mark.integration
STEPS = 50
ALGORITHMS = AlgorithmsConfig(
    rules=[
        {
            "asset_class": "crypto", "intent": "entry", "algo": "twap", "duration_s": 4 * 3600,
            "parameters": {"slices": 4, "finish_before_s": 0, "randomness": "0.2", "seed": 5},
        },
        {
            "asset_class": "crypto", "intent": "exit", "algo": "chase", "duration_s": 6 * 3600,
            "parameters": {"interval_s": 3600, "peg": "near", "finish_before_s": 7200},
        },
    ]
)  # fmt: skip
PARENTS = (
    "SELECT client_order_id, qty, status, filled_qty, symbol FROM orders WHERE detail ? 'algo' ORDER BY 1"
)
CHILDREN = (
    "SELECT client_order_id, qty, status, filled_qty FROM orders WHERE parent_order_id = %s "
    "ORDER BY created_ts"
)


@pytest.fixture
def worked(make_world: Any) -> Any:
    world = make_world()
    world.algorithms = ALGORITHMS
    return world


def test_parents_are_recorded_and_their_children_sent(worked: Any) -> None:
    worked.start()
    worked.run(STEPS)
    worked.kill()
    parents = worked.db.query(PARENTS)
    assert len(parents) >= 4
    ended = 0
    for key, qty, status, filled, _ in parents:
        children = worked.db.query(CHILDREN, (key,))
        assert [row[0] for row in children] == [child_order_id(key, n) for n in range(len(children))]
        assert sum(row[3] for row in children) <= qty
        assert key not in worked.broker.submitted
        if status in {"filled", "canceled", "expired"}:
            ended += 1
            assert filled == sum(row[3] for row in children)
    assert ended >= 3
    assert max(len(worked.db.query(CHILDREN, (row[0],))) for row in parents) >= 3
    held = {row.symbol: row.qty for row in worked.broker.positions()}
    assert held == dict(worked.db.query("SELECT symbol, qty FROM positions WHERE qty <> 0"))


def test_a_killed_process_goes_on_with_its_parents(
    make_world: Any, worked: Any, crash: type[BaseException]
) -> None:
    worked.start()
    worked.run(STEPS)
    worked.kill()
    undisturbed = worked.ledger()
    other = make_world()
    other.algorithms = ALGORITHMS
    waiting = {"commit": [7, 9, 14, 22, 31], "send": [8, 10, 15, 23, 33]}

    def arm(world: Any) -> None:
        for method, at in waiting.items():
            original = getattr(world.engine, method)

            def dying(*arguments: Any, original: Any = original, at: Any = at, **named: Any) -> Any:
                if at and world.seq >= at[0]:
                    at.pop(0)
                    raise crash
                return original(*arguments, **named)

            setattr(world.engine, method, dying)

    other.before_start = arm
    other.start()
    other.run(STEPS)
    other.kill()
    assert other.crashes >= 6
    # A parent's own progress is told when somebody looks; what was ordered and filled is the same.
    assert {**other.ledger(), "events": []} == {**undisturbed, "events": []}
    assert len(set(other.broker.submitted)) == len(set(worked.broker.submitted))


@pytest.fixture
def stub(world: Any, serve: Any) -> Any:
    """From here on the world has no signals in ETH/USDT for five steps."""
    world.run(6)
    servicer = ExecutionServicer(world.commands, world.db, world.bus, world.registry, "main", is_live=False)
    channel = serve(
        "ratchet.v1.Execution",
        lambda server: orders_pb2_grpc.add_ExecutionServicer_to_server(servicer, server),
    )
    return orders_pb2_grpc.ExecutionStub(channel)


def ticket(**changes: Any) -> orders_pb2.SubmitRequest:
    fields = {
        "symbol": "ETH/USDT", "side": "buy", "qty": "0.8", "actor": "anna", "idempotency_key": "k-1",
        "algo": "twap", "algo_parameters": {"slices": "4", "finish_before_s": "0"},
        "algo_duration_s": 4 * 3600,
    }  # fmt: skip
    return orders_pb2.SubmitRequest(**{**fields, **changes})


def test_a_ticket_is_worked_slice_by_slice(world: Any, stub: Any) -> None:
    done = stub.Submit(ticket(), timeout=10)
    assert (done.accepted, done.order.status, done.order.qty) == (True, "accepted", "0.8")
    assert stub.Submit(ticket(), timeout=10).order.client_order_id == done.order.client_order_id
    world.run(5)
    children = world.db.query(CHILDREN, (done.order.client_order_id,))
    assert [row[1:3] for row in children] == [(Decimal("0.2"), "filled")] * 4
    world.run(1)
    ((_, _, status, filled, _),) = world.db.query(PARENTS)
    assert (status, filled) == ("filled", Decimal("0.8"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"algo": "sniper"}, "algo 'sniper' is not one of"),
        ({"algo_parameters": {"slices": "0"}}, "slices 0 must be 1 to 1000"),
        ({"algo_parameters": {"speed": "9"}}, "parameter 'speed' is not one of slices"),
        ({"algo_duration_s": 0}, "algo_duration_s 0 is not 1 to"),
        ({"algo": "iceberg", "algo_parameters": {"display_qty": "0.1"}}, "limit_price None must be given"),
        ({"algo": "multi_leg", "algo_parameters": {}}, "needs legs"),
        ({"algo": "market"}, "takes none"),
        ({"type": "stop", "stop_price": "2600"}, "algo twap works market and limit orders"),
    ],
)
def test_a_ticket_that_cannot_be_worked_is_refused_by_name(
    world: Any, stub: Any, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        stub.Submit(ticket(**changes), timeout=10)
    assert refused.value.code() in {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.FAILED_PRECONDITION}
    assert message in refused.value.details()
    assert world.db.query("SELECT count(*) FROM orders WHERE idempotency_key = 'k-1'") == [(0,)]


def resting(**changes: Any) -> orders_pb2.SubmitRequest:
    fields = {
        "type": "limit",
        "limit_price": "1500",
        "algo": "iceberg",
        "algo_parameters": {"display_qty": "0.1"},
    }
    return ticket(**{**fields, **changes})


def test_vwap_takes_its_profile_from_past_bars(world: Any, stub: Any) -> None:
    nothing = ticket(algo="vwap", algo_parameters={"slices": "2"})
    with pytest.raises(grpc.RpcError) as refused:
        stub.Submit(nothing, timeout=10)
    assert "no bars of ETH/USDT" in refused.value.details()
    # The hour that begins now trades three times as much as the next one.
    world.db.execute(
        "INSERT INTO bars SELECT 'ETH/USDT', '1h', t - interval '1 hour', t, 'crypto', 1, 1, 1, 1, "
        "CASE WHEN extract(hour FROM t - interval '1 hour') = 0 THEN 300 ELSE 100 END "
        "FROM generate_series('2024-12-30'::timestamptz, '2025-01-02T18:00Z', interval '1 hour') AS t"
    )
    parameters = {"slices": "2", "finish_before_s": "0"}
    done = stub.Submit(ticket(algo="vwap", algo_parameters=parameters, algo_duration_s=7200), timeout=10)
    world.run(3)
    children = world.db.query(CHILDREN, (done.order.client_order_id,))
    assert [row[1] for row in children] == [Decimal("0.6"), Decimal("0.2")]


@pytest.mark.parametrize("which", ["parent", "child"])
def test_a_cancelled_parent_leaves_nothing_behind(world: Any, stub: Any, which: str) -> None:
    key = stub.Submit(resting(), timeout=10).order.client_order_id
    world.run(1)
    child = child_order_id(key, 0)
    target = key if which == "parent" else child
    stub.Cancel(orders_pb2.CancelRequest(client_order_id=target, actor="anna"), timeout=10)
    world.run(2)
    assert [row[0:3:2] for row in world.db.query(CHILDREN, (key,))] == [(child, "canceled")]
    assert [row[2] for row in world.db.query(PARENTS)] == ["canceled"]
    assert ("order.cancel",) in world.db.query("SELECT action FROM audit_log")


def test_cancel_all_ends_parents_too(world: Any, stub: Any) -> None:
    key = stub.Submit(resting(), timeout=10).order.client_order_id
    world.run(1)
    stub.CancelAll(orders_pb2.CancelAllRequest(actor="anna", reason="test"), timeout=10)
    world.run(2)
    assert [row[2] for row in world.db.query(CHILDREN, (key,))] == ["canceled"]
    assert [row[2] for row in world.db.query(PARENTS)] == ["canceled"]


def test_a_halt_ends_what_adds_risk(world: Any, stub: Any) -> None:
    key = stub.Submit(ticket(), timeout=10).order.client_order_id
    world.run(1)
    world.db.execute("UPDATE trading_state SET state = 'halted'")
    world.run(4)
    children = world.db.query(CHILDREN, (key,))
    assert len(children) < 4
    ((_, _, status, filled, _),) = world.db.query(PARENTS)
    assert status == "canceled"
    assert filled == sum(row[3] for row in children) < Decimal("0.8")


def test_flatten_hurries_an_exit_that_is_being_worked(world: Any, stub: Any) -> None:
    stub.Submit(ticket(algo="", algo_parameters={}, algo_duration_s=0), timeout=10)
    world.run(1)
    (held,) = world.db.query("SELECT qty FROM positions WHERE symbol = 'ETH/USDT'")[0]
    slow = ticket(side="sell", qty="0.6", idempotency_key="k-2", algo_duration_s=40 * 3600)
    stub.Submit(slow, timeout=10)
    world.run(1)
    stub.Flatten(orders_pb2.FlattenRequest(actor="anna", reason="test", scope="ETH/USDT"), timeout=10)
    world.run(2)
    (left,) = world.db.query("SELECT qty FROM positions WHERE symbol = 'ETH/USDT'")[0]
    assert left == 0 < held
    assert [row[2] for row in world.db.query(PARENTS)] == ["filled"]
