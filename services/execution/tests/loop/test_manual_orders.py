"""What operators order by hand, over gRPC and the admin API."""

from decimal import Decimal
from typing import Any

import grpc
import pytest
import requests
from fastapi import FastAPI

from ratchet.common.http_server import HttpServer
from ratchet.common.runtime import ServiceRuntime
from ratchet.common.settings import Settings
from ratchet.execution.operators.admin import build_router
from ratchet.execution.operators.servicer import ExecutionServicer
from ratchet.v1 import orders_pb2, orders_pb2_grpc

pytestmark = pytest.mark.integration


@pytest.fixture
def stub(world: Any, serve: Any) -> Any:
    world.run(3)
    servicer = ExecutionServicer(world.commands, world.db, world.bus, world.registry, "main", is_live=False)
    channel = serve(
        "ratchet.v1.Execution",
        lambda server: orders_pb2_grpc.add_ExecutionServicer_to_server(servicer, server),
    )
    return orders_pb2_grpc.ExecutionStub(channel)


def ticket(**changes: str) -> orders_pb2.SubmitRequest:
    fields = {"symbol": "ETH/USDT", "side": "buy", "qty": "0.5", "actor": "anna", "idempotency_key": "k-1"}
    return orders_pb2.SubmitRequest(**{**fields, **changes})


def test_an_order_by_hand_goes_through_risk_and_fills(world: Any, stub: Any) -> None:
    done = stub.Submit(ticket(), timeout=10)
    assert done.accepted
    assert (done.order.status, done.order.reason, done.order.qty) == ("accepted", "MANUAL", "0.5")
    world.run(1)
    rows = world.db.query("SELECT status FROM orders WHERE idempotency_key = 'k-1'")
    assert rows == [("filled",)]
    assert world.db.query("SELECT actor, action FROM audit_log") == [("anna", "order.submit")]


def test_the_same_key_never_makes_a_second_order(world: Any, stub: Any) -> None:
    first = stub.Submit(ticket(), timeout=10).order.client_order_id
    world.run(2)
    again = stub.Submit(ticket(qty="9"), timeout=10)
    assert again.order.client_order_id == first
    assert again.order.status == "filled"
    assert world.broker.submitted.count(first) == 1


def test_risk_refuses_by_code_and_nothing_is_sent(world: Any, stub: Any) -> None:
    sent = len(world.broker.submitted)
    world.db.execute("UPDATE trading_state SET state = 'halted'")
    world.run(6)
    refused = stub.Submit(ticket(), timeout=10)
    assert not refused.accepted
    assert "TRADING_HALTED" in refused.reasons or "DUPLICATE_POSITION" in refused.reasons
    assert len(world.broker.submitted) == sent


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"side": "hold"}, "side 'hold' is not one of buy, sell"),
        ({"qty": "many"}, "qty 'many' is not a decimal number"),
        ({"actor": ""}, "actor and idempotency_key"),
        ({"type": "iceberg"}, "type 'iceberg' is not one of market, limit"),
        ({"limit_price": "x"}, "limit_price 'x'"),
    ],
)
def test_a_malformed_ticket_names_its_field(stub: Any, changes: dict[str, str], message: str) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        stub.Submit(ticket(**changes), timeout=10)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert message in refused.value.details()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"symbol": "DOGE"}, "'DOGE' is not registered"),
        ({"qty": "-1"}, "qty -1 must be a positive number"),
        ({"qty": "0.0000000001"}, "not a multiple"),
        ({"type": "limit"}, "limit_price None"),
        ({"limit_price": "5"}, "a market order takes no price"),
    ],
)
def test_a_ticket_that_cannot_be_placed_says_why(stub: Any, changes: dict[str, str], message: str) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        stub.Submit(ticket(**changes), timeout=10)
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert message in refused.value.details()


def test_a_resting_limit_order_is_cancelled(world: Any, stub: Any) -> None:
    order = stub.Submit(ticket(type="limit", limit_price="100", qty="1"), timeout=10).order
    assert [item.client_order_id for item in stub.ListOrders(orders_pb2.ListOrdersRequest()).orders] == [
        order.client_order_id
    ]
    request = orders_pb2.CancelRequest(client_order_id=order.client_order_id, actor="anna")
    assert stub.Cancel(request, timeout=10).order.status == "pending_cancel"
    world.run(1)
    rows = world.db.query("SELECT status FROM orders WHERE client_order_id = %s", (order.client_order_id,))
    assert rows == [("canceled",)]
    with pytest.raises(grpc.RpcError, match="is not working"):
        stub.Cancel(request, timeout=10)


def test_everything_is_cancelled_at_once(world: Any, stub: Any) -> None:
    stub.Submit(ticket(type="limit", limit_price="100", qty="1"), timeout=10)
    done = stub.CancelAll(orders_pb2.CancelAllRequest(actor="anna", reason="storm"), timeout=10)
    assert [item.status for item in done.orders] == ["pending_cancel"]


