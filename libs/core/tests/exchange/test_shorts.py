"""Short sales and their cover: TSLA can be borrowed, NVDA cannot; no costs, an account on margin."""

from decimal import Decimal

import pytest

from ratchet.core.exchange import AccountSettings, OrderClass, OrderRejected, ReplaceRequest, StopLoss
from ratchet.core.orders import TimeInForce

D = Decimal


@pytest.fixture
def desk(open_market):
    return open_market(margin="reg_t")


def sell_short(desk, qty="10", **fields):
    order = desk.submit("TSLA", side="sell", qty=qty, **fields)
    desk.bar("TSLA", 100, 100, 100, 100)
    return desk.exchange.order(order.id)


def test_a_short_sale_is_a_negative_position_with_its_proceeds_in_cash(desk):
    order = sell_short(desk)
    assert (order.status, order.is_closing) == ("filled", False)
    position, account = desk.exchange.position(4), desk.exchange.account()
    assert (position.qty, position.qty_available, position.market_value) == (-10, -10, -1000)
    assert (account.cash, account.equity, account.short_market_value) == (101_000, 100_000, -1000)
    # Half by Regulation T; 30 % to keep it, which is more than 5 dollars a share.
    assert (account.initial_margin, account.maintenance_margin) == (500, 300)
    desk.bar("TSLA", 110, 110, 110, 110)
    assert desk.exchange.account().equity == 99_900
    assert desk.exchange.position(4).unrealized_pnl == -100


def test_buying_back_realises_the_difference(desk):
    sell_short(desk)
    cover = desk.submit("TSLA", qty="10", limit_price="95")
    assert cover.is_closing
    assert desk.exchange.position(4).qty_available == 0
    desk.bar("TSLA", 96, 97, 94, 95)
    assert desk.holding("TSLA") == 0
    assert desk.exchange.account().cash == 100_050


def test_closing_a_short_buys(desk):
    sell_short(desk, qty="9")
    half = desk.exchange.close_position(4, desk.ts, percentage=D(50))
    assert (half.side, half.qty) == ("buy", 4)
    desk.bar("TSLA", 100, 100, 100, 100)
    assert desk.exchange.close_position(4, desk.ts).qty == 5


@pytest.mark.parametrize(
    ("fields", "code", "message"),
    [
        ({"symbol": "NVDA"}, 42210000, 'asset "NVDA" cannot be sold short'),
        ({"qty": "1.5"}, 42210000, "fractional orders cannot be sold short"),
        ({"qty": None, "notional": "500"}, 42210000, "fractional orders cannot be sold short"),
        ({"qty": "3884"}, 40310000, "insufficient buying power"),
    ],
)
def test_short_sales_that_are_refused(desk, fields, code, message):
    with pytest.raises(OrderRejected, match=message) as refusal:
        desk.submit(**{"symbol": "TSLA", "side": "sell", "qty": "10", **fields})
    assert refusal.value.code == code


def test_a_short_sale_reserves_three_per_cent_above_the_ask(desk):
    # 30 % of 10 x 103 dollars is bound, four times that in buying power.
    desk.submit("TSLA", side="sell", qty="10")
    assert desk.exchange.account().buying_power == 4 * (100_000 - D("0.3") * 10 * 103)
    desk.submit("TSLA", side="sell", qty="10", limit_price="200")
    assert desk.exchange.account().buying_power == 4 * (100_000 - D("0.3") * 1030 - D("0.3") * 2000)


def test_one_order_does_not_take_a_position_through_zero(desk):
    desk.submit("TSLA")
    desk.bar("TSLA", 100, 100, 100, 100)
    with pytest.raises(
        OrderRejected, match=r"insufficient qty available for order \(requested: 15, available: 10"
    ):
        desk.submit("TSLA", side="sell", qty="15")
    desk.exchange.close_position(4, desk.ts)
    desk.bar("TSLA", 100, 100, 100, 100)
    sell_short(desk)
    with pytest.raises(OrderRejected, match="insufficient qty") as refusal:
        desk.submit("TSLA", qty="15")
    assert refusal.value.extras["existing_qty"] == "10"


