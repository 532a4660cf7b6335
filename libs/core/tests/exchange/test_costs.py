"""Spread, impact, volume and fees."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from ratchet.core.assets import AssetClass
from ratchet.core.exchange import ExchangeConfig, Fee, fee_for
from ratchet.core.orders import Side

D = Decimal


def ns(*day):
    return int(datetime(*day, tzinfo=UTC).timestamp()) * 10**9


def fills(events):
    return [(event.qty, event.price) for event in events if event.is_execution]


def test_a_market_order_pays_half_the_spread_rounded_against_it(open_market):
    market = open_market(spread_bps={AssetClass.STOCK: 3})
    market.submit(qty="10")
    # 200.00 x 1.00015 = 200.03 exactly; 200.10 x 0.99985 = 200.069985, down to 200.06.
    assert fills(market.bar("NVDA", 200, 201, 199, 200)) == [(D(10), D("200.03"))]
    market.submit(side="sell", qty="10")
    assert fills(market.bar("NVDA", 200.10, 201, 199, 200)) == [(D(10), D("200.06"))]


def test_impact_grows_with_the_square_root_of_the_share_of_volume(open_market):
    slippage = {"impact_bps_at_full_volume": 100, "max_volume_share": 1}
    market = open_market(slippage=slippage)
    market.submit(qty="1")
    market.submit(qty="25")
    # 1 % of the volume costs 10 bps, 25 % costs 50 bps.
    assert fills(market.bar("NVDA", 100, 101, 99, 100, 100)) == [(D(1), D("100.10")), (D(25), D("100.50"))]


def test_a_tenth_of_the_volume_is_shared_by_all_orders_in_time_priority(open_market):
    market = open_market(slippage={"impact_bps_at_full_volume": 0, "max_volume_share": "0.1"})
    market.submit("BTC/USDT", qty="6")
    market.submit("BTC/USDT", qty="6")
    first = market.bar("BTC/USDT", 100, 101, 99, 100, 100)
    assert fills(first) == [(D(6), D(100)), (D(4), D(100))]
    assert market.order("order-2").status == "partially_filled"
    assert fills(market.bar("BTC/USDT", 103, 104, 102, 103, 100)) == [(D(2), D(103))]
    assert market.order("order-2").filled_avg_price == D(101)


def test_better_prices_come_first_then_earlier_orders(open_market):
    market = open_market(slippage={"impact_bps_at_full_volume": 0, "max_volume_share": "0.1"})
    for price in ("97", "98", "98"):
        market.submit("BTC/USDT", qty="5", limit_price=price)
    market.bar("BTC/USDT", 100, 101, 96, 97, 120)
    found = [(e.order.client_order_id, e.qty) for e in market.events if e.is_execution]
    assert found == [("order-2", D(5)), ("order-3", D(5)), ("order-1", D(2))]


def test_nothing_fills_on_a_bar_without_volume_except_where_none_is_reported(open_market):
    market = open_market(free=False)
    market.submit("NVDA", qty="10")
    assert fills(market.bar("NVDA", 100, 101, 99, 100, 0)) == []
    market.submit("GBP/JPY", qty="100", time_in_force="gtc")
    # Spread 1.5 bps halved, impact 1 bp: 100 x 1.000175, up to the next cent.
    assert fills(market.bar("GBP/JPY", 100, 101, 99, 100, 0)) == [(D(100), D("100.02"))]


def test_the_alpaca_paper_profile_has_no_impact_volume_limit_or_regulatory_fees():
    config = ExchangeConfig(profile="alpaca-paper")
    assert config.slippage.max_volume_share is None
    assert config.slippage.impact_bps_at_full_volume == 0
    assert config.limit_fill == "touch"
    assert not config.fees.regulatory
    assert config.fees.crypto_taker_bps == 25
    mixed = ExchangeConfig(profile="alpaca-paper", slippage={"max_volume_share": "0.5"})
    assert mixed.slippage.max_volume_share == D("0.5")
    assert mixed.slippage.impact_bps_at_full_volume == 0


def test_a_wrong_configuration_is_named():
    with pytest.raises(ValueError, match="spread_bps"):
        ExchangeConfig(spread_bps={"crypto": -1})
    with pytest.raises(ValueError, match="slipage"):
        ExchangeConfig(slipage={})


def test_a_crypto_buy_pays_in_the_coin_and_a_sell_in_the_quote_currency(registry):
    config, btc = ExchangeConfig(), registry.by_symbol("BTC/USDT")
    assert fee_for(btc, Side.BUY, D("0.4"), D(50_000), 0, config) == Fee(D("0.001"), in_base=True)
    assert fee_for(btc, Side.BUY, D("0.4"), D(50_000), 0, config, is_maker=True) == Fee(D("0.0006"), True)
    assert fee_for(btc, Side.SELL, D("0.4"), D(50_000), 0, config) == Fee(D(50))


def test_an_increment_too_coarse_for_the_fee_moves_it_to_the_quote_currency(registry):
    from dataclasses import replace

    coarse = replace(registry.by_symbol("BTC/USDT"), qty_increment=D("0.1"))
    assert fee_for(coarse, Side.BUY, D("0.4"), D(50_000), 0, ExchangeConfig()) == Fee(D(50))


@pytest.mark.parametrize(
    ("day", "shares", "price", "fee"),
    [
        # 25,000 dollars x 8.00 per million = 0.20; 100 shares x 0.000145 = 0.0145, up to 0.02.
        ((2023, 6, 1), 100, 250, "0.22"),
        # The rate rose on 2024-05-22: 25,000 x 27.80 per million = 0.695, up to 0.70; TAF 0.0166, up to 0.02.
        ((2024, 5, 21), 100, 250, "0.22"),
        ((2024, 5, 22), 100, 250, "0.72"),
        # No SEC fee from 2025-05-14; the TAF is capped at 8.30 per execution.
        ((2025, 6, 2), 1_000_000, 1, "8.30"),
        ((2010, 1, 4), 100, 250, "0"),
    ],
)
def test_regulatory_fees_on_sales_follow_the_dated_tables(registry, day, shares, price, fee):
    stock, config = registry.by_symbol("NVDA"), ExchangeConfig()
    assert fee_for(stock, Side.SELL, D(shares), D(price), ns(*day), config) == Fee(D(fee))
    assert fee_for(stock, Side.BUY, D(shares), D(price), ns(*day), config) == Fee()


def test_resting_limits_pay_the_maker_fee_and_marketable_ones_the_taker_fee(open_market):
    market = open_market(fees={})
    market.submit("BTC/USDT", qty="1", limit_price="105")
    market.submit("BTC/USDT", qty="1", limit_price="98")
    events = [event for event in market.bar("BTC/USDT", 100, 101, 97, 99) if event.is_execution]
    assert [(event.price, event.fee) for event in events] == [(D(100), D("0.0025")), (D(98), D("0.0015"))]
    assert events[-1].position_qty == D("1.996")


def test_the_quantity_bought_cannot_be_sold_in_full_because_the_fee_came_out_of_it(open_market):
    from ratchet.core.exchange import OrderRejected

    market = open_market(fees={})
    market.submit("BTC/USDT", qty="1")
    market.bar("BTC/USDT", 100, 101, 99, 100)
    with pytest.raises(
        OrderRejected, match=r"insufficient balance for BTC \(requested: 1, available: 0.9975\)"
    ):
        market.submit("BTC/USDT", side="sell", qty="1")
    market.submit("BTC/USDT", side="sell", qty="0.9975")
    market.bar("BTC/USDT", 100, 101, 99, 100)
    assert market.holding("BTC/USDT") == 0
    # 100 for the coin, 99.75 back, less 25 bps.
    assert market.exchange.account().cash == D(100_000) - D(100) + D("99.75") - D("0.249375")
