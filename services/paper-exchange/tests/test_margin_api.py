"""Shorts, trailing stops, auctions, account settings and corporate actions through an unmodified client."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from alpaca.common.exceptions import APIError
from alpaca.trading.enums import OrderClass, OrderSide, OrderStatus, PositionIntent, PositionSide, TimeInForce
from alpaca.trading.requests import (
    GetPortfolioHistoryRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    ReplaceOrderRequest,
    StopLossRequest,
    TakeProfitRequest,
    TrailingStopOrderRequest,
)

from ratchet.common.datasets import DatasetError
from ratchet.common.datasets.corporate_actions import load_corporate_actions
from ratchet.common.paths import default_dir
from ratchet.common.platform import load_platform

BTC, NVDA = "BTC/USDT", "NVDA"
IN_SESSION = "2024-01-08T16:00:00Z"
ACTIONS = """symbol,ex_date,pay_date,kind,amount,ratio
NVDA,2024-01-09,2024-01-10,dividend,0.25,
BTCUSDT,2024-01-11,,split,,2
"""


@pytest.fixture(scope="module")
def paper_dataset(tmp_path_factory: pytest.TempPathFactory, dataset_writer: Callable[[Path], Path]) -> Path:
    """Four days as elsewhere, in which the stock can be borrowed."""
    folder = dataset_writer(tmp_path_factory.mktemp("margin") / "shortable")
    (folder / "dataset.yaml").write_text("assets:\n  NVDA: {shortable: true}\n")
    (folder / "corporate_actions.csv").write_text(ACTIONS)
    return folder


@pytest.fixture(scope="module")
def paper_market(paper_dataset: Path, market_of: Callable[[Path], Any]) -> Any:
    return market_of(paper_dataset)


def market(side: OrderSide, qty: int, **extra: Any) -> MarketOrderRequest:
    fields = {"symbol": NVDA, "qty": qty, "side": side, "time_in_force": TimeInForce.DAY}
    return MarketOrderRequest(**(fields | extra))


def refused(call: Any, *arguments: Any) -> APIError:
    with pytest.raises(APIError) as caught:
        call(*arguments)
    return caught.value


def test_a_short_sale_is_shown_and_bought_back(desk):
    client = desk.trading()
    desk.advance(to=IN_SESSION)
    order = client.submit_order(market(OrderSide.SELL, 10))
    assert order.position_intent is PositionIntent.SELL_TO_OPEN
    desk.advance(to="2024-01-08T17:30:00Z")
    position = client.get_open_position(NVDA)
    assert (position.side, position.qty, position.qty_available) == (PositionSide.SHORT, "-10", "-10")
    assert Decimal(position.market_value) < 0 > Decimal(position.cost_basis)
    assert position.asset_marginable
    account = client.get_account()
    assert Decimal(account.short_market_value) == Decimal(position.market_value)
    assert Decimal(account.equity) == Decimal(account.cash) + Decimal(account.short_market_value)
    assert Decimal(account.maintenance_margin) == Decimal("0.3") * -Decimal(account.short_market_value)
    answers = client.close_all_positions(cancel_orders=True)
    assert [(answer.status, answer.body.side) for answer in answers] == [(200, OrderSide.BUY)]
    assert answers[0].body.position_intent is PositionIntent.BUY_TO_CLOSE
    desk.advance(to="2024-01-08T19:30:00Z")
    assert client.get_all_positions() == []


def test_a_short_bracket_rests_with_its_exits_above_and_below(desk):
    client = desk.trading()
    desk.advance(to=IN_SESSION)
    parent = client.submit_order(
        market(
            OrderSide.SELL,
            5,
            time_in_force=TimeInForce.GTC,
            order_class=OrderClass.BRACKET,
            take_profit=TakeProfitRequest(limit_price=400),
            stop_loss=StopLossRequest(stop_price=504),
        )
    )
    assert {leg.side for leg in parent.legs} == {OrderSide.BUY}
    desk.advance(to="2024-01-08T21:00:00Z")
    assert client.get_all_positions() == []
    states = {leg.type.value: leg.status for leg in client.get_order_by_id(parent.id).legs or []}
    assert states in ({}, {"limit": OrderStatus.CANCELED, "stop": OrderStatus.FILLED})


def test_a_trailing_stop_follows_the_price_and_its_trail_can_be_changed(desk):
    client = desk.trading()
    desk.advance(to=IN_SESSION)
    client.submit_order(market(OrderSide.BUY, 10))
    desk.advance(to="2024-01-08T17:30:00Z")
    order = client.submit_order(
        TrailingStopOrderRequest(
            symbol=NVDA, qty=10, side=OrderSide.SELL, time_in_force=TimeInForce.GTC, trail_percent=2
        )
    )
    assert (order.trail_percent, order.trail_price) == ("2", None)
    assert Decimal(order.hwm) * Decimal("0.98") == pytest.approx(
        Decimal(order.stop_price), abs=Decimal("0.01")
    )
    desk.advance(to="2024-01-08T19:30:00Z")
    later = client.get_order_by_id(order.id)
    assert Decimal(later.hwm) > Decimal(order.hwm)
    tight = client.replace_order_by_id(order.id, ReplaceOrderRequest(trail=1))
    assert (tight.trail_percent, tight.hwm, tight.replaces) == ("1", later.hwm, order.id)
    error = refused(client.replace_order_by_id, tight.id, ReplaceOrderRequest(stop_price=400))
    assert (error.status_code, error.code) == (422, 42210000)


def test_auction_orders_fill_at_the_prints(desk):
    client = desk.trading()
    desk.advance(to="2024-01-09T00:30:00Z")
    opening = client.submit_order(market(OrderSide.BUY, 10, time_in_force=TimeInForce.OPG))
    closing = client.submit_order(market(OrderSide.BUY, 2, time_in_force=TimeInForce.CLS))
    assert opening.status is closing.status is OrderStatus.ACCEPTED
    desk.advance(to="2024-01-09T21:00:00Z")
    # The second day opens at 507, and its last bar closes one dollar above its open of 513.
    assert client.get_order_by_id(opening.id).filled_avg_price == "507"
    assert client.get_order_by_id(closing.id).filled_avg_price == "514"


def test_an_extended_limit_is_new_before_the_open(desk):
    client = desk.trading()
    desk.advance(to="2024-01-09T13:00:00Z")
    order = client.submit_order(
        LimitOrderRequest(
            symbol=NVDA, qty=1, side=OrderSide.BUY, limit_price=400, time_in_force=TimeInForce.DAY,
            extended_hours=True,
        )
    )  # fmt: skip
    assert (order.status, order.expires_at.isoformat()) == (OrderStatus.NEW, "2024-01-10T01:00:00+00:00")


def test_the_owner_limits_leverage_and_short_sales(desk):
    client = desk.trading()
    desk.advance(to=IN_SESSION)
    settings = client.get_account_configurations()
    assert (settings.max_margin_multiplier, settings.no_shorting) == ("4", False)
    settings.max_margin_multiplier, settings.no_shorting = "1", True
    assert client.set_account_configurations(settings).no_shorting
    account = client.get_account()
    assert (account.multiplier, account.buying_power, account.shorting_enabled) == ("1", "100000.00", False)
    error = refused(client.submit_order, market(OrderSide.SELL, 1))
    assert (error.status_code, error.code, error.message) == (
        403,
        40310000,
        "account is not allowed to short",
    )


def test_day_trading_fields_are_those_of_the_rule_of_the_day(desk):
    account = desk.get("/v2/account").json()
    assert (account["pattern_day_trader"], account["daytrade_count"]) == (False, 0)
    assert account["daytrading_buying_power"] == "400000.00"


def test_a_dividend_of_the_dataset_is_paid_and_listed(paper_venue, paper_market, desk):
    venue, _ = paper_venue
    platform = paper_market.platform
    venue.corporate_actions = load_corporate_actions(platform.dataset, platform.registry)
    venue.reload()
    client = desk.trading()
    desk.advance(to=IN_SESSION)
    client.submit_order(market(OrderSide.BUY, 100))
    desk.advance(to="2024-01-10T16:00:00Z")
    (dividend,) = client.get("/account/activities/DIV")
    assert (dividend["net_amount"], dividend["per_share_amount"], dividend["symbol"]) == ("25", "0.25", NVDA)
    history = client.get_portfolio_history(GetPortfolioHistoryRequest(period="1D", timeframe="1H"))
    assert history.equity[-1] == pytest.approx(float(client.get_account().equity), abs=0.01)


def test_margin_interest_has_no_symbol(desk):
    client = desk.trading()
    desk.advance(to=IN_SESSION)
    client.submit_order(market(OrderSide.BUY, 300))
    desk.advance(to="2024-01-09T16:00:00Z")
    (interest,) = client.get("/account/activities/INT")
    assert "symbol" not in interest
    assert Decimal(interest["net_amount"]) < 0
    assert client.get("/account/activities", {"category": "non_trade_activity"})[0]["id"] == interest["id"]


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"intraday_reporting": "nightly"}, ["intraday_reporting", "market_hours", "continuous"]),
        ({"pnl_reset": "weekly"}, ["pnl_reset", "per_day", "no_reset"]),
        ({"period": "1D", "start": "2024-01-08", "end": "2024-01-09"}, ["at most two"]),
    ],
)
def test_wrong_questions_about_the_past_are_refused(desk, params, words):
    answer = desk.get("/v2/account/portfolio/history", **params)
    assert (answer.status_code, answer.json()["code"]) == (422, 40010001)
    assert all(word in answer.json()["message"] for word in words)


def test_history_can_be_kept_to_market_hours(desk):
    desk.advance(to="2024-01-10T00:00:00Z")
    history = desk.get(
        "/v2/account/portfolio/history", period="1D", timeframe="1H", intraday_reporting="market_hours"
    ).json()
    # 14:30 to 21:00 UTC.
    assert [stamp % 86_400 // 3_600 for stamp in history["timestamp"]] == [15, 16, 17, 18, 19, 20, 21]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("symbol,ex_date\nNVDA,2024-01-09\n", ["column 'kind' is missing"]),
        ("symbol,ex_date,kind\nNVDA,soon,split\n", ["row 1", "ex_date 'soon'"]),
        ("symbol,ex_date,kind\nZZZZ,2024-01-09,split\n", ["ZZZZ", "registry"]),
        ("symbol,ex_date,kind\nNVDA,2024-01-09,merger\n", ["merger", "dividend, split"]),
        ("symbol,ex_date,kind,amount\nNVDA,2024-01-09,dividend,much\n", ["amount 'much'"]),
        ("symbol,ex_date,kind,amount\nNVDA,2024-01-09,dividend,-1\n", ["amount -1"]),
    ],
)
def test_a_wrong_file_of_corporate_actions_is_named(tmp_path, dataset_writer, text, words):
    folder = dataset_writer(tmp_path / "wrong")
    (folder / "corporate_actions.csv").write_text(text)
    platform = load_platform(default_dir("config"), folder)
    with pytest.raises(DatasetError) as caught:
        load_corporate_actions(platform.dataset, platform.registry)
    assert all(word in str(caught.value) for word in ["corporate_actions.csv", *words])
