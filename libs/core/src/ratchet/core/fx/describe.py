"""Orders and trades in OANDA's field names: for the journal's transactions and for the API alike."""

from decimal import Decimal
from typing import Any

from ratchet.core.fx.instruments import Instrument
from ratchet.core.fx.quotes import Quote
from ratchet.core.fx.records import FxOrder, OnFill
from ratchet.core.fx.types import Closeout, FxTimeInForce, OrderKind
from ratchet.core.fx.valuation import MONEY, money
from ratchet.core.orders.money import canonical

Json = dict[str, Any]
_FACTOR = Decimal("1e-12")


def price_text(instrument: Instrument, price: Decimal) -> str:
    """Return a price with the instrument's digits, or all of its own if it has more."""
    text = f"{price.quantize(instrument.tick):f}"
    return text if Decimal(text) == price else canonical(price)


def money_text(value: Decimal) -> str:
    """Return an amount with four digits."""
    return f"{money(value):f}"


def ratio_text(value: Decimal) -> str:
    """Return a ratio with five digits."""
    return f"{value.quantize(Decimal('0.00001')):f}"


def factor_text(value: Decimal) -> str:
    """Return a conversion factor with up to twelve digits."""
    return canonical(value.quantize(_FACTOR))


def on_fill_fields(instrument: Instrument, details: OnFill) -> Json:
    """Return takeProfitOnFill, stopLossOnFill or trailingStopLossOnFill."""
    body: Json = {"timeInForce": details.time_in_force.value}
    if details.price is not None:
        body["price"] = price_text(instrument, details.price)
    if details.distance is not None:
        body["distance"] = price_text(instrument, details.distance)
    if details.gtd_ts:
        body["gtdTime"] = details.gtd_ts
    if details.extensions:
        body["clientExtensions"] = dict(details.extensions)
    return body


def order_fields(order: FxOrder, instrument: Instrument) -> Json:
    """Return what an order and the transaction that made it have in common."""
    body: Json = {"type": order.kind.value, "timeInForce": order.time_in_force.value}
    for name, price in (
        ("price", order.price),
        ("distance", order.distance),
        ("priceBound", order.price_bound),
    ):
        if price is not None:
            body[name] = price_text(instrument, price)
    if order.time_in_force is FxTimeInForce.GTD:
        body["gtdTime"] = order.gtd_ts
    if order.is_dependent:
        body |= {"tradeID": str(order.trade_id), "triggerCondition": order.trigger.value}
        if order.kind is OrderKind.STOP_LOSS:
            body["guaranteed"] = False
    else:
        body |= _entry_fields(order, instrument)
    if order.extensions:
        body["clientExtensions"] = dict(order.extensions)
    if order.replaces:
        body["replacesOrderID"] = str(order.replaces)
    return body


def _entry_fields(order: FxOrder, instrument: Instrument) -> Json:
    body: Json = {
        "instrument": order.instrument,
        "units": canonical(order.units),
        "positionFill": order.position_fill.value,
    }
    if order.kind is not OrderKind.MARKET:
        body["triggerCondition"] = order.trigger.value
    for name, details in (
        ("takeProfitOnFill", order.take_profit),
        ("stopLossOnFill", order.stop_loss),
        ("trailingStopLossOnFill", order.trailing_stop),
    ):
        if details is not None:
            body[name] = on_fill_fields(instrument, details)
    if order.trade_extensions:
        body["tradeClientExtensions"] = dict(order.trade_extensions)
    return body | _closeout_fields(order)


def _closeout_fields(order: FxOrder) -> Json:
    match order.closeout:
        case Closeout.TRADE:
            return {"tradeClose": {"tradeID": str(order.trade_id), "units": order.asked}}
        case Closeout.LONG:
            return {"longPositionCloseout": {"instrument": order.instrument, "units": order.asked}}
        case Closeout.SHORT:
            return {"shortPositionCloseout": {"instrument": order.instrument, "units": order.asked}}
        case Closeout.MARGIN:
            return {"marginCloseout": {"reason": "MARGIN_CHECK_VIOLATION"}}
        case Closeout.NONE:
            return {}


def client_price(instrument: Instrument, quote: Quote, liquidity: Decimal) -> Json:
    """Return the bids and asks of a quote."""
    bid, ask = price_text(instrument, quote.bid), price_text(instrument, quote.ask)
    return {
        "bids": [{"price": bid, "liquidity": int(liquidity)}],
        "asks": [{"price": ask, "liquidity": int(liquidity)}],
        "closeoutBid": bid,
        "closeoutAsk": ask,
    }


ZERO_MONEY = f"{Decimal(0).quantize(MONEY):f}"
