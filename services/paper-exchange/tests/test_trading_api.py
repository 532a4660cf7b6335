"""What a trader does with an unmodified alpaca-py TradingClient."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from alpaca.common.exceptions import APIError
from alpaca.trading.enums import (
    AssetClass,
    OrderClass,
    OrderSide,
    OrderStatus,
    OrderType,
    QueryOrderStatus,
    TimeInForce,
)
from alpaca.trading.requests import (
    ClosePositionRequest,
    GetAssetsRequest,
    GetCalendarRequest,
    GetOrdersRequest,
    GetPortfolioHistoryRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    ReplaceOrderRequest,
    StopLimitOrderRequest,
    StopLossRequest,
    StopOrderRequest,
    TakeProfitRequest,
)

BTC, NVDA = "BTC/USDT", "NVDA"
# Half an hour into the second stock session bar of Monday.
IN_SESSION = "2024-01-08T16:00:00Z"


def buy(symbol: str, qty: float, **extra: Any) -> MarketOrderRequest:
    tif = TimeInForce.GTC if "/" in symbol else TimeInForce.DAY
    return MarketOrderRequest(symbol=symbol, qty=qty, side=OrderSide.BUY, time_in_force=tif, **extra)


def limit(
    symbol: str, qty: float, price: float, side: OrderSide = OrderSide.BUY, **extra: Any
) -> LimitOrderRequest:
    return LimitOrderRequest(
        symbol=symbol, qty=qty, side=side, time_in_force=TimeInForce.GTC, limit_price=price, **extra
    )


def refused(call: Any, *arguments: Any) -> APIError:
    with pytest.raises(APIError) as caught:
        call(*arguments)
    return caught.value


def test_a_new_account_has_its_cash_and_no_positions(desk):
    account = desk.trading().get_account()
    assert account.cash == account.equity == account.non_marginable_buying_power == "100000.00"
    assert (account.multiplier, account.buying_power, account.regt_buying_power) == (
        "4",
        "400000.00",
        "200000.00",
    )
    assert account.shorting_enabled
    assert desk.trading().get_all_positions() == []


def test_a_market_order_fills_at_the_next_open_with_costs_and_fee_in_the_coin(desk):
    client = desk.trading()
    order = client.submit_order(buy(BTC, 0.5))
    assert order.status is OrderStatus.NEW
    moved = desk.advance(steps=1)
    assert moved["fills"] == 1
    filled = client.get_order_by_id(order.id)
    assert filled.status is OrderStatus.FILLED
    assert filled.filled_qty == "0.5"
    price = Decimal(filled.filled_avg_price)
    assert Decimal(40_010) < price < Decimal(40_080)
    position = client.get_open_position(BTC)
    assert position.symbol == "BTCUSDT"
    assert position.asset_class is AssetClass.CRYPTO
    assert Decimal(position.qty) == Decimal("0.5") * Decimal("0.9975")
    account = client.get_account()
    assert Decimal(account.cash) == Decimal(100_000) - Decimal("0.5") * price
    assert Decimal(account.equity) == Decimal(account.cash) + Decimal(position.market_value)


def test_a_limit_order_waits_for_its_price_and_is_canceled_once(desk):
    client = desk.trading()
    order = client.submit_order(limit(BTC, 1, 30_000))
    desk.advance(steps=3)
    assert client.get_order_by_id(order.id).status is OrderStatus.NEW
    assert client.get_account().non_marginable_buying_power == "70000.00"
    client.cancel_order_by_id(order.id)
    canceled = client.get_order_by_id(order.id)
    assert canceled.status is OrderStatus.CANCELED
    assert canceled.canceled_at is not None
    assert client.get_account().non_marginable_buying_power == "100000.00"
    client.cancel_order_by_id(order.id)


def test_canceling_a_filled_order_is_refused(desk):
    client = desk.trading()
    order = client.submit_order(buy(BTC, 0.1))
    desk.advance(steps=1)
    error = refused(client.cancel_order_by_id, order.id)
    assert (error.status_code, error.code) == (422, 42210000)
    assert "filled" in error.message


def test_a_stop_order_buys_when_the_price_rises_to_it(desk):
    client = desk.trading()
    desk.advance(to=IN_SESSION)
    stop = client.submit_order(
        StopOrderRequest(
            symbol=NVDA, qty=5, side=OrderSide.BUY, time_in_force=TimeInForce.GTC, stop_price=506.5
        )
    )
    desk.advance(to="2024-01-08T18:30:00Z")
    assert client.get_order_by_id(stop.id).status is OrderStatus.NEW
    desk.advance(to="2024-01-08T21:00:00Z")
    filled = client.get_order_by_id(stop.id)
    assert filled.status is OrderStatus.FILLED
    assert Decimal(filled.filled_avg_price) >= Decimal("506.5")


def test_a_stop_limit_order_sells_a_pair_no_lower_than_its_limit(desk):
    client = desk.trading()
    client.submit_order(buy(BTC, 1))
    desk.advance(steps=1)
    held = client.get_open_position("BTCUSDT")
    price = float(held.current_price)
    order = client.submit_order(
        StopLimitOrderRequest(
            symbol=BTC,
            qty=0.5,
            side=OrderSide.SELL,
            time_in_force=TimeInForce.GTC,
            stop_price=price - 10,
            limit_price=price - 30,
        )
    )
    assert Decimal(client.get_open_position("BTCUSDT").qty_available) == Decimal(held.qty) - Decimal("0.5")
    desk.advance(steps=1)
    filled = client.get_order_by_id(order.id)
    assert filled.status is OrderStatus.FILLED
    assert price - 30 <= float(filled.filled_avg_price) <= price - 10


def test_a_bracket_holds_its_legs_then_takes_profit_and_cancels_the_stop(desk):
    client = desk.trading()
    desk.advance(to=IN_SESSION)
    parent = client.submit_order(
        MarketOrderRequest(
            symbol=NVDA,
            qty=10,
            side=OrderSide.BUY,
            time_in_force=TimeInForce.GTC,
            order_class=OrderClass.BRACKET,
            take_profit=TakeProfitRequest(limit_price=506),
            stop_loss=StopLossRequest(stop_price=480),
        )
    )
    assert [leg.status for leg in parent.legs] == [OrderStatus.HELD, OrderStatus.HELD]
    desk.advance(to="2024-01-08T17:30:00Z")
    assert client.get_open_position(NVDA).qty == "10"
    desk.advance(to="2024-01-08T21:00:00Z")
    nested = client.get_orders(GetOrdersRequest(status=QueryOrderStatus.ALL, nested=True))
    assert [order.id for order in nested] == [parent.id]
    states = {leg.type: leg.status for leg in nested[0].legs}
    assert states == {OrderType.LIMIT: OrderStatus.FILLED, OrderType.STOP: OrderStatus.CANCELED}
    flat = client.get_orders(GetOrdersRequest(status=QueryOrderStatus.ALL))
    assert len(flat) == 3
    error = refused(client.get_open_position, NVDA)
    assert (error.status_code, error.code) == (404, 40410000)


def test_a_replaced_order_has_a_new_id_and_the_old_one_ends(desk):
    client = desk.trading()
    desk.advance(to=IN_SESSION)
    old = client.submit_order(limit(NVDA, 10, 400))
    new = client.replace_order_by_id(old.id, ReplaceOrderRequest(qty=20, limit_price=410))
    assert (new.qty, new.limit_price, new.replaces) == ("20", "410", old.id)
    ended = client.get_order_by_id(old.id)
    assert (ended.status, ended.replaced_by) == (OrderStatus.REPLACED, new.id)
    error = refused(client.replace_order_by_id, old.id, ReplaceOrderRequest(qty=30))
    assert (error.status_code, error.code) == (422, 42210000)


def test_orders_are_listed_by_status_symbol_side_and_time(desk):
    client = desk.trading()
    first = client.submit_order(limit(BTC, 0.1, 30_000, client_order_id="first"))
    desk.advance(steps=1)
    second = client.submit_order(limit(NVDA, 1, 300))
    client.cancel_order_by_id(first.id)

    def listed(**query: Any) -> list[Any]:
        return [order.id for order in client.get_orders(GetOrdersRequest(**query))]

    assert listed() == [second.id]
    assert listed(status=QueryOrderStatus.CLOSED) == [first.id]
    assert listed(status=QueryOrderStatus.ALL) == [second.id, first.id]
    assert listed(status=QueryOrderStatus.ALL, direction="asc", limit=1) == [first.id]
    assert listed(status=QueryOrderStatus.ALL, symbols=["BTCUSDT"]) == [first.id]
    assert listed(status=QueryOrderStatus.ALL, side=OrderSide.SELL) == []
    assert listed(status=QueryOrderStatus.ALL, after=first.created_at) == [second.id]
    assert listed(status=QueryOrderStatus.ALL, until=second.created_at) == [first.id]
    assert client.get_order_by_client_id("first").id == first.id


def test_cancel_all_answers_for_every_open_order(desk):
    client = desk.trading()
    orders = [client.submit_order(limit(BTC, 0.1, 30_000 - step)) for step in range(3)]
    answers = client.cancel_orders()
    assert {answer.id for answer in answers} == {order.id for order in orders}
    assert client.get_orders() == []


def test_positions_are_closed_by_quantity_by_share_and_all(desk):
    client = desk.trading()
    desk.advance(to=IN_SESSION)
    client.submit_order(buy(BTC, 0.4))
    client.submit_order(buy(NVDA, 10))
    desk.advance(to="2024-01-08T17:30:00Z")
    part = client.close_position(NVDA, ClosePositionRequest(qty="4"))
    assert (part.side, part.qty) == (OrderSide.SELL, "4")
    desk.advance(to="2024-01-08T18:30:00Z")
    assert client.get_open_position(NVDA).qty == "6"
    half = client.close_position("BTCUSDT", ClosePositionRequest(percentage="50"))
    assert half.asset_class is AssetClass.CRYPTO
    desk.advance(to="2024-01-08T19:30:00Z")
    answers = client.close_all_positions(cancel_orders=True)
    assert [answer.status for answer in answers] == [200, 200]
    desk.advance(to="2024-01-08T21:00:00Z")
    assert client.get_all_positions() == []


def test_activities_are_paged_and_filtered_by_type(desk):
    client = desk.trading()
    for _ in range(3):
        client.submit_order(buy(BTC, 0.1))
        desk.advance(steps=1)
    everything = client.get("/account/activities", {"direction": "asc"})
    assert [row["activity_type"] for row in everything] == ["FILL", "CFEE"] * 3
    first = client.get("/account/activities/FILL", {"page_size": 2, "direction": "asc"})
    rest = client.get(
        "/account/activities/FILL", {"page_size": 2, "direction": "asc", "page_token": first[-1]["id"]}
    )
    assert [row["id"] for row in first + rest] == [row["id"] for row in everything[::2]]
    newest = client.get("/account/activities", {"page_size": 1})
    assert newest == everything[-1:]
    after = client.get("/account/activities/FILL", {"after": first[-1]["transaction_time"]})
    assert after == rest
    assert client.get("/account/activities", {"category": "non_trade_activity", "date": "2024-01-08"})
    fill = everything[0]
    assert (fill["type"], fill["order_status"], fill["leaves_qty"], fill["cum_qty"]) == (
        "fill",
        "filled",
        "0",
        "0.1",
    )


def test_the_clock_and_the_calendar_are_the_markets_at_the_simulated_time(desk):
    client = desk.trading()
    before = client.get_clock()
    assert not before.is_open
    assert before.next_open.isoformat() == "2024-01-08T09:30:00-05:00"
    desk.advance(to=IN_SESSION)
    during = client.get_clock()
    assert during.is_open
    assert during.timestamp.isoformat() == "2024-01-08T11:00:00-05:00"
    assert during.next_close.isoformat() == "2024-01-08T16:00:00-05:00"
    days = client.get_calendar(GetCalendarRequest(start=date(2024, 1, 12), end=date(2024, 1, 17)))
    # 15 January 2024 was Martin Luther King Day.
    assert [day.date.isoformat() for day in days] == ["2024-01-12", "2024-01-16", "2024-01-17"]
    early = client.get_calendar(GetCalendarRequest(start=date(2024, 7, 3), end=date(2024, 7, 3)))
    assert early[0].close.strftime("%H:%M") == "13:00"


def test_assets_are_found_by_symbol_and_id_and_forex_is_not_listed(desk):
    client = desk.trading()
    pair = client.get_asset(BTC)
    assert (pair.asset_class, pair.fractionable, pair.price_increment) == (AssetClass.CRYPTO, True, 0.01)
    assert client.get_asset(str(pair.id)).symbol == BTC
    equities = client.get_all_assets(GetAssetsRequest(asset_class=AssetClass.US_EQUITY))
    assert NVDA in {asset.symbol for asset in equities}
    assert not {asset.symbol for asset in client.get_all_assets()} & {"GBP/JPY", "USD/TRY"}
    assert refused(client.get_asset, "GBP/JPY").status_code == 404


def test_portfolio_history_follows_equity(desk):
    client = desk.trading()
    client.submit_order(buy(BTC, 1))
    desk.advance(to="2024-01-11T00:00:00Z")
    daily = client.get_portfolio_history(GetPortfolioHistoryRequest(period="1W", timeframe="1D"))
    equity = float(client.get_account().equity)
    assert daily.equity[-1] == pytest.approx(equity, abs=0.01)
    assert len(daily.timestamp) == 3
    assert daily.equity == sorted(daily.equity)
    # The market order paid the spread and the fee; the price rose by 10 an hour.
    assert daily.profit_loss[-1] == pytest.approx(equity - 100_000, abs=0.01)
    hourly = client.get_portfolio_history(GetPortfolioHistoryRequest(period="1D", timeframe="1H"))
    assert hourly.equity[-1] - hourly.equity[-2] == pytest.approx(10 * 0.9975, abs=0.02)


def test_last_equity_is_that_of_midnight(desk):
    client = desk.trading()
    client.submit_order(buy(BTC, 1))
    desk.advance(to="2024-01-09T00:00:00Z")
    at_midnight = client.get_account().equity
    desk.advance(to="2024-01-09T12:00:00Z")
    account = client.get_account()
    assert account.last_equity == at_midnight
    assert account.equity != at_midnight


def test_suspended_accounts_take_no_orders(desk):
    client = desk.trading()
    settings = client.get_account_configurations()
    settings.suspend_trade = True
    assert client.set_account_configurations(settings).suspend_trade
    error = refused(client.submit_order, buy(BTC, 0.1))
    assert (error.status_code, error.code) == (403, 40310000)
    settings.suspend_trade = False
    client.set_account_configurations(settings)
    assert client.submit_order(buy(BTC, 0.1)).status is OrderStatus.NEW


def test_an_order_after_hours_is_accepted_and_fills_in_the_next_session(desk):
    client = desk.trading()
    refusal = refused(client.submit_order, buy(NVDA, 1))
    assert "market price of NVDA is not available" in refusal.message
    desk.advance(to="2024-01-08T22:00:00Z")
    order = client.submit_order(buy(NVDA, 1))
    assert order.status is OrderStatus.ACCEPTED
    desk.advance(to="2024-01-09T14:00:00Z")
    assert client.get_order_by_id(order.id).status is OrderStatus.ACCEPTED
    desk.advance(to="2024-01-09T15:30:00Z")
    assert client.get_order_by_id(order.id).status is OrderStatus.FILLED
