"""Buying power, day trades, calls, liquidation and carry, under the rule of the day."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from ratchet.core.exchange import AccountSettings, OrderRejected
from ratchet.core.exchange.carry import days_charged

D = Decimal
DAY = 86_400 * 10**9
NEW_RULE = int(datetime(2026, 6, 8, 14, 30, tzinfo=UTC).timestamp()) * 10**9


def on_margin(open_market, start=None, **config):
    market = open_market(margin="reg_t", **config)
    if start is not None:
        market.ts = start
        market.bars({asset.symbol: (100, 100, 100, 100) for asset in market.registry}, hours=0)
    return market


def buy(market, symbol, qty, price=100):
    market.submit(symbol, qty=str(qty))
    quarter(market, symbol, price)


def quarter(market, symbol, price=100):
    market.ts += DAY // 96
    return market.bar(symbol, price, price, price, price, hours=0, timeframe="15m")


def next_session(market, symbol="TSLA", price=100):
    """Move to 10:30 in New York on the next weekday."""
    moved = market.ts + DAY
    while datetime.fromtimestamp(moved / 1e9, UTC).weekday() >= 5:
        moved += DAY
    market.ts = moved - moved % DAY + 14 * 3_600 * 10**9 + 1_800 * 10**9
    return market.bar(symbol, price, price, price, price, hours=0)


def test_an_account_begins_with_four_times_its_equity(open_market):
    account = on_margin(open_market).exchange.account()
    assert (account.multiplier, account.buying_power, account.regt_buying_power) == (4, 400_000, 200_000)
    assert account.non_marginable_buying_power == account.cash == 100_000
    assert (account.pattern_day_trader, account.daytrade_count, account.daytrading_buying_power) == (
        False, 0, 400_000,
    )  # fmt: skip


def test_a_position_binds_a_quarter_by_day_half_by_night_and_thirty_per_cent_to_keep(open_market):
    market = on_margin(open_market)
    buy(market, "TSLA", 2000)
    account = market.exchange.account()
    assert (account.cash, account.equity, account.long_market_value) == (-100_000, 100_000, 200_000)
    assert (account.initial_margin, account.maintenance_margin) == (100_000, 60_000)
    assert (account.buying_power, account.regt_buying_power) == (200_000, 0)
    assert account.non_marginable_buying_power == 0


def test_leverage_grows_with_equity_and_is_bound_by_the_owner(open_market):
    small = on_margin(open_market, starting_cash=24_999).exchange
    assert (small.account().multiplier, small.account().buying_power) == (2, 49_998)
    large = on_margin(open_market).exchange
    large.configure(AccountSettings(max_margin_multiplier=2))
    assert (large.account().multiplier, large.account().buying_power) == (2, 200_000)
    large.configure(AccountSettings(max_margin_multiplier=1))
    assert large.account().buying_power == 100_000
    modern = on_margin(open_market, NEW_RULE, starting_cash=2_000).exchange.account()
    assert (modern.multiplier, modern.buying_power) == (4, 8_000)
    assert modern.pattern_day_trader is modern.daytrade_count is modern.daytrading_buying_power is None


@pytest.mark.parametrize(("symbol", "most"), [("NVDA", 4000), ("TQQQ", 1111), ("BTC/USDT", 1000)])
def test_what_can_be_bought_is_bound_by_the_assets_own_rate(open_market, symbol, most):
    market = on_margin(open_market)
    with pytest.raises(OrderRejected, match="insufficient"):
        market.submit(symbol, qty=str(most + 1), limit_price="100")
    market.submit(symbol, qty=str(most), limit_price="100")


def test_coins_are_not_bought_with_borrowed_money(open_market):
    market = on_margin(open_market)
    buy(market, "TSLA", 900)
    with pytest.raises(
        OrderRejected, match=r"insufficient balance for USD \(requested: 20000, available: 10000"
    ):
        market.submit("BTC/USDT", qty="200", limit_price="100")


def day_trade(market, symbol="TSLA"):
    buy(market, symbol, 10)
    market.exchange.close_position(market.registry.by_symbol(symbol).id, market.ts)
    quarter(market, symbol)


def test_the_fourth_day_trade_of_a_small_account_is_refused_until_june_2026(open_market):
    market = on_margin(open_market, starting_cash=20_000)
    for count in (1, 2, 3):
        day_trade(market)
        assert market.exchange.account().daytrade_count == count
        next_session(market)
    buy(market, "TSLA", 10)
    with pytest.raises(OrderRejected, match="pattern day trading protection") as refusal:
        market.submit("TSLA", side="sell", qty="10")
    assert (refusal.value.http_status, refusal.value.code) == (403, 40310100)
    # Held overnight it is no day trade.
    next_session(market)
    assert market.submit("TSLA", side="sell", qty="10")


def test_day_trades_leave_the_count_after_five_business_days(open_market):
    market = on_margin(open_market)
    for _ in range(4):
        day_trade(market)
    account = market.exchange.account()
    assert (account.daytrade_count, account.pattern_day_trader) == (4, True)
    for _ in range(4):
        next_session(market)
    assert market.exchange.account().daytrade_count == 4
    next_session(market)
    assert (market.exchange.account().daytrade_count, market.exchange.account().pattern_day_trader) == (
        0,
        False,
    )


def test_several_sales_of_one_purchase_are_one_day_trade(open_market):
    market = on_margin(open_market)
    buy(market, "TSLA", 10)
    for _ in range(2):
        market.exchange.close_position(4, market.ts, qty=D(5))
        market.bar("TSLA", 100, 100, 100, 100)
    assert market.exchange.account().daytrade_count == 1


def test_day_trades_are_free_from_june_2026(open_market):
    market = on_margin(open_market, NEW_RULE, starting_cash=5_000)
    for _ in range(5):
        day_trade(market)


def test_a_deficit_is_a_call_and_freezes_the_account_after_five_business_days(open_market):
    market = on_margin(open_market, NEW_RULE, liquidate=False)
    buy(market, "TSLA", 3000)
    market.bar("TSLA", 85, 85, 85, 85)
    # 300,000 bought; equity 55,000 against 76,500 of maintenance: a deficit of 21,500.
    assert market.exchange.account().equity == 55_000
    for _ in range(5):
        next_session(market, price=85)
        with pytest.raises(OrderRejected, match="insufficient buying power"):
            market.submit("NVDA", qty="1")
    next_session(market, price=85)
    with pytest.raises(OrderRejected, match="restricted to closing transactions only"):
        market.submit("NVDA", qty="1")
    assert market.submit("TSLA", side="sell", qty="100")


def test_a_call_that_is_met_is_forgotten(open_market):
    market = on_margin(open_market, NEW_RULE, liquidate=False)
    buy(market, "TSLA", 3000)
    market.bar("TSLA", 85, 85, 85, 85)
    for _ in range(7):
        next_session(market, price=100)
    assert market.submit("NVDA", qty="1")


def test_a_trifling_deficit_is_no_call(open_market):
    market = on_margin(open_market, NEW_RULE, liquidate=False, carry={"margin_interest_annual": 0})
    buy(market, "TSLA", 1500)
    for _ in range(7):
        next_session(market, price=47.3)
    # Equity 20,950 against 21,285 of maintenance: short of 335, less than 5 % of equity.
    assert market.exchange.account().equity == 20_950
    assert market.submit("NVDA", qty="1", limit_price="1")


def test_the_largest_position_is_closed_when_equity_falls_below_the_requirement(open_market):
    market = on_margin(open_market)
    buy(market, "NVDA", 1000)
    buy(market, "TSLA", 2500)
    resting = market.submit("TSLA", side="sell", qty="2500", limit_price="150")
    # Equity 100,000 - 2500 x 25 = 37,500 against a quarter of 287,500.
    market.bar("TSLA", 75, 75, 75, 75)
    assert market.exchange.order(resting.id).status == "canceled"
    (order,) = market.exchange.open_orders()
    assert (order.asset_id, order.side, order.qty) == (4, "sell", 2500)
    market.bar("TSLA", 76, 76, 76, 76)
    assert market.holding("TSLA") == 0
    assert market.exchange.open_orders() == []


def test_a_short_squeeze_is_bought_back(open_market):
    market = on_margin(open_market)
    market.submit("TSLA", side="sell", qty="3000")
    market.bar("TSLA", 100, 100, 100, 100)
    market.bar("TSLA", 115, 115, 115, 115)
    (order,) = market.exchange.open_orders()
    assert (order.side, order.qty) == ("buy", 3000)


def test_after_the_close_the_maintenance_requirement_counts(open_market):
    market = on_margin(open_market)
    # 3,600 shares are a quarter by day; 30 % of 360,000 is more than the equity of 100,000.
    buy(market, "TSLA", 3600)
    assert market.exchange.open_orders() == []
    market.bar("TSLA", 100, 100, 100, 100, hours=6)
    assert [order.qty for order in market.exchange.open_orders()] == [3600]


def test_days_charged():
    monday = date(2024, 6, 3)
    days = [days_charged((monday + timedelta(days=n)).toordinal()) for n in range(7)]
    assert days == [1, 1, 1, 1, 3, 0, 0]


def test_borrowed_money_costs_interest_over_a_year_of_360_days(open_market):
    market = on_margin(open_market, carry={"margin_interest_annual": "0.072"})
    buy(market, "TSLA", 1500)
    next_session(market)
    # Tuesday night: 50,000 x 7.2 % / 360.
    assert market.exchange.account().cash == -50_010
    next_session(market)
    next_session(market)
    next_session(market)
    # Wednesday, Thursday, and Friday for three days; a cent more because debit grows and cents round up.
    assert market.exchange.account().cash == D(-50_010) - D("10.01") - D("10.01") - D("30.02")


def test_a_short_pays_the_lender_by_lots_of_a_hundred(open_market):
    market = on_margin(open_market, carry={"borrow_annual": "0.036"})
    market.submit("TSLA", side="sell", qty="150")
    market.bar("TSLA", 100, 100, 100, 100)
    next_session(market)
    # 200 shares x 100 dollars x 3.6 % / 360; the proceeds of the sale earn nothing and cost nothing.
    assert market.exchange.account().cash == 115_000 - 2


def test_an_account_that_owns_what_it_holds_pays_nothing(open_market):
    market = on_margin(open_market)
    buy(market, "TSLA", 900)
    for _ in range(3):
        next_session(market)
    assert market.exchange.account().cash == 10_000


def test_suspended_accounts_take_no_orders_but_positions_can_be_closed(open_market):
    market = on_margin(open_market)
    buy(market, "TSLA", 1)
    market.exchange.configure(AccountSettings(suspend_trade=True))
    with pytest.raises(OrderRejected, match="new orders are rejected by user request"):
        market.submit("TSLA")
    assert market.exchange.close_position(4, market.ts)


def test_fractions_can_be_switched_off(open_market):
    market = on_margin(open_market)
    market.exchange.configure(AccountSettings(fractional_trading=False))
    with pytest.raises(OrderRejected, match="fractional trading is not enabled"):
        market.submit("TSLA", qty="0.5")
    assert market.submit("BTC/USDT", qty="0.5")
