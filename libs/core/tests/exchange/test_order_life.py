"""Cancel, replace, expire, groups: what becomes of orders that do not simply fill."""

from decimal import Decimal

import pytest

from ratchet.core.exchange import EventType, OrderClass, OrderRejected, ReplaceRequest, StopLoss
from ratchet.core.orders import TimeInForce

D = Decimal
HOUR = 3_600_000_000_000
BRACKET = {"order_class": OrderClass.BRACKET, "take_profit": "110", "stop_loss": StopLoss(D(95))}


def kinds(events):
    return [(event.type.value, event.order.client_order_id) for event in events]


def legs(market, order):
    return [market.exchange.order(leg) for leg in market.exchange.order(order.id).legs]


def test_an_order_is_announced_and_never_fills_on_a_bar_that_began_before_it(market):
    # Half way through a bar: its open was half an hour ago, so only the next bar's can be had.
    market.ts += HOUR // 2
    order = market.submit()
    assert kinds(market.exchange.drain_events()) == [("new", "order-1")]
    market.ts -= HOUR // 2
    assert market.bar("NVDA", 100, 101, 99, 100) == []
    events = market.bar("NVDA", 101, 102, 100, 101)
    assert kinds(events) == [("fill", "order-1")]
    assert events[0].order.filled_avg_price == D(101)
    assert events[0].position_qty == D(10)
    assert market.order("order-1").id == order.id


def test_executions_have_stable_ids(open_market):
    ids = []
    for _ in range(2):
        market = open_market()
        market.submit()
        ids.append(market.bar("NVDA", 100, 101, 99, 100)[-1].execution_id)
    assert ids[0] == ids[1] != ""


def test_a_cancel_can_be_repeated_but_not_after_a_fill(market):
    exchange = market.exchange
    order = market.submit(limit_price="90")
    assert exchange.cancel(order.id, market.ts).status == "canceled"
    assert exchange.cancel(order.id, market.ts).status == "canceled"
    assert kinds(exchange.drain_events()) == [("new", "order-1"), ("canceled", "order-1")]
    filled = market.submit()
    market.bar("NVDA", 100, 101, 99, 100)
    with pytest.raises(OrderRejected, match='order is already in "filled" state') as refusal:
        exchange.cancel(filled.id, market.ts)
    assert (refusal.value.http_status, refusal.value.code) == (422, 42210000)
    with pytest.raises(OrderRejected, match="order not found for nothing") as refusal:
        exchange.cancel("nothing", market.ts)
    assert refusal.value.http_status == 404


def test_immediate_or_cancel_takes_what_the_next_bar_gives(open_market):
    market = open_market(slippage={"impact_bps_at_full_volume": 0, "max_volume_share": "0.1"})
    market.submit("BTC/USDT", qty="6", time_in_force=TimeInForce.IOC)
    market.submit("BTC/USDT", qty="1", limit_price="90", time_in_force=TimeInForce.IOC)
    events = market.bar("BTC/USDT", 100, 101, 99, 100, 40)
    assert kinds(events)[2:] == [
        ("partial_fill", "order-1"),
        ("canceled", "order-1"),
        ("canceled", "order-2"),
    ]
    assert market.holding("BTC/USDT") == 4


def test_a_day_order_expires_at_the_close_of_its_session(market):
    market.submit(limit_price="90")
    for _ in range(5):
        assert "expired" not in dict(kinds(market.bar("NVDA", 100, 101, 99, 100)))
    # 20:00 UTC is the close; the last bar of the day is cut there and still counts.
    market.ts -= HOUR // 2
    assert kinds(market.bar("NVDA", 100, 101, 99, 100)) == [("expired", "order-1")]
    assert market.order("order-1").expired_ts == market.ts
    assert market.exchange.account().buying_power == D(100_000)


def test_an_order_after_the_close_is_accepted_and_works_in_the_next_session(market):
    market.bar("NVDA", 100, 101, 99, 100, hours=6)
    assert market.submit().status == "accepted"
    with pytest.raises(OrderRejected, match="cannot replace order in accepted status"):
        market.exchange.replace(market.order("order-1").id, ReplaceRequest(qty=D(5)), market.ts)
    assert kinds(market.bar("BTC/USDT", 1, 1, 1, 1, hours=10)) == [("accepted", "order-1")]
    assert kinds(market.bar("NVDA", 100, 101, 99, 100, hours=8)) == [("new", "order-1"), ("fill", "order-1")]


