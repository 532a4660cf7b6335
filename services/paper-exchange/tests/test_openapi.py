"""Replies held against Alpaca's published OpenAPI files, where they are at hand."""

import json
import os
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ratchet.core.exchange.actions import ActionKind, CorporateAction

jsonschema = pytest.importorskip("jsonschema")

FILES = Path(os.environ.get("RATCHET_TEST_ALPACA_OPENAPI", "shared/facts/alpaca-openapi"))
# Crypto assets are listed on an exchange that the published enum forgot.
FORGOTTEN = {"Exchange": ["CRYPTO"], "ExchangeForPosition": ["CRYPTO"]}
BTC, NVDA = "BTC/USDT", "NVDA"

pytestmark = pytest.mark.skipif(not FILES.is_dir(), reason="needs Alpaca's OpenAPI files")


def nullable(schema: Any) -> Any:
    """Translate OpenAPI's `nullable` into JSON Schema."""
    if isinstance(schema, list):
        return [nullable(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {
        key: nullable(value)
        for key, value in schema.items()
        if key not in ("nullable", "example", "examples")
    }
    return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") is True else plain


@cache
def components(name: str) -> dict[str, Any]:
    found: dict[str, Any] = nullable(json.loads((FILES / f"{name}.json").read_text("utf-8"))["components"])
    for schema, values in FORGOTTEN.items():
        if schema in found["schemas"]:
            found["schemas"][schema]["enum"] += values
    return found


def check(reply: Any, schema: str, file: str = "trading-api", *, many: bool = False) -> None:
    reference: dict[str, Any] = {"$ref": f"#/components/schemas/{schema}"}
    whole = {"type": "array", "minItems": 1, "items": reference} if many else reference
    jsonschema.Draft202012Validator({**whole, "components": components(file)}).validate(reply)


@pytest.fixture
def busy_desk(desk):
    """A desk that has traded: positions, working and closed orders, a bracket."""
    desk.advance(to="2024-01-08T16:00:00Z")
    orders: list[dict[str, Any]] = [
        {"symbol": BTC, "qty": "0.1", "type": "market", "time_in_force": "gtc"},
        {"symbol": BTC, "notional": "500", "type": "market", "time_in_force": "gtc"},
        {"symbol": NVDA, "qty": "5", "type": "market", "time_in_force": "day", "order_class": "bracket",
         "take_profit": {"limit_price": "600"}, "stop_loss": {"stop_price": "400", "limit_price": "399"}},
        {"symbol": NVDA, "qty": "1", "type": "limit", "limit_price": "300", "time_in_force": "gtc"},
        {"symbol": NVDA, "qty": "300", "type": "market", "time_in_force": "day"},
        {"symbol": NVDA, "qty": "1", "type": "market", "time_in_force": "cls"},
        {"symbol": NVDA, "qty": "1", "type": "trailing_stop", "trail_percent": "5", "time_in_force": "gtc"},
        {"symbol": NVDA, "qty": "1", "type": "limit", "limit_price": "300", "time_in_force": "day",
         "extended_hours": True},
    ]  # fmt: skip
    for order in orders:
        answer = desk.post("/v2/orders", {"side": "buy", **order})
        check(answer.json(), "Order")
    desk.advance(to="2024-01-09T16:30:00Z")
    return desk


def test_trading_replies_have_the_published_shape(busy_desk):
    desk = busy_desk
    check(desk.get("/v2/account").json(), "Account")
    check(desk.get("/v2/account/configurations").json(), "AccountConfigurations")
    check(desk.get("/v2/orders", status="all").json(), "Order", many=True)
    check(desk.get("/v2/orders", status="all", nested="true").json(), "Order", many=True)
    check(desk.get("/v2/positions").json(), "Position", many=True)
    check(desk.get("/v2/positions/NVDA").json(), "Position")
    check(desk.get("/v2/assets").json(), "Assets", many=True)
    check(desk.get("/v2/clock").json(), "legacy_clock")
    check(
        desk.get("/v2/calendar", start="2024-01-01", end="2024-02-01").json(),
        "legacy_calendar_day",
        many=True,
    )
    check(desk.get("/v2/account/activities/FILL").json(), "TradingActivities", many=True)
    check(desk.get("/v2/account/activities/CFEE").json(), "NonTradeActivities", many=True)
    check(desk.get("/v2/account/activities/INT").json(), "NonTradeActivities", many=True)
    check(desk.get("/v2/account/portfolio/history").json(), "PortfolioHistory")
    check(desk.get("/v2/orders/nothing").json(), "Error")
    check(desk.get("/v3/clock", markets="NYSE,NASDAQ").json(), "clock_resp")
    check(desk.get("/v3/calendar/NYSE").json(), "public_calendar_resp")


def test_watchlists_have_the_published_shape(desk):
    made = desk.post("/v2/watchlists", {"name": "mine", "symbols": [NVDA, BTC]}).json()
    check(made, "Watchlist")
    check(desk.get("/v2/watchlists").json(), "WatchlistWithoutAsset", many=True)
    check(desk.get(f"/v2/watchlists/{made['id']}").json(), "Watchlist")
    check(desk.get("/v2/watchlists:by_name", name="mine").json(), "Watchlist")


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("/v2/stocks/bars?symbols=NVDA&timeframe=1Hour&start=2024-01-08", "stock_bars_resp"),
        ("/v2/stocks/quotes?symbols=NVDA&start=2024-01-08", "stock_quotes_resp"),
        ("/v2/stocks/trades?symbols=NVDA&start=2024-01-08", "stock_trades_resp"),
        ("/v2/stocks/bars/latest?symbols=NVDA", "stock_latest_bars_resp"),
        ("/v2/stocks/quotes/latest?symbols=NVDA", "stock_latest_quotes_resp"),
        ("/v2/stocks/trades/latest?symbols=NVDA", "stock_latest_trades_resp"),
        ("/v2/stocks/snapshots?symbols=NVDA", "stock_snapshots_resp"),
        ("/v1beta3/crypto/us/bars?symbols=BTC/USDT&timeframe=1Day&start=2024-01-08", "crypto_bars_resp"),
        ("/v1beta3/crypto/us/quotes?symbols=BTC/USDT&start=2024-01-08", "crypto_quotes_resp"),
        ("/v1beta3/crypto/us/trades?symbols=BTC/USDT&start=2024-01-08", "crypto_trades_resp"),
        ("/v1beta3/crypto/us/latest/bars?symbols=BTC/USDT", "crypto_latest_bars_resp"),
        ("/v1beta3/crypto/us/latest/quotes?symbols=BTC/USDT", "crypto_latest_quotes_resp"),
        ("/v1beta3/crypto/us/latest/trades?symbols=BTC/USDT", "crypto_latest_trades_resp"),
        ("/v1beta3/crypto/us/snapshots?symbols=BTC/USDT", "crypto_snapshots_resp"),
        ("/v1beta3/crypto/us/latest/orderbooks?symbols=BTC/USDT", "crypto_latest_orderbooks_resp"),
        ("/v2/stocks/NVDA/bars?timeframe=1Hour&start=2024-01-08&currency=USD", "stock_bars_resp_single"),
        ("/v2/stocks/NVDA/quotes?start=2024-01-08", "stock_quotes_resp_single"),
        ("/v2/stocks/NVDA/trades?start=2024-01-08", "stock_trades_resp_single"),
        ("/v2/stocks/NVDA/bars/latest", "stock_latest_bars_resp_single"),
        ("/v2/stocks/NVDA/quotes/latest", "stock_latest_quotes_resp_single"),
        ("/v2/stocks/NVDA/trades/latest", "stock_latest_trades_resp_single"),
        ("/v2/stocks/NVDA/snapshot", "stock_snapshots_resp_single"),
        ("/v2/stocks/auctions?symbols=NVDA&start=2024-01-08", "stock_auctions_resp"),
        ("/v2/stocks/NVDA/auctions?start=2024-01-08", "stock_auctions_resp_single"),
        ("/v2/stocks/meta/exchanges", "stock_exchanges"),
        ("/v2/stocks/meta/conditions/trade?tape=C", "stock_conditions"),
    ],
)
def test_market_data_replies_have_the_published_shape(busy_desk, path, schema):
    reply = busy_desk.get(path).json()
    assert any(reply.values())
    check(reply, schema, "market-data-api")


