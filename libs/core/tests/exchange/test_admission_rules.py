"""What the exchange refuses, in Alpaca's codes and words."""

from decimal import Decimal

import pytest

from ratchet.core.exchange import Exchange, OrderClass, OrderRejected, OrderRequest, StopLoss
from ratchet.core.orders import OrderType, Side, TimeInForce

STOP = StopLoss(Decimal(95))
BRACKET = {"order_class": OrderClass.BRACKET, "take_profit": "110", "stop_loss": STOP}

REFUSALS = [
    ("both amounts", {"notional": "100"}, 422, 40010001, "exactly one of qty and notional is required"),
    ("no amount", {"qty": None}, 422, 40010001, "exactly one of qty and notional is required"),
    ("zero qty", {"qty": "0"}, 422, 40010001, "qty must be > 0"),
    ("negative notional", {"qty": None, "notional": "-5"}, 422, 40010001, "notional must be > 0"),
    ("no client id", {"client_order_id": ""}, 422, 40010001, "client_order_id must be 1 to 128 characters"),
    ("long client id", {"client_order_id": "x" * 129}, 422, 40010001, "client_order_id must be 1 to 128"),
    ("limit without price", {"type": OrderType.LIMIT}, 422, 40010001, "limit orders require limit_price"),
    ("stop without price", {"type": OrderType.STOP}, 422, 40010001, "stop orders require stop_price"),
    (
        "market with price",
        {"type": OrderType.MARKET, "limit_price": "9"},
        422,
        40010001,
        "market orders must not have limit_price",
    ),
    (
        "sub-penny",
        {"limit_price": "10.123"},
        422,
        42210000,
        "invalid limit_price 10.123. sub-penny increment",
    ),
    ("sub-penny below a dollar", {"limit_price": "0.12345"}, 422, 42210000, "invalid limit_price 0.12345"),
    ("zero price", {"limit_price": "0"}, 422, 40010001, "limit_price must be > 0"),
    ("too dear", {"qty": "980"}, 403, 40310000, "insufficient buying power"),
    (
        "too dear in coins",
        {"symbol": "BTC/USDT", "qty": "980"},
        403,
        40310000,
        "insufficient balance for USD",
    ),
    (
        "more than held",
        {"side": "sell"},
        403,
        40310000,
        "insufficient qty available for order (requested: 10, available: 0)",
    ),
    (
        "day for crypto",
        {"symbol": "BTC/USDT", "time_in_force": TimeInForce.DAY},
        422,
        42210000,
        "invalid crypto time",
    ),
    (
        "stop for crypto",
        {"symbol": "BTC/USDT", "stop_price": "90"},
        422,
        42210000,
        "invalid order type for crypto",
    ),
    (
        "bracket for crypto",
        {"symbol": "BTC/USDT", **BRACKET},
        422,
        42210000,
        "crypto orders must be simple orders",
    ),
    ("small coin order", {"symbol": "BTC/USDT", "qty": "0.09"}, 403, 40310000, "minimal amount of order 10"),
    ("small stock order", {"qty": "0.009"}, 403, 40310000, "cost basis must be >= minimal amount of order 1"),
    (
        "fractional gtc",
        {"qty": "0.5", "time_in_force": TimeInForce.GTC},
        422,
        42210000,
        "fractional orders must be DAY orders",
    ),
    (
        "fractional bracket",
        {"qty": "0.5", **BRACKET},
        422,
        42210000,
        "fractional orders must be simple orders",
    ),
    ("ten decimals", {"qty": "0.1234567891"}, 422, 42210000, "qty must be a multiple of 0.000000001"),
    ("not fractionable", {"symbol": "DNUT", "qty": "1.5"}, 403, 40310000, 'asset "DNUT" is not fractionable'),
    ("bracket with one leg", {**BRACKET, "stop_loss": None}, 422, 40010001, "bracket orders require 2 of"),
    ("simple with a leg", {"stop_loss": STOP}, 422, 40010001, "simple orders require 0 of"),
    (
        "bracket upside down",
        {**BRACKET, "take_profit": "94"},
        422,
        42210000,
        "take_profit.limit_price must be >",
    ),
    (
        "stop above the entry",
        {**BRACKET, "limit_price": "94"},
        422,
        42210000,
        "stop_loss.stop_price must be <= base_price - 0.01",
    ),
    (
        "bracket to exit",
        {**BRACKET, "side": "sell", "take_profit": "90", "stop_loss": StopLoss(Decimal(105))},
        422,
        42210000,
        "bracket orders must be entry orders",
    ),
    (
        "short bracket upside down",
        {**BRACKET, "side": "sell"},
        422,
        42210000,
        "take_profit.limit_price must be < stop_loss.stop_price",
    ),
    ("not tradable", {"symbol": "HALT"}, 422, 42210000, 'asset "HALT" is not tradable'),
    (
        "trail on a limit",
        {"limit_price": "99", "type": OrderType.LIMIT, "trail_price": "1"},
        422,
        40010001,
        "limit orders must not have trail_price",
    ),
    ("two trails", {"trail_price": "1", "trail_percent": "1"}, 422, 40010001, "exactly one of trail_price"),
    ("no trail", {"type": OrderType.TRAILING_STOP}, 422, 40010001, "exactly one of trail_price"),
    ("whole trail", {"trail_percent": "100"}, 422, 40010001, "trail_percent must be > 0 and < 100"),
    ("trail beyond the price", {"trail_price": "100"}, 422, 42210000, "trail_price must be < the market"),
    ("trailing ioc", {"trail_price": "1", "time_in_force": TimeInForce.IOC}, 422, 42210000, "DAY or GTC"),
    (
        "fractional trail",
        {"qty": "0.5", "trail_price": "1"},
        422,
        42210000,
        "fractional orders must be market",
    ),
    (
        "trailing bracket",
        {**BRACKET, "trail_price": "1"},
        422,
        42210000,
        "trailing stop orders must be simple",
    ),
    ("trailing coin", {"symbol": "BTC/USDT", "trail_price": "1"}, 422, 42210000, "invalid order type"),
    (
        "fok for crypto",
        {"symbol": "BTC/USDT", "time_in_force": TimeInForce.FOK},
        422,
        42210000,
        "invalid crypto time_in_force",
    ),
    ("fractional fok", {"qty": "0.5", "time_in_force": TimeInForce.FOK}, 422, 42210000, "must be DAY"),
    (
        "opening stop",
        {"stop_price": "101", "time_in_force": TimeInForce.CLS},
        422,
        42210000,
        "cls orders must be market or limit orders",
    ),
    (
        "auction of currencies",
        {"symbol": "GBP/JPY", "time_in_force": TimeInForce.OPG},
        422,
        42210000,
        "opg orders are allowed for equities only",
    ),
    (
        "opening order in the session",
        {"time_in_force": TimeInForce.OPG},
        422,
        42210000,
        "market opening orders are not accepted between 09:28 and 19:00",
    ),
    (
        "extended ioc",
        {"limit_price": "99", "extended_hours": True, "time_in_force": TimeInForce.IOC},
        422,
        42210000,
        "extended hours orders must be DAY or GTC",
    ),
    ("bracket ioc", {**BRACKET, "time_in_force": TimeInForce.IOC}, 422, 42210000, "must be DAY or GTC"),
    (
        "oco to enter",
        {
            "order_class": OrderClass.OCO,
            "limit_price": "90",
            "take_profit": "90",
            "stop_loss": StopLoss(Decimal(105)),
        },
        422,
        42210000,
        "oco orders must be exit orders",
    ),
    (
        "oco at the market",
        {**BRACKET, "order_class": OrderClass.OCO, "side": "sell"},
        422,
        42210000,
        "must be limit",
    ),
    (
        "market after hours",
        {"extended_hours": True},
        422,
        40010001,
        "only limit orders are allowed during extended",
    ),
]