def test_a_day_order_meets_the_daily_bar_that_is_stamped_at_midnight(market):
    # Daily bar of Tuesday, stamped Wednesday 00:00; hourly crypto steps go on in between.
    market.ts += 9 * HOUR + HOUR // 2
    market.bars({"NVDA": (100, 101, 99, 100)}, hours=0, timeframe="1d")
    market.submit()
    for _ in range(23):
        market.bar("BTC/USDT", 100, 100, 100, 100)
    events = market.bars({"NVDA": (102, 103, 101, 102)}, timeframe="1d")
    assert [(event.type, event.price) for event in events if event.is_execution] == [(EventType.FILL, D(102))]


def test_a_day_order_expires_without_bars_of_its_asset_too(market):
    market.submit(limit_price="90")
    found = []
    for _ in range(8):
        found += kinds(market.bar("BTC/USDT", 100, 100, 100, 100))
    assert found == [("new", "order-1"), ("expired", "order-1")]


def test_good_till_canceled_ends_after_ninety_days(market):
    market.submit("BTC/USDT", qty="1", limit_price="90")
    market.bar("BTC/USDT", 100, 100, 100, 100, hours=24 * 90 - 1)
    assert market.order("order-1").is_open
    market.bar("BTC/USDT", 100, 100, 100, 100)
    assert market.order("order-1").status == "expired"


def test_replace_makes_a_new_order_and_ends_the_old(market):
    old = market.submit(limit_price="90")
    new = market.exchange.replace(old.id, ReplaceRequest(qty=D(20), limit_price=D(95)), market.ts)
    assert (new.replaces, market.exchange.order(old.id).replaced_by) == (old.id, new.id)
    assert market.exchange.order(old.id).status == "replaced"
    assert market.exchange.account().buying_power == D(100_000) - 20 * 95
    market.bar("NVDA", 100, 101, 94, 95)
    assert market.exchange.order(new.id).filled_avg_price == D(95)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (ReplaceRequest(), "order parameters are not changed"),
        (ReplaceRequest(limit_price=D(90)), "order parameters are not changed"),
        (ReplaceRequest(limit_price=D("90.001")), "sub-penny"),
        (ReplaceRequest(qty=D(0)), "qty must be > filled_qty"),
        (ReplaceRequest(qty=D(5000)), "insufficient buying power"),
        (ReplaceRequest(qty=D(11), client_order_id="order-1"), "client_order_id must be unique"),
    ],
)
def test_replacements_that_are_refused(market, change, message):
    order = market.submit(limit_price="90")
    before = market.exchange.snapshot()
    with pytest.raises(OrderRejected, match=message):
        market.exchange.replace(order.id, change, market.ts)
    assert market.exchange.snapshot() == before


def test_legs_are_held_until_the_entry_is_filled(market):
    order = market.submit(limit_price="98", **BRACKET)
    assert [leg.status for leg in legs(market, order)] == ["held", "held"]
    assert kinds(market.exchange.drain_events()) == [("new", "order-1")]
    market.bar("NVDA", 100, 101, 99, 100)
    assert [leg.status for leg in legs(market, order)] == ["held", "held"]
    events = market.bar("NVDA", 98, 101, 97.5, 100)
    assert [event.type.value for event in events] == ["fill", "new", "new"]
    assert [(leg.type.value, leg.qty) for leg in legs(market, order)] == [("limit", 10), ("stop", 10)]


def test_canceling_an_entry_cancels_its_legs(market):
    order = market.submit(limit_price="98", **BRACKET)
    market.exchange.cancel(order.id, market.ts)
    assert [leg.status for leg in legs(market, order)] == ["canceled", "canceled"]
    assert not market.exchange.open_orders()


def test_canceling_one_leg_cancels_the_other_and_frees_the_position(market):
    order = market.submit(**BRACKET)
    market.bar("NVDA", 100, 101, 99, 100)
    target, stop = legs(market, order)
    market.exchange.cancel(target.id, market.ts)
    assert market.exchange.order(stop.id).status == "canceled"
    assert market.exchange.position(1).qty_available == 10


