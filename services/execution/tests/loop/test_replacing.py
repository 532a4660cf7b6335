"""Replacing an order by hand: what adds risk is judged like a new order, what takes it away passes."""

from decimal import Decimal
from typing import Any

import pytest

from ratchet.core.orders import OrderType, Side
from ratchet.core.risk import RiskConfig, RiskEngine
from ratchet.execution.operators import manual, replacing

pytestmark = pytest.mark.integration


@pytest.fixture
def resting(live: Any, move: Any) -> Any:
    """A live world with one order of 2 ETH that does not fill."""
    live.start()
    move(3)
    ticket = manual.Ticket(
        "ETH/USDT", Side.BUY, Decimal(2), "anna", "k", OrderType.LIMIT, limit_price=Decimal(1000)
    )
    made = live.commands.call(lambda engine: manual.submit(engine, ticket, is_live=True), 15)
    assert made.order is not None, made.reasons
    live.order_id = made.order.client_order_id
    return live


def replace(world: Any, key: str = "r", **changes: Any) -> Any:
    change = replacing.Change("anna", key, **changes)
    return world.commands.call(
        lambda engine: replacing.replace(engine, world.order_id, change, is_live=True), 15
    )


def restrict(world: Any, **limits: Any) -> None:
    config = RiskConfig(stale_price_s=10**9, stale_mark_s=10**9, **limits)
    world.parts.risk.evaluate = RiskEngine(world.registry, config).evaluate


def refusals(world: Any) -> list[tuple[Any, ...]]:
    return world.db.query("SELECT detail->'reasons' FROM audit_log WHERE action = 'order.refused'")


@pytest.mark.parametrize("changes", [{"qty": Decimal(3)}, {"limit_price": Decimal(1100)}])
def test_what_risk_approves_is_replaced_and_the_judgement_kept(
    resting: Any, eventually: Any, changes: dict[str, Any]
) -> None:
    before = resting.db.query("SELECT count(*) FROM risk_decisions WHERE approved")[0][0]
    new = replace(resting, **changes)
    assert (new.qty, new.limit_price) == (
        changes.get("qty", Decimal(2)), changes.get("limit_price", Decimal(1000))
    )  # fmt: skip
    assert resting.db.query("SELECT count(*) FROM risk_decisions WHERE approved") == [(before + 1,)]
    statement = "SELECT status FROM orders WHERE client_order_id = %s"
    eventually(lambda: resting.db.query(statement, (resting.order_id,)) == [("replaced",)])


@pytest.mark.parametrize("changes", [{"qty": Decimal(3)}, {"limit_price": Decimal(1001)}])
@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"kill_switch": True}, "TRADING_HALTED"),
        ({"max_position_ratio": 0.0001}, "POSITION_LIMIT"),
        ({"require_spread": True}, "SPREAD_UNKNOWN"),
    ],
)
def test_what_risk_denies_is_not_asked_of_the_venue(
    resting: Any, changes: dict[str, Any], limits: dict[str, Any], reason: str
) -> None:
    restrict(resting, **limits)
    with pytest.raises(manual.RefusedError, match=reason):
        replace(resting, **changes)
    [(told,)] = refusals(resting)
    assert told == [reason]
    [order] = resting.broker.list_orders(open_only=True)
    assert (order.client_order_id, order.qty, order.limit_price) == (resting.order_id, 2, 1000)


def test_risk_counts_the_order_once_and_says_how_much_it_allows(resting: Any) -> None:
    """3,000 in one position: the order of 2,000 that is replaced takes none of that room."""
    equity = float(resting.broker.account().equity)
    restrict(resting, max_position_ratio=3_100 / equity, max_order_ratio=1.0)
    with pytest.raises(
        manual.RefusedError, match=r"qty is too large; no more than 3\.1\d* would be approved"
    ):
        replace(resting, qty=Decimal(4))
    assert replace(resting, "r2", qty=Decimal(3)).qty == 3


def test_smaller_and_cheaper_pass_while_nothing_new_may_be_risked(resting: Any, eventually: Any) -> None:
    restrict(resting, kill_switch=True)
    new = replace(resting, qty=Decimal(1), limit_price=Decimal(900))
    assert (new.qty, new.limit_price) == (1, 900)
    statement = "SELECT status FROM orders WHERE client_order_id = %s"
    eventually(lambda: resting.db.query(statement, (resting.order_id,)) == [("replaced",)])


def test_the_kill_switch_that_was_thrown_meanwhile_counts(resting: Any) -> None:
    resting.db.execute("UPDATE trading_state SET state = 'halted'")
    with pytest.raises(manual.RefusedError, match="TRADING_HALTED"):
        replace(resting, qty=Decimal(3))
    assert refusals(resting) == [(["TRADING_HALTED"],)]
    [order] = resting.broker.list_orders(open_only=True)
    assert order.qty == 2