@pytest.mark.parametrize(
    ("fields", "status", "code", "message"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS]
)
def test_refusals(market, fields, status, code, message):
    before = market.exchange.snapshot()
    with pytest.raises(OrderRejected) as refusal:
        market.submit(**fields)
    assert (refusal.value.http_status, refusal.value.code) == (status, code)
    assert message in refusal.value.message
    assert market.exchange.snapshot() == before


def test_an_unknown_asset_and_an_asset_without_a_price_are_refused(registry):
    exchange = Exchange(registry)
    request = OrderRequest("a", 99, Side.BUY, Decimal(1))
    with pytest.raises(OrderRejected, match="asset 99 not found"):
        exchange.submit(request, 1_717_511_400_000_000_000)
    with pytest.raises(OrderRejected, match="market price of NVDA is not available"):
        exchange.submit(OrderRequest("a", 1, Side.BUY, Decimal(1)), 1_717_511_400_000_000_000)


def test_a_client_order_id_is_unique_forever(open_market):
    market = open_market(closed_orders_kept=0)
    first = market.submit(client_order_id="mine")
    market.exchange.cancel(first.id, market.ts)
    with pytest.raises(OrderRejected, match="client_order_id must be unique") as refusal:
        market.submit(client_order_id="mine")
    assert refusal.value.code == 40010001
    # A refused order was never made, so its id is free.
    with pytest.raises(OrderRejected):
        market.submit(client_order_id="dear", qty="100000")
    assert market.submit(client_order_id="dear", qty="1")