def test_long_and_short_openings_do_not_stand_side_by_side(desk):
    desk.submit("TSLA", limit_price="90")
    with pytest.raises(OrderRejected, match="cannot open a short sell while a long buy order is open"):
        desk.submit("TSLA", side="sell", limit_price="120")
    desk.exchange.cancel_all(desk.ts)
    desk.submit("TSLA", side="sell", limit_price="120")
    with pytest.raises(OrderRejected, match="cannot open a long buy while a short sell order is open"):
        desk.submit("TSLA", limit_price="90")


def test_the_owner_can_forbid_short_sales(desk):
    desk.exchange.configure(AccountSettings(no_shorting=True))
    with pytest.raises(OrderRejected, match="account is not allowed to short"):
        desk.submit("TSLA", side="sell")
    assert not desk.exchange.account().shorting_enabled


def test_a_cash_account_has_no_shorts(open_market):
    with pytest.raises(OrderRejected, match="insufficient qty"):
        open_market().submit("TSLA", side="sell")


def test_a_small_account_has_no_shorts(open_market):
    desk = open_market(margin="reg_t", starting_cash=1_900)
    with pytest.raises(OrderRejected, match="account is not allowed to short"):
        desk.submit("TSLA", side="sell", qty="1")
    assert (desk.exchange.account().multiplier, desk.exchange.account().buying_power) == (1, 1_900)


BRACKET = {"order_class": OrderClass.BRACKET, "take_profit": "90", "stop_loss": StopLoss(D(105))}


@pytest.mark.parametrize(("candle", "price"), [((98, 99, 89, 91), 90), ((98, 106, 97, 104), 105)])
def test_a_short_bracket_covers_at_its_target_or_its_stop(desk, candle, price):
    order = sell_short(desk, time_in_force=TimeInForce.GTC, **BRACKET)
    legs = [desk.exchange.order(leg) for leg in order.legs]
    assert {(leg.side.value, leg.is_closing, leg.status.value) for leg in legs} == {("buy", True, "new")}
    filled = [event for event in desk.bar("TSLA", *candle) if event.is_execution]
    assert [(event.order.side, event.price) for event in filled] == [("buy", D(price))]
    assert desk.holding("TSLA") == 0
    assert not desk.exchange.open_orders()


def test_the_stop_of_a_short_lies_above_its_entry(desk):
    with pytest.raises(OrderRejected, match=r"stop_loss.stop_price must be >= base_price \+ 0.01"):
        desk.submit("TSLA", side="sell", **{**BRACKET, "stop_loss": StopLoss(D(100))})


def test_one_cancels_other_leaves_a_short(desk):
    sell_short(desk)
    group = {
        "order_class": OrderClass.OCO,
        "limit_price": "90",
        "take_profit": "90",
        "stop_loss": StopLoss(D(105)),
    }
    desk.submit("TSLA", **group)
    desk.bar("TSLA", 100, 106, 99, 104)
    assert desk.holding("TSLA") == 0


def test_partial_fills_of_shorts_are_whole_shares(open_market):
    desk = open_market(margin="reg_t", slippage={"impact_bps_at_full_volume": 0, "max_volume_share": "0.1"})
    desk.submit("TSLA", side="sell", qty="10", time_in_force=TimeInForce.GTC)
    (event,) = [e for e in desk.bar("TSLA", 100, 100, 100, 100, 57) if e.is_execution]
    assert event.qty == 5
    assert desk.bar("TSLA", 100, 100, 100, 100, 8) == []


def test_an_exit_never_takes_a_position_beyond_flat(desk):
    # The part of the entry that has filled is sold by hand; the exits are for what is left.
    desk = desk
    order = desk.submit("TSLA", order_class=OrderClass.BRACKET, take_profit="110", stop_loss=StopLoss(D(95)),
                        time_in_force=TimeInForce.GTC)  # fmt: skip
    desk.bar("TSLA", 100, 100, 100, 100)
    stop = desk.exchange.order(order.legs[1])
    desk.exchange.replace(stop.id, ReplaceRequest(stop_price=D(96)), desk.ts)
    desk.bar("TSLA", 96, 96, 95, 95)
    assert desk.holding("TSLA") == 0
