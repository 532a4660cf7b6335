"""Packages of option legs: one order at the venue, all legs or none in the books."""

from decimal import Decimal
from typing import Any

import pytest

from ratchet.core.orders import Side
from ratchet.execution.operators import emergency, manual, packages
from ratchet.execution.operators.errors import RefusedError

pytestmark = pytest.mark.integration

LOW, HIGH = "NVDA240112C00520000", "NVDA240112C00530000"
SPREAD = ((LOW, "buy", 1), (HIGH, "sell", 1))


def submit(
    world: Any, legs: Any = SPREAD, qty: str = "2", net: str | None = None, key: str = ""
) -> tuple[Any, tuple[str, ...]]:
    ticket = packages.PackageTicket(
        legs=tuple(packages.TicketLeg(symbol, Side(side), ratio) for symbol, side, ratio in legs),
        qty=Decimal(qty), actor="anna", key=key or f"package-{world.seq}",
        limit_price=None if net is None else Decimal(net),
    )  # fmt: skip
    return world.commands.call(lambda engine: packages.submit_package(engine, ticket, is_live=False), 20)


def test_a_vertical_spread_is_one_order_and_fills_as_a_whole(
    world: Any, venue: Any, check_books: Any
) -> None:
    order, reasons = submit(world, net="9.00")
    assert reasons == ()
    assert (order.status.value, order.qty, len(order.legs)) == ("accepted", Decimal(2), 2)
    (theirs,) = venue.get("/v2/orders", status="all")
    assert theirs["client_order_id"] == order.client_order_id
    assert (theirs["order_class"], theirs["limit_price"]) == ("mleg", "9")
    world.run(1)
    ((status, filled, average),) = world.db.query("SELECT status, filled_qty, filled_avg_price FROM orders")
    assert (status, filled) == ("filled", Decimal(2))
    fills = dict(world.db.query("SELECT symbol, price FROM fills"))
    assert average == fills[LOW] - fills[HIGH] <= Decimal(9)
    assert dict(world.db.query("SELECT symbol, qty FROM positions")) == {LOW: 2, HIGH: -2}
    check_books()
    # Closed by the same legs turned around.
    order, reasons = submit(world, ((LOW, "sell", 1), (HIGH, "buy", 1)))
    assert reasons == ()
    assert (order.intent.value, order.legs[0].is_closing) == ("exit", True)
    world.run(1)
    check_books()
    assert world.engine.session.portfolio.positions == {}


def test_a_credit_is_negative_and_ratios_count_contracts(world: Any, venue: Any, check_books: Any) -> None:
    order, reasons = submit(
        world, ((HIGH, "buy", 2), (LOW, "sell", 1), ("NVDA240112C00525000", "buy", 1)), "1"
    )
    assert reasons == ()
    world.run(1)
    assert dict(world.db.query("SELECT symbol, qty FROM positions"))[HIGH] == 2
    check_books()
    order, reasons = submit(
        world, (("NVDA240112P00500000", "buy", 1), ("NVDA240112P00515000", "sell", 1)), "1", "-0.01"
    )
    assert reasons == ()
    assert order.limit_price == Decimal("-0.01")
    world.run(1)
    ((average,),) = world.db.query(
        "SELECT filled_avg_price FROM orders WHERE client_order_id = %s", (order.client_order_id,)
    )
    assert average < 0
    check_books()


@pytest.mark.parametrize("fault", ["gateway_timeout_after", "gateway_timeout_before"])
def test_a_package_without_an_answer_is_found_or_sent_again_once(
    world: Any, venue: Any, check_books: Any, fault: str
) -> None:
    venue.fault(fault, match={"method": "POST", "path": "/v2/orders"}, count=1)
    order, _ = submit(world)
    assert order.status.value == "unknown"
    world.kill()
    world.start()
    world.run(1)
    assert len(venue.get("/v2/orders", status="all")) == 1
    world.run(1)
    assert world.db.query("SELECT status FROM orders") == [("filled",)]
    check_books()


