"""Trailing stops on candles: every asset stands at 100, ten NVDA are held (or bought), costs are zero."""

from decimal import Decimal

import pytest

from ratchet.core.exchange import OrderRejected, ReplaceRequest
from ratchet.core.orders import TimeInForce

D = Decimal

# name, side, trail, candles (open, high, low, close), the stop after each candle, (candle, price) of the fill
TABLES = [
    (
        "the stop follows the high and stays when the price falls",
        "sell",
        {"trail_price": "5"},
        [(100, 104, 99, 103), (103, 103, 100, 101), (101, 102, 98, 99)],
        ["99", "99", "99"],
        (2, "99"),
    ),
    (
        "the open moves the mark before the low is asked",
        "sell",
        {"trail_price": "5"},
        [(108, 108, 102, 107)],
        ["103"],
        (0, "103"),
    ),
    (
        "a gap through the stop fills at the open",
        "sell",
        {"trail_price": "5"},
        [(90, 92, 88, 91)],
        ["95"],
        (0, "90"),
    ),
    (
        "a close below the stop of the high proves the way back through it",
        "sell",
        {"trail_price": "5"},
        [(100, 110, 96, 104)],
        ["105"],
        (0, "105"),
    ),
    (
        "the low is taken as first when it reaches the old stop",
        "sell",
        {"trail_price": "5"},
        [(100, 120, 95, 119)],
        ["95"],
        (0, "95"),
    ),
    (
        "a percentage widens with the price",
        "sell",
        {"trail_percent": "10"},
        [(100, 120, 99, 119), (119, 120, 108, 110)],
        ["108", "108"],
        (1, "108"),
    ),
    (
        "a buy follows the low down",
        "buy",
        {"trail_price": "4"},
        [(100, 101, 92, 93), (93, 97, 92, 96)],
        ["96", "96"],
        (1, "96"),
    ),
]


@pytest.mark.parametrize(
    ("name", "side", "trail", "candles", "stops", "fill"), TABLES, ids=lambda v: str(v)[:40]
)
def test_trailing_stops(market, name, side, trail, candles, stops, fill):
    if side == "sell":
        market.submit()
        market.bar("NVDA", 100, 100, 100, 100)
        market.events.clear()
    order = market.submit(side=side, **trail)
    found = []
    for index, (candle, stop) in enumerate(zip(candles, stops, strict=True)):
        for event in market.bar("NVDA", *candle):
            if event.is_execution:
                found.append((index, event.price))
        assert market.exchange.order(order.id).stop_price == D(stop), name
    assert found == [(fill[0], D(fill[1]))]
    assert market.holding() == (0 if side == "sell" else 10)


def test_a_new_trail_keeps_the_mark(market):
    market.submit()
    market.bar("NVDA", 100, 100, 100, 100)
    order = market.submit(side="sell", trail_price="5", time_in_force=TimeInForce.GTC)
    assert (order.hwm, order.stop_price) == (100, 95)
    market.bar("NVDA", 100, 110, 106, 109)
    moved = market.exchange.replace(order.id, ReplaceRequest(trail=D(2)), market.ts)
    assert (moved.hwm, moved.trail_price, moved.stop_price) == (110, 2, 108)
    with pytest.raises(OrderRejected, match="must not have stop_price"):
        market.exchange.replace(moved.id, ReplaceRequest(stop_price=D(90)), market.ts)
    with pytest.raises(OrderRejected, match="trail must be > 0 and < 110"):
        market.exchange.replace(moved.id, ReplaceRequest(trail=D(200)), market.ts)


def test_a_trailing_stop_rests_outside_regular_hours_and_does_not_wash(market):
    market.submit()
    market.bar("NVDA", 100, 100, 100, 100)
    order = market.submit(side="sell", trail_price="5", time_in_force=TimeInForce.GTC)
    # A buy beside it would be a wash trade against a plain stop.
    market.submit(limit_price="80")
    market.bar("NVDA", 100, 101, 99, 100, hours=5)
    market.bar("NVDA", 100, 101, 50, 60, hours=2)
    assert market.exchange.order(order.id).stop_price == D(96)
    assert market.exchange.order(order.id).is_open


def test_a_trailing_buy_reserves_its_stop(open_market):
    market = open_market()
    market.submit(trail_price="10", qty="10")
    assert market.exchange.account().buying_power == D(100_000) - 10 * D(110) * D("1.025")