def test_corporate_actions_have_the_published_shape(desk):
    asset = desk.venue.registry.by_symbol(NVDA).id
    desk.venue.corporate_actions = (
        CorporateAction(asset, ActionKind.DIVIDEND, date(2024, 1, 8), date(2024, 1, 9), Decimal("0.04")),
        CorporateAction(asset, ActionKind.SPLIT, date(2024, 1, 9), ratio=Decimal(10)),
        CorporateAction(asset, ActionKind.SPLIT, date(2024, 1, 10), ratio=Decimal("0.1")),
        CorporateAction(asset, ActionKind.SPLIT, date(2024, 1, 20), ratio=Decimal(2)),
    )
    desk.advance(to="2024-01-10T12:00:00Z")
    query = {"symbols": NVDA, "start": "2024-01-01", "end": "2024-02-01"}
    whole = desk.get("/v1/corporate-actions", **query).json()
    check(whole, "corporate_actions_resp", "market-data-api")
    found = whole["corporate_actions"]
    assert {group: len(rows) for group, rows in found.items()} == {
        "cash_dividends": 1,
        "forward_splits": 1,
        "reverse_splits": 1,
    }
    assert (found["reverse_splits"][0]["new_rate"], found["reverse_splits"][0]["old_rate"]) == (1, 10)
    first = desk.get(
        "/v1/corporate-actions", limit=2, types="cash_dividend,forward_split,reverse_split", **query
    )
    rest = desk.get("/v1/corporate-actions", page_token=first.json()["next_page_token"], **query).json()
    assert rest == {
        "corporate_actions": {"reverse_splits": found["reverse_splits"]},
        "next_page_token": None,
    }


def test_no_corporate_actions_have_the_published_shape(desk):
    check(desk.get("/v1/corporate-actions").json(), "corporate_actions_resp", "market-data-api")