def test_a_package_survives_a_kill_between_its_sending_and_its_fill(
    world: Any, venue: Any, check_books: Any
) -> None:
    venue.lose = lambda _: True
    order, _ = submit(world)
    world.kill()
    world.step()
    world.start()
    world.finish()
    assert world.db.query("SELECT status FROM orders") == [("filled",)]
    check_books()
    venue.lose = lambda _: False
    again, _ = submit(world, key=f"package-{world.seq - 1}")
    assert again.client_order_id == order.client_order_id
    assert len(venue.get("/v2/orders", status="all")) == 1


def test_a_resting_package_reserves_its_legs_and_is_cancelled_as_one(
    world: Any, venue: Any, check_books: Any
) -> None:
    order, _ = submit(world, net="0.01")
    world.run(1)
    views = world.engine.snapshot().open_orders
    assert {(world.registry[v.asset_id].symbol, v.side.value, v.remaining_qty) for v in views} == {
        (LOW, "buy", Decimal(2)), (HIGH, "sell", Decimal(2)),
    }  # fmt: skip
    world.commands.call(lambda engine: manual.cancel(engine, order.client_order_id, "anna"), 20)
    world.run(1)
    assert world.db.query("SELECT status FROM orders") == [("canceled",)]
    assert venue.get("/v2/orders") == []
    check_books()


def test_cancel_all_of_options_takes_packages_with_it(world: Any, venue: Any) -> None:
    submit(world, net="0.01")
    asked = world.commands.call(lambda engine: emergency.cancel_all(engine, "anna", "", HIGH), 20)
    assert len(asked) == 1
    world.run(1)
    assert venue.get("/v2/orders") == []


@pytest.mark.parametrize(
    ("legs", "text"),
    [
        (((LOW, "buy", 1),), "must have between 2 and 4 legs"),
        (((LOW, "buy", 2), (HIGH, "sell", 2)), "relatively prime"),
        (((LOW, "buy", 1), (LOW, "sell", 1)), "unique symbols"),
        (((LOW, "buy", 1), ("NVDA", "sell", 1)), "'NVDA' is not an option"),
        (((LOW, "buy", 1), ("NVDA240105C00500000", "sell", 1)), "has expired"),
    ],
)
def test_a_package_that_no_venue_takes_says_why(world: Any, legs: Any, text: str) -> None:
    with pytest.raises(RefusedError, match=text):
        submit(world, legs)
    assert world.db.query("SELECT 1 FROM orders") == []


def test_an_uncovered_package_is_refused_by_the_venue_and_leaves_no_trace(
    world: Any, check_books: Any
) -> None:
    order, _ = submit(world, ((LOW, "buy", 1), (HIGH, "sell", 2)), "1")
    assert order.status.value == "rejected"
    assert "40310000" in order.reason
    check_books()


def test_risk_refuses_a_leg_and_with_it_the_package(world: Any, venue: Any) -> None:
    order, reasons = submit(world, ((LOW, "buy", 1), ("NVDA240112C00999000", "sell", 1)))
    assert order is None
    assert reasons == ("PRICE_INVALID",)
    assert venue.get("/v2/orders", status="all") == []


def test_a_package_by_hand_is_adopted_as_one(world: Any, venue: Any, check_books: Any) -> None:
    legs = [
        {"symbol": LOW, "ratio_qty": "1", "side": "buy", "position_intent": "buy_to_open"},
        {"symbol": HIGH, "ratio_qty": "1", "side": "sell", "position_intent": "sell_to_open"},
    ]
    body = {"order_class": "mleg", "qty": "1", "type": "market", "time_in_force": "day", "legs": legs}
    venue.post("/v2/orders", body)
    world.run(2)
    rows = world.db.query("SELECT intent, status, filled_qty FROM orders")
    assert rows == [("external", "filled", Decimal(1))]
    check_books()
