"""Fills against quotes: a buy takes the ask, a sale hits the bid, sizes bound both."""

from decimal import Decimal

import pytest

from ratchet.core.exchange import OrderClass, ReplaceRequest, StopLoss
from ratchet.core.orders import TimeInForce

D = Decimal


@pytest.fixture
def desk(open_market):
    return open_market(matching="quotes")


def fills(events):
    return [(event.order.client_order_id, event.qty, event.price) for event in events if event.is_execution]


def test_a_market_order_pays_the_ask_and_receives_the_bid(desk):
    desk.submit(qty="10")
    assert fills(desk.quote("NVDA", 99.98, 100.02)) == [("order-1", 10, D("100.02"))]
    desk.submit(side="sell", qty="10")
    assert fills(desk.quote("NVDA", 99.97, 100.01)) == [("order-2", 10, D("99.97"))]


def test_only_the_size_on_offer_fills_and_the_rest_waits(desk):
    desk.submit(qty="10")
    assert fills(desk.quote("NVDA", 99, 100, ask_size=6)) == [("order-1", 6, D(100))]
    assert fills(desk.quote("NVDA", 99, 101, ask_size=6)) == [("order-1", 4, D(101))]
    assert desk.order("order-1").filled_avg_price == D("100.4")


def test_orders_share_a_size_by_price_then_time(desk):
    for limit in ("100", "101", "101"):
        desk.submit(qty="5", limit_price=limit)
    assert fills(desk.quote("NVDA", 99, 100, ask_size=12)) == [
        ("order-2", 5, D(100)), ("order-3", 5, D(100)), ("order-1", 2, D(100)),
    ]  # fmt: skip


def test_a_resting_limit_fills_at_its_own_price(desk):
    desk.submit(limit_price="98")
    assert fills(desk.quote("NVDA", 99, 100)) == []
    assert fills(desk.quote("NVDA", 97, 97.5)) == [("order-1", 10, D(98))]


def test_a_stop_is_triggered_by_the_last_trade_and_not_by_the_quote(desk):
    desk.submit(qty="10")
    desk.quote("NVDA", 99.9, 100)
    desk.submit(side="sell", stop_price="98")
    assert fills(desk.quote("NVDA", 97, 100, last=99)) == []
    assert fills(desk.quote("NVDA", 97, 98.5, last=98)) == [("order-2", 10, D(97))]


def test_without_a_trade_the_middle_triggers(desk):
    desk.submit(stop_price="102", limit_price="103")
    assert fills(desk.quote("NVDA", 101, 102.5)) == []
    assert fills(desk.quote("NVDA", 102, 104)) == []
    assert desk.order("order-1").triggered
    assert fills(desk.quote("NVDA", 102, 102.8)) == [("order-1", 10, D(103))]


def test_a_trailing_stop_follows_trades(desk):
    desk.submit(qty="10")
    desk.quote("NVDA", 100, 100)
    desk.submit(side="sell", trail_percent="5")
    for price in (102, 110, 106):
        assert fills(desk.quote("NVDA", price - 0.1, price + 0.1, last=price)) == []
    assert desk.order("order-2").stop_price == D("104.50")
    assert fills(desk.quote("NVDA", 104.4, 104.6, last=104.5)) == [("order-2", 10, D("104.4"))]


def test_a_crossed_or_one_sided_quote_fills_nothing_on_the_missing_side(desk):
    desk.submit(qty="10")
    assert fills(desk.quote("NVDA", 101, 100)) == []
    assert fills(desk.quote("NVDA", 99, 0)) == []
    assert fills(desk.quote("NVDA", 99, float("nan"))) == []
    assert fills(desk.quote("NVDA", 0, 100)) == [("order-1", 10, D(100))]


def test_immediate_orders_end_with_their_first_quote(desk):
    desk.submit(qty="10", time_in_force=TimeInForce.IOC)
    desk.submit(qty="10", time_in_force=TimeInForce.FOK)
    assert fills(desk.quote("NVDA", 99, 100, ask_size=13)) == [("order-1", 10, D(100))]
    assert desk.order("order-2").status == "canceled"


def test_a_bracket_takes_its_target_from_a_later_quote(desk):
    desk.submit(order_class=OrderClass.BRACKET, take_profit="110", stop_loss=StopLoss(D(95)))
    desk.quote("NVDA", 99.9, 100)
    assert fills(desk.quote("NVDA", 110.5, 110.6))[0][1:] == (10, D("110.5"))
    assert desk.holding() == 0
    assert not desk.exchange.open_orders()


def test_bars_only_move_marks_when_quotes_are_matched(desk):
    desk.submit(qty="10")
    assert fills(desk.bar("NVDA", 100, 101, 99, 105)) == []
    assert desk.exchange.account().equity == 100_000
    desk.submit("BTC/USDT", qty="1")
    assert fills(desk.quote("BTC/USDT", 100, 102)) == [("order-2", 1, D(102))]


def test_a_new_order_is_under_way_for_its_latency(open_market):
    desk = open_market(matching="quotes", latency_ms={"new": 1500})
    desk.submit(qty="10")
    assert fills(desk.quote("NVDA", 99, 100)) == []
    assert fills(desk.quote("NVDA", 99, 101)) == [("order-1", 10, D(101))]


def test_an_order_can_fill_while_its_cancel_is_under_way(open_market):
    desk = open_market(matching="quotes", latency_ms={"cancel": 1500})
    first, second = desk.submit(qty="10", limit_price="99"), desk.submit(qty="5", limit_price="90")
    for order in (first, second):
        assert desk.exchange.cancel(order.id, desk.ts).status == "pending_cancel"
    desk.exchange.cancel(first.id, desk.ts)
    assert [e.order.client_order_id for e in desk.quote("NVDA", 98, 98.5) if e.is_execution] == ["order-1"]
    kinds = [event.type.value for event in desk.quote("NVDA", 80, 81)]
    assert kinds == ["canceled"]
    assert desk.order("order-2").status == "canceled"


def test_a_replacement_under_way_reserves_the_larger_and_then_takes_over(open_market):
    desk = open_market(matching="quotes", latency_ms={"replace": 1500})
    old = desk.submit(qty="10", limit_price="90")
    new = desk.exchange.replace(old.id, ReplaceRequest(qty=D(20), limit_price=D(95)), desk.ts)
    assert (new.status, desk.exchange.order(old.id).status) == ("pending_new", "pending_replace")
    assert desk.exchange.account().buying_power == 100_000 - 20 * 95
    assert fills(desk.quote("NVDA", 89, 89.5, ask_size=4)) == [("order-1", 4, D("89.5"))]
    assert fills(desk.quote("NVDA", 94, 96)) == []
    assert desk.exchange.order(old.id).status == "replaced"
    carried = desk.exchange.order(new.id)
    assert (carried.status, carried.filled_qty, carried.remaining_qty) == ("partially_filled", 4, 16)
    assert desk.exchange.account().buying_power == desk.exchange.account().cash - 16 * 95


def test_a_replacement_that_comes_too_late_has_nothing_to_do(open_market):
    desk = open_market(matching="quotes", latency_ms={"replace": 1500})
    old = desk.submit(qty="10", limit_price="99")
    new = desk.exchange.replace(old.id, ReplaceRequest(qty=D(5)), desk.ts)
    assert fills(desk.quote("NVDA", 98, 98.5)) == [("order-1", 10, D("98.5"))]
    desk.quote("NVDA", 98, 98.5)
    assert desk.exchange.order(new.id).status == "canceled"
    assert not desk.exchange.open_orders()