def test_known_ids_can_be_looked_up_in_the_callers_store(registry, open_market):
    market = open_market()
    market.exchange = Exchange(registry, is_known=lambda key: key == "stored")
    market.bars({"NVDA": (100, 100, 100, 100)}, hours=0)
    with pytest.raises(OrderRejected, match="must be unique"):
        market.submit(client_order_id="stored")
    assert market.exchange.snapshot()["used_client_order_ids"] == []


def test_open_buys_reserve_buying_power_and_give_it_back(market):
    account = market.exchange.account
    limit = market.submit(qty="100", limit_price="90")
    assert account().buying_power == Decimal(91_000)
    market.submit(qty="100")
    assert account().buying_power == Decimal(91_000) - 100 * Decimal("102.5")
    market.exchange.cancel(limit.id, market.ts)
    assert account().buying_power == Decimal(100_000) - 100 * Decimal("102.5")
    market.bar("NVDA", 100, 101, 99, 100)
    assert account().buying_power == account().cash == Decimal(90_000)


def test_open_sells_hold_their_quantity_and_a_bracket_holds_it_once(market):
    market.submit(qty="10", **BRACKET)
    market.bar("NVDA", 100, 101, 99, 100)
    position = market.exchange.position(1)
    assert (position.qty, position.qty_available) == (10, 0)
    with pytest.raises(OrderRejected) as refusal:
        market.submit(side="sell", qty="1")
    assert refusal.value.extras == {
        "symbol": "NVDA",
        "available": "0",
        "existing_qty": "10",
        "held_for_orders": "10",
    }


@pytest.mark.parametrize(
    ("resting", "incoming", "reason"),
    [
        ({"limit_price": "90"}, {}, "market/stop"),
        ({"limit_price": "90"}, {"limit_price": "90"}, "limit"),
        ({"limit_price": "90"}, {"limit_price": "91"}, None),
        ({}, {"limit_price": "120"}, "market/stop"),
    ],
)
def test_wash_trades(market, resting, incoming, reason):
    market.submit(qty="5")
    market.bar("NVDA", 100, 101, 99, 100)
    first = market.submit(qty="5", **resting)
    if reason is None:
        assert market.submit(side="sell", qty="5", **incoming).status == "new"
        return
    with pytest.raises(OrderRejected, match="potential wash trade detected") as refusal:
        market.submit(side="sell", qty="5", **incoming)
    assert refusal.value.extras["existing_order_id"] == first.id
    assert refusal.value.extras["reject_reason"] == f"opposite side {reason} order exists"


def test_crypto_quantities_are_cut_to_the_increment_and_dust_below_it_is_refused(market):
    assert market.submit("BTC/USDT", qty="1.2345678919").qty == Decimal("1.234567891")
    with pytest.raises(OrderRejected, match=r"qty must be >= 0\.000000001"):
        market.submit("BTC/USDT", qty="0.0000000001")


def test_a_remainder_below_the_minimum_can_be_closed(market):
    market.submit("BTC/USDT", qty="1")
    market.bar("BTC/USDT", 100, 101, 99, 100)
    market.submit("BTC/USDT", side="sell", qty="0.95")
    market.bar("BTC/USDT", 100, 101, 99, 100)
    market.submit("BTC/USDT", side="sell", qty="0.05")
    market.bar("BTC/USDT", 100, 101, 99, 100)
    assert market.holding("BTC/USDT") == 0