def test_flatten_closes_what_is_held_and_only_once(world: Any, stub: Any) -> None:
    # To hours in which no signal sells by itself.
    world.run(4)
    stub.Submit(ticket(), timeout=10)
    world.run(1)
    request = orders_pb2.FlattenRequest(scope="crypto", actor="anna", reason="storm")
    made = stub.Flatten(request, timeout=10)
    assert made.orders
    assert {(item.side, item.intent, item.reason) for item in made.orders} == {("sell", "exit", "FLATTEN")}
    assert not stub.Flatten(request, timeout=10).orders
    held = {item.asset_id for item in made.orders}
    world.run(1)
    positions = stub.ListPositions(orders_pb2.ListPositionsRequest(), timeout=10).portfolio.positions
    assert not held & {item.asset_id for item in positions}
    with pytest.raises(grpc.RpcError, match="neither empty, nor a symbol"):
        stub.Flatten(orders_pb2.FlattenRequest(scope="moon", actor="anna"), timeout=10)


def test_events_are_streamed_as_they_are_published(world: Any, stub: Any, eventually: Any) -> None:
    import threading

    world.relay()
    seen: list[Any] = []
    stream = stub.StreamEvents(orders_pb2.StreamEventsRequest(), timeout=20)

    def collect() -> None:
        try:
            seen.extend(iter([next(stream)]))
        except grpc.RpcError:
            return

    reader = threading.Thread(target=collect)
    reader.start()
    for number in range(200):
        if seen:
            break
        stub.Submit(
            ticket(type="limit", limit_price="100", qty="1", idempotency_key=f"s{number}"), timeout=10
        )
        world.relay()
        reader.join(0.1)
    assert seen[0].portfolio == "main"
    stream.cancel()
    reader.join()


@pytest.fixture
def api(world: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("RATCHET_ADMIN_TOKENS", "viewer=look-token,operator=act-token,admin=all-token")
    monkeypatch.setenv("RATCHET_DATABASE_URL", world.db.url)
    runtime = ServiceRuntime("execution", Settings())
    runtime.__dict__["db"], runtime.__dict__["bus"] = world.db, world.bus
    app = FastAPI()
    app.include_router(
        build_router(runtime, world.commands, world.registry, world.reconciler, is_live=False),
        prefix="/admin/v1",
    )
    world.run(3)
    server = HttpServer(app, "127.0.0.1", 0, variable="RATCHET_ADMIN_PORT")
    server.start()
    with requests.Session() as session:
        yield lambda method, path, **given: session.request(
            method, f"http://127.0.0.1:{server.port}/admin/v1{path}", timeout=10, **given
        )
    server.stop()


def by(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_the_admin_api_orders_lists_and_cancels(world: Any, api: Any) -> None:
    body = {"symbol": "ETH/USDT", "side": "buy", "qty": "1", "type": "limit", "limit_price": "100"}
    assert api("POST", "/orders", json=body, headers=by("look-token")).status_code == 403
    made = api("POST", "/orders", json=body, headers=by("act-token")).json()
    assert made["accepted"]
    (listed,) = api("GET", "/orders").json()
    assert (listed["symbol"], listed["status"]) == ("ETH/USDT", "accepted")
    path = f"/orders/{listed['client_order_id']}/cancel"
    assert api("POST", path, headers=by("act-token")).json()["status"] == "pending_cancel"
    assert api("POST", f"{path}x", headers=by("act-token")).status_code == 404
    assert api("POST", "/orders", json={**body, "qty": "none"}, headers=by("act-token")).status_code == 422
    assert api("GET", "/positions").json()["portfolio"] == "main"


def test_reconciliation_is_shown_run_and_accepted_by_an_admin(world: Any, api: Any) -> None:
    assert api("GET", "/reconciliation").json()["ok"]
    world.broker.extra_cash = Decimal(-500)
    report = api("POST", "/reconciliation/run", headers=by("act-token")).json()
    assert not report["ok"]
    assert report["differences"][0]["kind"] == "cash"
    body = {"reason": "a fee that we know"}
    assert api("POST", "/reconciliation/accept", json=body, headers=by("act-token")).status_code == 403
    assert api("POST", "/reconciliation/accept", json=body, headers=by("all-token")).json()["ok"]
    assert world.engine.effective_state == "active"
    assert api("POST", "/reconciliation/run", headers=by("act-token")).json()["ok"]


def test_without_a_loop_commands_are_refused(world: Any, api: Any) -> None:
    world.commands.close()
    body = {"reason": "storm"}
    assert api("POST", "/flatten", json=body, headers=by("act-token")).status_code == 503
