"""Auctions, fill-or-kill and extended hours: when an order may trade, and at which print.

2024-06-04 was a Tuesday; New York is four hours behind UTC, so regular hours are 13:30 to 20:00 UTC.
"""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from ratchet.core.exchange import AccountSettings, OrderRejected
from ratchet.core.orders import TimeInForce

D = Decimal


def at(text):
    return int(datetime.fromisoformat(f"2024-06-{text}").replace(tzinfo=UTC).timestamp()) * 10**9


def fills(events):
    return [(event.qty, event.price) for event in events if event.is_execution]


def bar_until(market, text, *ohlcv, timeframe="1h"):
    market.ts = at(text)
    return market.bars({"NVDA": ohlcv}, hours=0, timeframe=timeframe)


def test_an_opening_order_takes_the_opening_print(market):
    market.ts = at("05 12:00")
    order = market.submit(time_in_force=TimeInForce.OPG)
    assert order.status == "accepted"
    # The bar before the open is not its auction, whatever its price.
    assert fills(bar_until(market, "05 13:30", 80, 80, 80, 80)) == []
    assert fills(bar_until(market, "05 14:30", 101, 103, 99, 102)) == [(10, 101)]


def test_an_opening_limit_that_the_print_misses_is_canceled(market):
    market.ts = at("05 12:00")
    order = market.submit(time_in_force=TimeInForce.OPG, limit_price="100")
    bar_until(market, "05 13:30", 100, 100, 100, 100)
    bar_until(market, "05 14:30", 101, 103, 90, 102)
    assert market.exchange.order(order.id).status == "canceled"


def test_a_closing_order_takes_the_closing_print_of_its_day(market):
    order = market.submit(time_in_force=TimeInForce.CLS)
    assert fills(bar_until(market, "04 15:30", 90, 90, 90, 90)) == []
    # Placed within the last bar, but before the cut-off: the close still lies ahead.
    market.ts = at("04 19:40")
    market.submit(time_in_force=TimeInForce.CLS, qty="5")
    assert fills(bar_until(market, "04 20:00", 100, 104, 99, 103)) == [(10, 103), (5, 103)]
    assert market.exchange.order(order.id).status == "filled"


def test_a_daily_bar_has_both_auctions(market):
    market.ts = at("04 23:30")
    market.submit(time_in_force=TimeInForce.OPG)
    market.submit(time_in_force=TimeInForce.CLS, qty="3")
    assert fills(bar_until(market, "05 20:00", 101, 105, 99, 104, timeframe="1d")) == [(10, 101), (3, 104)]


def test_an_auction_without_a_print_lets_the_order_expire(market):
    order = market.submit(time_in_force=TimeInForce.CLS)
    market.ts = at("04 22:00")
    market.bars({"BTC/USDT": (100, 100, 100, 100)}, hours=0)
    assert market.exchange.order(order.id).status == "expired"


@pytest.mark.parametrize(
    ("tif", "time", "refused"),
    [
        ("opg", "05 13:27", False),
        ("opg", "05 13:28", True),
        ("opg", "05 22:59", True),
        ("opg", "05 23:00", False),
        ("opg", "08 15:00", False),
        ("cls", "05 19:49", False),
        ("cls", "05 19:50", True),
        ("cls", "05 22:59", True),
        ("cls", "05 23:00", False),
    ],
)
def test_auction_orders_are_refused_from_the_cut_off_to_seven_in_the_evening(market, tif, time, refused):
    market.ts = at(time)
    if not refused:
        assert market.submit(time_in_force=TimeInForce(tif)).status == "accepted"
        return
    with pytest.raises(OrderRejected, match="are not accepted between") as refusal:
        market.submit(time_in_force=TimeInForce(tif))
    assert refusal.value.code == 42210000


def test_the_cut_off_before_a_short_day_comes_earlier(market):
    # 2024-07-03 closed at 13:00 New York time.
    market.ts = at("28 15:00") + 5 * 86_400 * 10**9 + 110 * 60 * 10**9
    with pytest.raises(OrderRejected, match="between 12:50 and 19:00"):
        market.submit(time_in_force=TimeInForce.CLS)


def test_fill_or_kill_takes_all_or_nothing(open_market):
    market = open_market(slippage={"impact_bps_at_full_volume": 0, "max_volume_share": "0.1"})
    small = market.submit(qty="4", time_in_force=TimeInForce.FOK)
    large = market.submit(qty="7", time_in_force=TimeInForce.FOK)
    dear = market.submit(qty="1", limit_price="90", time_in_force=TimeInForce.FOK)
    assert fills(market.bar("NVDA", 100, 101, 99, 100, 100)) == [(4, 100)]
    states = [market.exchange.order(order.id).status for order in (small, large, dear)]
    assert states == ["filled", "canceled", "canceled"]


def test_only_extended_orders_trade_outside_regular_hours(market):
    market.ts = at("05 10:00")
    waiting = market.submit(limit_price="101", qty="1")
    early = market.submit(limit_price="101", extended_hours=True)
    assert (waiting.status, early.status) == ("accepted", "new")
    assert fills(bar_until(market, "05 11:00", 99, 100, 98, 99)) == [(10, 99)]
    assert fills(bar_until(market, "05 14:30", 100, 101, 99, 100)) == [(1, 100)]


def test_an_extended_day_order_lasts_until_eight_in_the_evening(market):
    order = market.submit(limit_price="90", extended_hours=True)
    assert order.expires_ts == at("05 00:00")
    bar_until(market, "04 23:00", 100, 100, 100, 100)
    assert market.exchange.order(order.id).is_open
    bar_until(market, "05 00:00", 100, 100, 100, 100)
    assert market.exchange.order(order.id).status == "expired"
    overnight = market.submit(limit_price="90", extended_hours=True)
    assert overnight.expires_ts == at("06 00:00")


@pytest.mark.parametrize(
    ("time", "fills_overnight"), [("05 05:00", False), ("05 09:00", True), ("04 22:00", True)]
)
def test_the_overnight_session_can_be_switched_off(market, time, fills_overnight):
    market.exchange.configure(AccountSettings(disable_overnight_trading=True))
    market.ts = at(time)
    market.submit(limit_price="101", extended_hours=True)
    market.ts += 3_600 * 10**9
    found = fills(market.bars({"NVDA": (100, 100, 100, 100)}, hours=0))
    assert found == ([(10, 100)] if fills_overnight else [])


def test_auctions_on_quotes_take_the_first_trade_from_the_auction_on(open_market):
    desk = open_market(matching="quotes")
    desk.ts = at("05 12:00")
    desk.submit(time_in_force=TimeInForce.OPG)
    desk.submit(time_in_force=TimeInForce.CLS, limit_price="90")
    assert fills(desk.quote("NVDA", 99, 101, last=95)) == []
    desk.ts = at("05 13:30")
    assert fills(desk.quote("NVDA", 99, 101, last=100.5)) == [(10, D("100.5"))]
    desk.ts = at("05 20:00")
    assert fills(desk.quote("NVDA", 99, 101, last=100)) == []
    assert desk.order("order-2").status == "canceled"
