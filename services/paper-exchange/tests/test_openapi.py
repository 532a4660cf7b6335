"""Replies held against Alpaca's published OpenAPI files, where they are at hand."""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest

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
    ],
)
def test_market_data_replies_have_the_published_shape(busy_desk, path, schema):
    reply = busy_desk.get(path).json()
    assert any(reply.values())
    check(reply, schema, "market-data-api")
