"""Prices as OANDA's JSON."""

from typing import Any

from ratchet.core.fx import FxExchange
from ratchet.core.fx.describe import client_price, factor_text
from ratchet.paper_exchange.oanda.times import TimeFormat
from ratchet.paper_exchange.oanda.wire import Wire

Json = dict[str, Any]


def price_json(
    exchange: FxExchange, name: str, times: TimeFormat, now: int, *, with_units: bool = False
) -> Json:
    """Return the last price of an instrument that has one."""
    instrument, quote = exchange.instruments[name], exchange.quotes[name]
    conversion = exchange.quotes.conversion(instrument.quote)
    is_tradeable = conversion is not None and exchange.is_open(instrument, now)
    body: Json = {
        "type": "PRICE",
        "instrument": name,
        "time": times.text(quote.ts),
        "status": "tradeable" if is_tradeable else "non-tradeable",
        "tradeable": is_tradeable,
        **client_price(instrument, quote, exchange.config.liquidity_units),
    }
    if conversion is not None:
        body["quoteHomeConversionFactors"] = {
            "positiveUnits": factor_text(conversion.gain),
            "negativeUnits": factor_text(conversion.loss),
        }
        if with_units:
            body["unitsAvailable"] = Wire(exchange, times).units_available(instrument)
    return body


def home_conversions(exchange: FxExchange, names: list[str]) -> list[Json]:
    """Return what a unit of each currency of the instruments is worth at home."""
    pairs = [exchange.instruments[name] for name in names]
    rows = []
    for currency in sorted({code for pair in pairs for code in (pair.base, pair.quote)}):
        found = exchange.quotes.conversion(currency)
        if found is not None:
            rows.append(
                {
                    "currency": currency,
                    "accountGain": factor_text(found.gain),
                    "accountLoss": factor_text(found.loss),
                    "positionValue": factor_text(found.mid),
                }
            )
    return rows
