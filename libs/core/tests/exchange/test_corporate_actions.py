"""Dividends and splits: the holder at the close before the ex-date has them."""

from datetime import date
from decimal import Decimal

import pytest

from ratchet.core.exchange import ActionKind, CorporateAction, Exchange, OrderClass, StopLoss
from ratchet.core.orders import TimeInForce

D = Decimal
DAY = 86_400 * 10**9
TSLA = 4
# Bars begin on Tuesday 2024-06-04.
WEDNESDAY, FRIDAY = date(2024, 6, 5), date(2024, 6, 7)
DIVIDEND = CorporateAction(TSLA, ActionKind.DIVIDEND, WEDNESDAY, FRIDAY, amount=D("0.5"))


def split(ratio):
    return CorporateAction(TSLA, ActionKind.SPLIT, WEDNESDAY, ratio=D(ratio))


@pytest.fixture
def market(open_market, registry):
    found = open_market(margin="reg_t", carry={"borrow_annual": 0})
    found.exchange = Exchange(registry, found.exchange.config, track_changes=True)
    found.bars({asset.symbol: (100, 100, 100, 100) for asset in registry}, hours=0)
    return found


def trade(market, side="buy", qty="10"):
    market.submit("TSLA", side=side, qty=qty)
    market.bar("TSLA", 100, 100, 100, 100)


def next_day(market, price=100):
    market.ts += DAY
    return market.bar("TSLA", price, price, price, price, hours=0)


def history(market, kind):
    rows = market.exchange.drain_changes().activities
    return [(D(row["net_amount"]), D(row["qty"])) for row in rows if row["type"] == kind]


@pytest.mark.parametrize(("side", "cash"), [("buy", 5), ("sell", -5)])
def test_a_dividend_is_owed_on_the_ex_date_and_paid_on_the_pay_date(market, side, cash):
    market.exchange.on_corporate_actions([DIVIDEND])
    trade(market, side)
    before = market.exchange.account().cash
    next_day(market)
    # Sold on the ex-date or later, it is still the holder's of the evening before.
    market.exchange.close_position(TSLA, market.ts)
    market.bar("TSLA", 100, 100, 100, 100)
    flat = market.exchange.account().cash
    next_day(market)
    assert market.exchange.account().cash == flat
    next_day(market)
    assert market.exchange.account().cash == flat + cash
    assert history(market, "DIV") == [(cash, 10 if side == "buy" else -10)]
    assert before


def test_who_buys_on_the_ex_date_has_no_dividend(market):
    market.exchange.on_corporate_actions([DIVIDEND])
    next_day(market)
    trade(market)
    for _ in range(3):
        next_day(market)
    assert market.exchange.account().equity == 100_000


def test_a_profile_without_dividends_pays_none(registry, open_market):
    market = open_market(carry={"pays_dividends": False})
    market.exchange.on_corporate_actions([DIVIDEND])
    trade(market)
    for _ in range(4):
        next_day(market)
    assert market.exchange.account().equity == 100_000


def test_a_split_multiplies_shares_and_divides_prices(market):
    market.exchange.on_corporate_actions([split(4)])
    trade(market)
    resting = market.submit(
        "TSLA", side="sell", qty="10", limit_price="120.02", time_in_force=TimeInForce.GTC
    )
    next_day(market, price=25)
    position = market.exchange.position(TSLA)
    assert (position.qty, position.avg_entry_price, position.market_value) == (40, 25, 1000)
    order = market.exchange.order(resting.id)
    assert (order.qty, order.limit_price) == (40, D("30.00"))
    assert market.exchange.account().equity == 100_000
    assert history(market, "SPLIT") == [(0, 30)]


def test_a_split_moves_the_exits_of_a_position_with_it(market):
    market.exchange.on_corporate_actions([split(2)])
    market.submit("TSLA", order_class=OrderClass.BRACKET, take_profit="110", stop_loss=StopLoss(D(95)),
                  time_in_force=TimeInForce.GTC)  # fmt: skip
    market.bar("TSLA", 100, 100, 100, 100)
    next_day(market, price=50)
    assert market.holding("TSLA") == 20
    market.bar("TSLA", 50, 50, 47, 48)
    assert market.holding("TSLA") == 0
    assert not market.exchange.open_orders()


def test_a_reverse_split_pays_for_fractions_and_cancels_what_has_become_one(market):
    market.exchange.on_corporate_actions([split("0.25")])
    trade(market, side="sell")
    resting = market.submit("TSLA", qty="10", limit_price="80", time_in_force=TimeInForce.GTC)
    next_day(market, price=400)
    assert market.holding("TSLA") == -2
    # 2.5 shares short are 2; half a share at 400 dollars is bought back.
    assert history(market, "SPLIT") == [(-200, 8)]
    assert market.exchange.order(resting.id).status == "canceled"
    assert market.exchange.account().equity == 100_000


def test_a_trailing_stop_keeps_its_distance_through_a_split(market):
    market.exchange.on_corporate_actions([split(2)])
    trade(market)
    order = market.submit("TSLA", side="sell", trail_price="10", time_in_force=TimeInForce.GTC)
    next_day(market, price=50)
    moved = market.exchange.order(order.id)
    assert (moved.hwm, moved.trail_price, moved.stop_price, moved.is_open) == (50, 5, 45, True)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": ActionKind.DIVIDEND}, "amount 0 of a dividend"),
        ({"kind": ActionKind.SPLIT, "ratio": D(0)}, "ratio 0 of a split"),
        ({"kind": ActionKind.DIVIDEND, "amount": D(1), "pay_date": date(2024, 1, 1)}, "pay_date 2024-01-01"),
    ],
)
def test_what_cannot_be_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        CorporateAction(TSLA, ex_date=WEDNESDAY, **fields)
