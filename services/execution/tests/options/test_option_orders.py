"""Orders in one option contract, from the ticket to the venue's books."""

from decimal import Decimal
from typing import Any

import pytest

from ratchet.core.orders import OrderType, Side, TimeInForce
from ratchet.execution.operators import emergency, manual

pytestmark = pytest.mark.integration

CALL = "NVDA240112C00520000"


def submit(world: Any, symbol: str = CALL, side: str = "buy", qty: str = "2", **fields: Any) -> Any:
    key = fields.pop("key", f"{symbol}-{side}-{world.seq}")
    ticket = manual.Ticket(symbol, Side(side), Decimal(qty), "anna", key, **fields)
    return world.commands.call(lambda engine: manual.submit(engine, ticket, is_live=False), 20)


def test_a_call_is_bought_and_the_books_are_the_venues(world: Any, venue: Any, check_books: Any) -> None:
    done = submit(world)
    assert done.reasons == ()
    assert done.order.status.value == "accepted"
    world.run(1)
    rows = world.db.query("SELECT symbol, asset_class, status, filled_qty, filled_avg_price FROM orders")
    ((symbol, kind, status, filled, price),) = rows
    assert (symbol, kind, status, filled) == (CALL, "option", "filled", Decimal(2))
    (row,) = venue.get("/v2/positions")
    assert Decimal(row["avg_entry_price"]) == price
    check_books()
    (view,) = world.engine.session.portfolio.views()
    assert (view.avg_entry_price, view.mark) == (price, float(row["current_price"]))
    assert abs(world.engine.session.portfolio.equity - Decimal(venue.get("/v2/account")["equity"])) < 1
    ((paid,),) = world.db.query("SELECT sum(amount) FROM cash_ledger WHERE kind = 'trade'")
    assert paid == -2 * 100 * price


def test_a_sale_closes_and_its_profit_is_money(world: Any, venue: Any, check_books: Any) -> None:
    submit(world, qty="1")
    world.run(2)
    assert submit(world, side="sell", qty="1").reasons == ()
    world.run(1)
    check_books()
    assert world.engine.session.portfolio.positions == {}
    rows = world.db.query("SELECT price, fee FROM fills ORDER BY ts")
    (bought, fee), (sold, other) = rows
    ((realized,),) = world.db.query("SELECT realized_pnl FROM positions")
    assert realized == (sold - bought) * 100 - fee - other
    assert sold > bought


def test_a_sale_of_more_than_is_held_is_refused_by_code(world: Any) -> None:
    submit(world, qty="1")
    world.run(1)
    assert submit(world, side="sell", qty="2").reasons == ("REDUCE_ONLY_EXCEEDED",)


def test_contracts_survive_a_restart(world: Any, check_books: Any) -> None:
    submit(world, qty="1")
    world.run(2)
    before = world.engine.session.portfolio.state()
    world.kill()
    world.start()
    world.run(1)
    check_books()
    after = world.engine.session.portfolio.state()
    assert after["positions"] == before["positions"]
    assert world.reconciler.report.ok


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"type": OrderType.STOP, "stop_price": Decimal(5)}, "ORDER_TYPE_UNSUPPORTED"),
        ({"type": OrderType.LIMIT, "limit_price": Decimal(5), "time_in_force": TimeInForce.GTC},
         "TIF_UNSUPPORTED"),
        ({"symbol": "NVDA240112C00999000"}, "PRICE_INVALID"),
    ],
)  # fmt: skip
def test_what_no_venue_takes_is_denied_by_code(world: Any, fields: dict[str, Any], code: str) -> None:
    done = submit(world, **fields)
    assert code in done.reasons
    assert world.db.query("SELECT 1 FROM orders") == []


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"qty": "1.5"}, "not a multiple of 1"),
        ({"symbol": "NVDA240105C00500000"}, "has expired"),
        ({"symbol": "XXXX240112C00500000"}, "is not registered"),
    ],
)
def test_what_cannot_be_ordered_says_why(world: Any, fields: dict[str, Any], text: str) -> None:
    with pytest.raises(manual.RefusedError, match=text):
        submit(world, **fields)


def test_greeks_and_the_premium_times_its_multiplier_stand_behind_the_verdict(world: Any) -> None:
    submit(world, qty="1")
    ((figures, qty, price),) = world.db.query("SELECT figures, qty, price FROM risk_decisions")
    assert figures["notional"] == pytest.approx(100 * price * float(qty))
    assert figures["qty_greeks_limit"] > 1
    asset_id = world.registry.by_symbol(CALL).id
    view = world.engine.session.inputs.contract(asset_id)
    # A call out of the money: less than half of the shares' move, decaying, gaining with volatility.
    assert 0 < view.greeks.delta < 50 * world.engine.session.portfolio.mark_of(view.underlying_id)[0]
    assert view.greeks.theta < 0 < view.greeks.vega


def test_an_order_without_an_answer_is_found_by_its_client_id(
    world: Any, venue: Any, check_books: Any
) -> None:
    venue.fault("gateway_timeout_after", match={"method": "POST", "path": "/v2/orders"}, count=1)
    done = submit(world, qty="1")
    assert done.order.status.value == "unknown"
    world.run(1)
    ((status,),) = world.db.query("SELECT status FROM orders")
    assert status == "filled"
    assert len(venue.get("/v2/orders", status="all")) == 1
    check_books()


def test_the_venues_refusal_is_recorded_with_its_words(world: Any) -> None:
    done = submit(world, side="sell", qty="1")
    assert done.order.status.value == "rejected"
    assert "40310000" in done.order.reason


def test_a_resting_limit_is_cancelled_and_flatten_closes_what_is_held(
    world: Any, venue: Any, check_books: Any
) -> None:
    submit(world, qty="1")
    resting = submit(
        world, symbol="NVDA240112P00510000", qty="1", type=OrderType.LIMIT, limit_price=Decimal("0.05")
    ).order
    world.run(1)
    asked = world.commands.call(lambda engine: emergency.cancel_all(engine, "anna", "", "option"), 20)
    assert [order.client_order_id for order in asked] == [resting.client_order_id]
    made = world.commands.call(
        lambda engine: emergency.flatten(engine, "", "anna", "storm", is_live=False), 20
    )
    assert [(order.side, order.qty) for order in made] == [(Side.SELL, Decimal(1))]
    world.run(1)
    check_books()
    assert world.engine.session.portfolio.positions == {}
