"""Cancels and replacements over the real matching engine and ledger, with answers that get lost."""

from decimal import Decimal
from typing import Any

import pytest

from ratchet.core.orders import OrderType, Side
from ratchet.execution.operators import emergency, manual, replacing

pytestmark = pytest.mark.integration


@pytest.fixture
def resting(live: Any, move: Any) -> Any:
    """A live world with one limit order that rests."""
    live.start()
    move(3)
    ticket = manual.Ticket(
        "ETH/USDT", Side.BUY, Decimal(1), "anna", "k", OrderType.LIMIT, limit_price=Decimal(100)
    )
    made = run(live, lambda engine: manual.submit(engine, ticket, is_live=True))
    assert made.order is not None, made.reasons
    live.order_id = made.order.client_order_id
    return live


def run(world: Any, work: Any) -> Any:
    return world.commands.call(work, 15)


def status(world: Any, key: str) -> tuple[Any, ...]:
    return world.db.query("SELECT status, unanswered FROM orders WHERE client_order_id = %s", (key,))[0]


@pytest.mark.parametrize("faults", [["lost"], ["accepted"], ["lost", "lost", "accepted"]])
def test_a_cancel_without_an_answer_ends_cancelled(resting: Any, eventually: Any, faults: list[str]) -> None:
    resting.broker.cancel_faults = list(faults)
    found = run(resting, lambda engine: manual.cancel(engine, resting.order_id, "anna"))
    assert found.status == "unknown"
    eventually(lambda: status(resting, resting.order_id) == ("canceled", ""))
    history = resting.db.query(
        "SELECT to_status FROM order_events WHERE client_order_id = %s ORDER BY recorded_at",
        (resting.order_id,),
    )
    assert ("unknown",) in history


def test_an_unanswered_cancel_blocks_new_risk_in_its_asset_alone(resting: Any) -> None:
    resting.broker.cancel_faults = ["lost"] * 1000
    resting.broker.look_up_faults = ["504"] * 1000
    run(resting, lambda engine: manual.cancel(engine, resting.order_id, "anna"))

    def ordered(symbol: str, key: str) -> Any:
        ticket = manual.Ticket(symbol, Side.BUY, Decimal("0.1"), "anna", key)
        return run(resting, lambda engine: manual.submit(engine, ticket, is_live=True))

    assert ordered("ETH/USDT", "k2").reasons == ("ORDER_UNKNOWN",)
    other = ordered("BTC/USDT", "k3")
    assert "ORDER_UNKNOWN" not in other.reasons


def test_a_replaced_order_is_linked_to_the_new_one(resting: Any, eventually: Any) -> None:
    change = replacing.Change("anna", "r1", limit_price=Decimal(110))
    new = run(resting, lambda engine: replacing.replace(engine, resting.order_id, change, is_live=True))
    assert (new.replaces, new.limit_price) == (resting.order_id, 110)
    eventually(lambda: status(resting, resting.order_id)[0] == "replaced")
    rows = resting.db.query("SELECT replaced_by FROM orders WHERE client_order_id = %s", (resting.order_id,))
    assert rows == [(new.client_order_id,)]
    eventually(lambda: status(resting, new.client_order_id)[0] == "accepted")
    again = run(resting, lambda engine: replacing.replace(engine, resting.order_id, change, is_live=True))
    assert again.client_order_id == new.client_order_id


@pytest.mark.parametrize(
    ("fault", "old", "new"), [("lost", "accepted", "expired"), ("accepted", "replaced", "accepted")]
)
def test_a_replace_without_an_answer_is_resolved_by_what_the_venue_says(
    resting: Any, eventually: Any, fault: str, old: str, new: str
) -> None:
    resting.broker.submit_faults = [fault]
    change = replacing.Change("anna", "r1", limit_price=Decimal(110))
    made = run(resting, lambda engine: replacing.replace(engine, resting.order_id, change, is_live=True))
    assert made.status == "unknown"
    eventually(lambda: status(resting, resting.order_id)[0] == old)
    eventually(lambda: status(resting, made.client_order_id)[0] == new)
    assert made.client_order_id not in resting.broker.submitted


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"qty": Decimal("0.0000000001")}, "multiple of"),
        ({"limit_price": Decimal(-1)}, "limit_price -1"),
        ({"stop_price": Decimal(5)}, "stop_price 5"),
        ({}, "nothing to change"),
    ],
)
def test_a_change_that_cannot_be_made_says_why(resting: Any, change: dict[str, Any], message: str) -> None:
    asked = replacing.Change("anna", "r1", **change)
    with pytest.raises(manual.RefusedError, match=message):
        run(resting, lambda engine: replacing.replace(engine, resting.order_id, asked, is_live=True))


def test_a_venue_that_refuses_a_replace_leaves_the_order_as_it_was(resting: Any) -> None:
    asked = replacing.Change("anna", "r1", limit_price=Decimal(100))
    with pytest.raises(manual.RefusedError, match="not changed"):
        run(resting, lambda engine: replacing.replace(engine, resting.order_id, asked, is_live=True))
    assert status(resting, resting.order_id) == ("accepted", "")


def test_cancel_all_reaches_an_order_that_has_no_answer_yet(live: Any, move: Any, eventually: Any) -> None:
    live.broker.submit_faults = ["", "accepted"]
    live.start()
    move(3)
    live.broker.submit_faults = ["accepted"]
    live.broker.look_up_faults = ["504"] * 3
    ticket = manual.Ticket(
        "ETH/USDT", Side.BUY, Decimal(1), "anna", "k", OrderType.LIMIT, limit_price=Decimal(100)
    )
    made = run(live, lambda engine: manual.submit(engine, ticket, is_live=True)).order
    assert made.status == "unknown"
    (asked,) = run(live, lambda engine: emergency.cancel_all(engine, "anna", "storm", "ETH/USDT"))
    assert asked.client_order_id == made.client_order_id
    eventually(lambda: status(live, made.client_order_id)[0] == "canceled")
    assert live.broker.submitted.count(made.client_order_id) == 1


def test_a_deposed_leader_sends_nothing(resting: Any) -> None:
    from ratchet.common.errors import FencedError

    sent = len(resting.broker.submitted)
    order = resting.engine.session.order(resting.order_id)

    def work(engine: Any) -> None:
        resting.db.execute("UPDATE portfolio_leadership SET epoch = epoch + 1")
        engine.outbound.send([order])

    with pytest.raises(FencedError):
        run(resting, work)
    resting.thread.join(10)
    assert isinstance(resting.error, FencedError)
    assert len(resting.broker.submitted) == sent


def test_books_that_cannot_be_compared_block_new_risk(resting: Any) -> None:
    resting.broker.is_away = True
    report = run(resting, lambda engine: resting.reconciler.run(engine, "manual"))
    assert not report.ok
    assert "cannot be asked" in report.reason
