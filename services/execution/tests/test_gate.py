"""Orders that a venue would not take, and new risk that must wait, are refused here by code."""

from dataclasses import replace
from decimal import Decimal

import pytest

from ratchet.core.assets import AssetClass, Registry
from ratchet.core.orders import (
    Intent,
    Order,
    OrderEventKind,
    OrderType,
    OrderUpdate,
    Side,
    TimeInForce,
    advance,
)
from ratchet.execution.sending.denials import Denial, denials_table
from ratchet.execution.sending.gate import Gate
from ratchet.execution.venue.capabilities import ALPACA, OANDA, VENUES, OrderClass, Shape
from ratchet.execution.venue.capabilities.table import capabilities_table

T, F, D = OrderType, TimeInForce, Denial


def order(asset_id: int = 0, qty: str = "1", intent: Intent = Intent.ENTRY, **more: object) -> Order:
    fields = {"time_in_force": F.GTC if asset_id < 2 else F.DAY, **more}
    return Order("c", asset_id, Side.BUY, Decimal(qty), intent, 1, 1, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asset_class", "type_", "tif", "more", "expected"),
    [
        (AssetClass.CRYPTO, T.MARKET, F.GTC, {"is_fractional": True}, None),
        (AssetClass.CRYPTO, T.MARKET, F.DAY, {}, D.TIF_UNSUPPORTED),
        (AssetClass.CRYPTO, T.STOP, F.GTC, {}, D.ORDER_TYPE_UNSUPPORTED),
        (AssetClass.CRYPTO, T.LIMIT, F.GTC, {"order_class": OrderClass.BRACKET}, D.ORDER_CLASS_UNSUPPORTED),
        (AssetClass.STOCK, T.MARKET, F.DAY, {"is_fractional": True}, None),
        (AssetClass.STOCK, T.MARKET, F.GTC, {"is_fractional": True}, D.FRACTION_UNSUPPORTED),
        (AssetClass.STOCK, T.STOP, F.IOC, {}, D.TIF_UNSUPPORTED),
        (AssetClass.STOCK, T.LIMIT, F.GTC, {"extended_hours": True}, None),
        (AssetClass.STOCK, T.MARKET, F.DAY, {"extended_hours": True}, D.EXTENDED_HOURS_UNSUPPORTED),
        (AssetClass.STOCK, T.LIMIT, F.DAY, {"is_notional": True, "order_class": OrderClass.BRACKET},
         D.FRACTION_UNSUPPORTED),
        (AssetClass.STOCK, T.TRAILING_STOP, F.DAY, {}, None),
        (AssetClass.STOCK, T.TRAILING_STOP, F.IOC, {}, D.TIF_UNSUPPORTED),
        (AssetClass.STOCK, T.TRAILING_STOP, F.DAY, {"is_fractional": True}, D.FRACTION_UNSUPPORTED),
        (AssetClass.CRYPTO, T.TRAILING_STOP, F.GTC, {}, D.ORDER_TYPE_UNSUPPORTED),
        (AssetClass.OPTION, T.LIMIT, F.GTC, {}, D.TIF_UNSUPPORTED),
        (AssetClass.OPTION, T.LIMIT, F.DAY, {"is_fractional": True}, D.FRACTION_UNSUPPORTED),
        (AssetClass.FOREX, T.MARKET, F.DAY, {}, D.ORDER_TYPE_UNSUPPORTED),
    ],
)  # fmt: skip
def test_alpaca_takes_what_its_rules_say(asset_class, type_, tif, more, expected):
    assert ALPACA.denial(Shape(asset_class, type_, tif, **more)) is expected


def test_oanda_takes_forex_and_no_stocks():
    assert OANDA.denial(Shape(AssetClass.FOREX, T.MARKET, F.FOK)) is None
    assert OANDA.denial(Shape(AssetClass.FOREX, T.STOP_LIMIT, F.GTC)) is D.ORDER_TYPE_UNSUPPORTED
    assert OANDA.denial(Shape(AssetClass.STOCK, T.MARKET, F.DAY)) is D.ORDER_TYPE_UNSUPPORTED


def test_what_the_trader_orders_by_itself_is_taken_everywhere():
    for table in VENUES.values():
        for asset_class in table.by_class:
            tif = F.GTC if asset_class is AssetClass.CRYPTO else F.DAY
            assert table.denial(Shape(asset_class, T.MARKET, tif)) is None


def test_an_asset_without_a_venue_is_not_traded(registry: Registry):
    assert Gate(registry, venues={}).denial(order(), []) is D.VENUE_UNKNOWN


def test_while_the_stream_is_down_only_exits_pass(registry: Registry):
    gate = Gate(registry, is_down=lambda asset: asset.symbol == "BTC/USDT")
    assert gate.denial(order(0), []) is D.STREAM_DOWN
    assert gate.denial(order(0, intent=Intent.EXIT), []) is None
    assert gate.denial(order(1), []) is None


@pytest.mark.parametrize("write", ["submit", "cancel", "replace", "status"])
def test_any_unanswered_request_blocks_new_risk_in_its_asset(registry: Registry, write: str):
    K = OrderEventKind  # noqa: N806
    other = replace(order(0), client_order_id="other")
    news = {
        "submit": [K.UNANSWERED],
        "cancel": [K.ACCEPTED, K.CANCEL_REQUESTED, K.CANCEL_UNANSWERED],
        "replace": [K.ACCEPTED, K.REPLACE_REQUESTED, K.REPLACE_UNANSWERED],
        "status": [K.UNRECOGNISED],
    }[write]
    for ts, kind in enumerate(news, start=2):
        other = advance(other, OrderUpdate(kind, ts))
    gate = Gate(registry)
    assert other.unanswered == write
    assert gate.denial(order(0), [other]) is D.ORDER_UNKNOWN
    assert gate.denial(order(0, intent=Intent.EXIT), [other]) is None
    assert gate.denial(order(1), [other]) is None
    assert gate.denial(other, [other]) is None


def test_the_documented_tables_are_fresh(pytestconfig: pytest.Config):
    docs = pytestconfig.rootpath / "docs"
    assert capabilities_table().strip() in (docs / "order-life-cycle.md").read_text()
    assert denials_table().strip() in (docs / "reason-codes.md").read_text()
