"""The ORDER_FILL entry of the journal."""

from decimal import Decimal

from ratchet.core.fx.book import FxBook
from ratchet.core.fx.describe import ZERO_MONEY, client_price, factor_text, money_text, price_text
from ratchet.core.fx.netting import Plan, Reduction
from ratchet.core.fx.quotes import Conversion, half_spread
from ratchet.core.fx.records import FxOrder, FxTrade, Transaction
from ratchet.core.fx.types import Closeout, OrderKind
from ratchet.core.orders.money import ZERO, canonical

Json = dict[str, object]
_CLOSE_REASONS = {
    Closeout.NONE: "MARKET_ORDER",
    Closeout.TRADE: "MARKET_ORDER_TRADE_CLOSE",
    Closeout.LONG: "MARKET_ORDER_POSITION_CLOSEOUT",
    Closeout.SHORT: "MARKET_ORDER_POSITION_CLOSEOUT",
    Closeout.MARGIN: "MARKET_ORDER_MARGIN_CLOSEOUT",
}


def record_fill(
    book: FxBook,
    order: FxOrder,
    plan: Plan,
    reductions: tuple[Reduction, ...],
    trade: FxTrade | None,
    price: Decimal,
    conversion: Conversion,
    ts: int,
) -> Transaction:
    """Record a fill: units, price, P/L, and the trades that it opened, reduced and closed."""
    instrument = book.instruments[order.instrument]
    half_cost = half_spread(book.config, instrument) * conversion.mid
    text, pl = price_text(instrument, price), sum((part.pl for part in reductions), ZERO)
    body: Json = {
        "orderID": str(order.id),
        "instrument": order.instrument,
        "units": canonical(plan.units),
        "requestedUnits": canonical(order.units or plan.units),
        "gainQuoteHomeConversionFactor": factor_text(conversion.gain),
        "lossQuoteHomeConversionFactor": factor_text(conversion.loss),
        "price": text,
        "fullVWAP": text,
        "fullPrice": client_price(instrument, book.quotes[order.instrument], book.config.liquidity_units),
        "reason": _CLOSE_REASONS[order.closeout]
        if order.kind is OrderKind.MARKET
        else f"{order.kind.value}_ORDER",
        "pl": money_text(pl),
        "financing": ZERO_MONEY,
        "commission": ZERO_MONEY,
        "guaranteedExecutionFee": ZERO_MONEY,
        "accountBalance": money_text(book.balance + pl),
        "halfSpreadCost": money_text(half_cost * abs(plan.units)),
    }
    if order.client_id:
        body["clientOrderID"] = order.client_id
    if trade is not None:
        body["tradeOpened"] = _opened_fields(trade, text, half_cost)
    closed = [_closed_fields(part, text, half_cost) for part in reductions if part.units == part.trade.units]
    if closed:
        body["tradesClosed"] = closed
    for part in reductions:
        if part.units != part.trade.units:
            body["tradeReduced"] = _closed_fields(part, text, half_cost)
    return book.record("ORDER_FILL", ts, body)


def _opened_fields(trade: FxTrade, price: str, half_cost: Decimal) -> Json:
    body: Json = {
        "tradeID": str(trade.id),
        "units": canonical(trade.units),
        "price": price,
        "guaranteedExecutionFee": ZERO_MONEY,
        "halfSpreadCost": money_text(half_cost * abs(trade.units)),
        "initialMarginRequired": money_text(trade.initial_margin),
    }
    if trade.extensions:
        body["clientExtensions"] = dict(trade.extensions)
    return body


def _closed_fields(part: Reduction, price: str, half_cost: Decimal) -> Json:
    return {
        "tradeID": str(part.trade.id),
        "units": canonical(-part.units),
        "price": price,
        "realizedPL": money_text(part.pl),
        "financing": ZERO_MONEY,
        "guaranteedExecutionFee": ZERO_MONEY,
        "halfSpreadCost": money_text(half_cost * abs(part.units)),
    }