def test_a_partly_filled_target_shrinks_the_stop(open_market):
    market = open_market(slippage={"impact_bps_at_full_volume": 0, "max_volume_share": "0.1"})
    order = market.submit(time_in_force=TimeInForce.GTC, **BRACKET)
    market.bar("NVDA", 100, 101, 99, 100)
    market.bar("NVDA", 108, 111, 107, 110, 40)
    target, stop = legs(market, order)
    assert (target.filled_qty, stop.qty, market.holding()) == (4, 6, 6)
    market.bar("NVDA", 96, 97, 94, 95)
    target, stop = legs(market, order)
    assert (target.status, stop.filled_qty, market.holding()) == ("canceled", 6, 0)


def test_a_triggered_stop_works_on_as_a_market_order(open_market):
    market = open_market(slippage={"impact_bps_at_full_volume": 0, "max_volume_share": "0.1"})
    market.submit(time_in_force=TimeInForce.GTC, **BRACKET)
    market.bar("NVDA", 100, 101, 99, 100)
    market.bar("NVDA", 96, 97, 94, 97, 40)
    events = market.bar("NVDA", 99, 112, 98, 111)
    assert [(event.qty, event.price) for event in events if event.is_execution] == [(6, 99)]
    assert market.holding() == 0


def test_moving_the_stop_keeps_the_group_together(market):
    order = market.submit(time_in_force=TimeInForce.GTC, **BRACKET)
    market.bar("NVDA", 100, 101, 99, 100)
    target, stop = legs(market, order)
    moved = market.exchange.replace(stop.id, ReplaceRequest(stop_price=D(98)), market.ts)
    assert market.exchange.position(1).qty_available == 0
    assert market.exchange.order(order.id).legs == (target.id, moved.id)
    market.bar("NVDA", 100, 101, 97, 98)
    assert market.exchange.order(moved.id).filled_avg_price == D(98)
    assert market.exchange.order(target.id).status == "canceled"


def test_one_cancels_other_for_a_position_that_is_held(market):
    market.submit()
    market.bar("NVDA", 100, 101, 99, 100)
    group = {
        "order_class": OrderClass.OCO,
        "limit_price": "110",
        "take_profit": "110",
        "stop_loss": StopLoss(D(95)),
    }
    order = market.submit(side="sell", **group)
    (stop,) = legs(market, order)
    assert (order.status, stop.status, market.exchange.position(1).qty_available) == ("new", "new", 0)
    market.bar("NVDA", 100, 111, 99, 110)
    assert market.exchange.order(order.id).filled_avg_price == D(110)
    assert market.exchange.order(stop.id).status == "canceled"


def test_one_triggers_other(market):
    order = market.submit(order_class=OrderClass.OTO, stop_loss=StopLoss(D(95)))
    market.bar("NVDA", 100, 101, 99, 100)
    market.bar("NVDA", 96, 97, 94, 95)
    assert [leg.status for leg in legs(market, order)] == ["filled"]
    assert market.holding() == 0


def test_notional_orders_become_quantities_at_their_first_match(open_market):
    market = open_market(free=False, margin="cash")
    market.submit(qty=None, notional="1000")
    assert market.exchange.account().buying_power == D(99_000)
    (event,) = [event for event in market.bar("NVDA", 333, 334, 332, 333, 1e9) if event.is_execution]
    assert event.qty == (D(1000) / event.price).quantize(D("1E-9"), "ROUND_DOWN")
    market.submit(side="sell", qty=None, notional="500")
    market.bar("NVDA", 333, 334, 332, 333, 1e9)
    assert 0 < market.holding() < event.qty


def test_close_position(market):
    exchange = market.exchange
    with pytest.raises(OrderRejected, match="position does not exist") as refusal:
        exchange.close_position(1, market.ts)
    assert refusal.value.http_status == 404
    market.submit()
    market.bar("NVDA", 100, 101, 99, 100)
    assert exchange.close_position(1, market.ts, percentage=D(30)).qty == 3
    market.bar("NVDA", 100, 101, 99, 100)
    assert exchange.close_position(1, market.ts, qty=D(2)).qty == 2
    market.bar("NVDA", 100, 101, 99, 100)
    exchange.close_position(1, market.ts)
    market.bar("NVDA", 100, 101, 99, 100)
    assert exchange.positions() == []
    assert exchange.account().equity == D(100_000)


def test_cancel_all_ends_groups_too(market):
    market.submit("BTC/USDT", qty="1", limit_price="90")
    market.submit(limit_price="98", **BRACKET)
    ended = market.exchange.cancel_all(market.ts)
    assert {order.status for order in ended} == {"canceled"}
    assert len(ended) == 4
    assert market.exchange.open_orders() == []
    assert market.exchange.account().buying_power == D(100_000)
