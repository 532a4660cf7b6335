"""Sums that can be checked by hand; each table names where its arithmetic is from."""

from decimal import Decimal

import pytest

from ratchet.core.fx import FinancingRates

D = Decimal

# P/L = units x (close - open) in the quote currency, / rate of the quote currency against the dollar.
# (CFTC "Foreign Currency Trading" primer and any broker's pip calculator: 10,000 EUR/USD x 1 pip = 1 USD;
# 100,000 USD/JPY x 1 pip at 150 = 1,000 JPY = 6.67 USD.)
PROFITS = [
    ("EUR_USD", 10_000, 1.1000, 1.1001, "1.0000"),
    ("EUR_USD", 10_000, 1.1000, 1.1050, "50.0000"),
    ("EUR_USD", -10_000, 1.1000, 1.1050, "-50.0000"),
    ("USD_JPY", 100_000, 150.00, 150.01, "6.6662"),  # 1,000 JPY / 150.01
    ("USD_JPY", -10_000, 150.0, 149.0, "67.1141"),  # 10,000 JPY / 149
    ("GBP_JPY", 10_000, 190.0, 191.5, "100.0000"),  # 15,000 JPY / 150
    ("XAG_USD", 100, 30.0, 30.5, "50.0000"),
    ("NATGAS_USD", 1_000, 2.5, 2.46, "-40.0000"),
]


@pytest.mark.parametrize(("instrument", "units", "opened", "closed", "pl"), PROFITS)
def test_profit_is_converted_to_dollars(desk, instrument, units, opened, closed, pl):
    desk.buy(units, instrument, opened)
    desk.buy(-units, instrument, closed)
    fill = desk.of("ORDER_FILL")[-1].body
    assert fill["pl"] == pl
    assert desk.balance == D(100_000) + D(pl)
    assert fill["accountBalance"] == f"{desk.balance:f}"


# Margin = units x rate x margin rate in dollars (NFA: 2 % of notional for major pairs).
MARGINS = [
    ("EUR_USD", 10_000, 1.1, "220.0000"),  # 11,000 USD x 2 %
    ("EUR_USD", -10_000, 1.1, "220.0000"),
    ("USD_JPY", 10_000, 150.0, "500.0000"),  # 10,000 USD x 5 %, whatever the rate
    ("GBP_JPY", 10_000, 190.0, "633.3333"),  # 1,900,000 JPY / 150 x 5 %
    ("XAG_USD", 100, 30.0, "300.0000"),
]


@pytest.mark.parametrize(("instrument", "units", "price", "margin"), MARGINS)
def test_margin_used_is_a_share_of_the_position(desk, instrument, units, price, margin):
    desk.buy(units, instrument, price)
    value = desk.exchange.value()
    assert value.margin_used == D(margin)
    assert value.margin_available == D(100_000) - D(margin)
    assert desk.of("ORDER_FILL")[-1].body["tradeOpened"]["initialMarginRequired"] == margin


# Financing = position value x yearly rate x days / 365; value 11,000 USD.
FINANCING = [(0, 1, "-0.7534"), (1, 3, "-2.2603"), (2, 1, "-0.7534")]  # Tuesday, Wednesday, Thursday


@pytest.mark.parametrize(("days_later", "charged", "amount"), FINANCING)
def test_financing_is_charged_at_five_in_new_york_and_thrice_on_wednesday(desk, days_later, charged, amount):
    desk.ts += days_later * 24 * 3_600_000_000_000
    desk.buy(10_000, price=1.1)
    while not desk.of("DAILY_FINANCING"):
        desk.bar(EUR_USD=1.1)
    entry = desk.of("DAILY_FINANCING")[0]
    assert entry.ts == 1_717_534_800_000_000_000 + days_later * 86_400_000_000_000  # 21:00 UTC
    assert entry.body["financing"] == amount
    assert entry.body["positionFinancings"][0]["openTradeFinancings"][0]["financing"] == amount
    assert desk.balance == D(100_000) + D(amount)
    assert D(amount) == (D(11_000) * D("-0.025") * charged / 365).quantize(D("0.0001"))


def test_each_side_has_its_own_rate_and_a_short_may_earn(make_desk):
    desk = make_desk(financing={"USD_JPY": FinancingRates(long=D("0.04"), short=D("-0.06"))})
    desk.buy(10_000, "USD_JPY", 150.0)
    while not desk.of("DAILY_FINANCING"):
        desk.bar(USD_JPY=150.0)
    assert desk.of("DAILY_FINANCING")[0].body["financing"] == "1.0959"  # 10,000 x 4 % / 365


def test_gains_and_losses_are_converted_at_their_own_rates(make_desk):
    desk = make_desk(conversion_charge_ratio="0.005")
    desk.buy(10_000, "USD_JPY", 150.0)
    desk.buy(-10_000, "USD_JPY", 153.0)
    desk.buy(10_000, "USD_JPY", 153.0)
    desk.buy(-10_000, "USD_JPY", 150.0)
    gain, loss = (D(entry.body["pl"]) for entry in desk.of("ORDER_FILL")[1::2])
    assert gain == D("195.0980")  # 30,000 / 153 x 0.995
    assert loss == D("-201.0000")  # 30,000 / 150 x 1.005


def test_the_spread_is_paid_once_in_and_out(make_desk):
    desk = make_desk(spread_pips={"EUR_USD": 2})
    desk.buy(100_000, price=1.1)
    assert desk.of("ORDER_FILL")[0].body["price"] == "1.10010"
    assert desk.exchange.value().unrealized_pl == D("-20.0000")  # 2 pips x 10 USD
    assert desk.of("ORDER_FILL")[0].body["halfSpreadCost"] == "10.0000"
    desk.buy(-100_000, price=1.1)
    assert desk.balance == D("99980.0000")


def test_positions_are_closed_when_nav_falls_below_half_the_margin(make_desk):
    desk = make_desk(starting_balance=1_000)
    desk.buy(40_000, price=1.1)  # margin 880
    desk.bar(EUR_USD=1.0861)  # NAV 1,000 - 556 = 444 > 434.44 = half of 868.88
    value = desk.exchange.value()
    assert (value.nav, value.margin_used) == (D("444.0000"), D("868.8800"))
    assert desk.of("MARGIN_CALL_ENTER")
    desk.bar(EUR_USD=1.0858)  # NAV 432 < 434.32
    closing = desk.of("MARKET_ORDER")[-1]
    assert closing.body["marginCloseout"] == {"reason": "MARGIN_CHECK_VIOLATION"}
    assert desk.of("ORDER_FILL")[-1].body["reason"] == "MARKET_ORDER_MARGIN_CLOSEOUT"
    assert desk.balance == D("432.0000")
    assert not desk.exchange.open_trades()
    assert desk.log[-1].type == "MARGIN_CALL_EXIT"


def test_a_gap_is_closed_out_at_the_open_and_not_at_the_close(make_desk):
    desk = make_desk(starting_balance=1_000)
    desk.buy(40_000, price=1.1)
    desk.bar(EUR_USD=(1.08, 1.12, 1.08, 1.12))
    assert desk.of("ORDER_FILL")[-1].body["price"] == "1.08000"
    assert desk.balance == D("200.0000")
