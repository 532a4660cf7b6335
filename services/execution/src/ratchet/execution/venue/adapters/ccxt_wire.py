"""ccxt's unified structures to the broker port's types and back, without a float in between."""

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from ratchet.core.orders import OrderStatus, OrderType, Side, TimeInForce
from ratchet.execution.venue.broker import BrokerFill, BrokerOrder, OrderRequest

Json = Mapping[str, Any]

NS_PER_MS = 1_000_000
_STATUS = {
    "open": OrderStatus.ACCEPTED,
    "canceling": OrderStatus.PENDING_CANCEL,
    "canceled": OrderStatus.CANCELED,
    "expired": OrderStatus.EXPIRED,
    "rejected": OrderStatus.REJECTED,
}
_TIMES_IN_FORCE = {item.value: item for item in TimeInForce}
_TYPES = {
    (False, False): OrderType.MARKET,
    (True, False): OrderType.LIMIT,
    (False, True): OrderType.STOP,
    (True, True): OrderType.STOP_LIMIT,
}


class WireError(ValueError):
    """A structure lacks something that cannot be done without; the text names the field."""


def parse_order(data: Json, client_order_id: str, asked: OrderRequest | None = None) -> BrokerOrder:
    """Read one order; what an exchange's short answer to a new order leaves out is as it was `asked`."""
    qty = decimal(data, "amount") or (asked.qty if asked else None)
    filled = decimal(data, "filled") or Decimal(0)
    side = data.get("side") or (asked.side.value if asked else None)
    if qty is None or not side:
        raise WireError(f"order {data.get('id')!r} has no {'side' if qty else 'amount'}")
    created = time_ns(data, "timestamp")
    limit, stop = decimal(data, "price"), decimal(data, "triggerPrice") or decimal(data, "stopPrice")
    kind = (
        _type(data, limit, stop) if data.get("type") else (asked.type if asked else _type(data, limit, stop))
    )
    is_limit = kind in {OrderType.LIMIT, OrderType.STOP_LIMIT}
    return BrokerOrder(
        broker_order_id=str(need(data, "id")),
        client_order_id=client_order_id,
        symbol=str(data.get("symbol") or (asked.symbol if asked else "")),
        side=Side(side),
        type=kind,
        time_in_force=_time_in_force(data, asked),
        status=_status(data, qty, filled),
        qty=qty,
        filled_qty=filled,
        filled_avg_price=decimal(data, "average") or None,
        limit_price=(limit or (asked.limit_price if asked else None)) if is_limit else None,
        stop_price=stop or (asked.stop_price if asked else None),
        created_ns=created,
        updated_ns=max(created, time_ns(data, "lastUpdateTimestamp"), time_ns(data, "lastTradeTimestamp")),
        raw_status=str(data.get("status") or ""),
    )


def parse_trade(data: Json, exchange: str, symbol: str, client_order_id: str, cum_qty: Decimal) -> BrokerFill:
    """Read one of our trades. Trade ids are only unique within a market, so the id names that too."""
    base, _, quote = symbol.partition("/")
    fee, in_base = fee_of(data, base, quote)
    return BrokerFill(
        execution_id=f"{exchange}:{symbol}:{need(data, 'id')}",
        broker_order_id=str(need(data, "order")),
        client_order_id=client_order_id,
        symbol=symbol,
        side=Side(str(need(data, "side"))),
        qty=must(data, "amount"),
        price=must(data, "price"),
        cum_qty=cum_qty,
        ts=time_ns(data, "timestamp"),
        fee=fee,
        fee_in_base=in_base,
    )


def fee_of(data: Json, base: str, quote: str) -> tuple[Decimal | None, bool]:
    """Return (fee, whether it is in the base currency) of a trade; None when the exchange does not say.

    A fee in a third currency (an exchange's own coin) takes nothing of base or quote, so it counts as 0 here.
    """
    fees = [item for item in (data.get("fees") or [data.get("fee")]) if item and item.get("cost") is not None]
    if not fees:
        return None, False
    in_base = sum((must(item, "cost") for item in fees if item.get("currency") == base), Decimal(0))
    if in_base:
        return in_base, True
    return sum((must(item, "cost") for item in fees if item.get("currency") == quote), Decimal(0)), False


def foreign_fees(data: Json, base: str, quote: str) -> list[str]:
    """Return the currencies other than base and quote in which a trade's fee was taken."""
    fees = [item for item in (data.get("fees") or [data.get("fee")]) if item]
    return [str(item["currency"]) for item in fees if item.get("currency") not in {base, quote, None}]


def total_of(balance: Json, currency: str) -> Decimal:
    """Return what is held of a currency, be it free or promised to orders."""
    total = decimal(balance["total"], currency)
    if total is not None:
        return total
    return must(balance["free"], currency) + (decimal(balance["used"], currency) or Decimal(0))


def listed_positions(
    balance: Json, symbols: Iterable[str]
) -> dict[str, tuple[Decimal, Decimal | None]] | None:
    """Return quantity and entry price by symbol where the exchange lists positions, else None."""
    info = balance.get("info")
    rows = info.get("positions") if isinstance(info, dict) else None
    if not isinstance(rows, list):
        return None
    names = {symbol.replace("/", ""): symbol for symbol in symbols}
    ours = [(names.get(str(row.get("symbol")).replace("/", "")), row) for row in rows]
    return {symbol: (must(row, "qty"), decimal(row, "avg_entry_price")) for symbol, row in ours if symbol}


def listed_equity(info: Any) -> Decimal | None:
    """Return the account's worth where the exchange reckons it; None where it does not."""
    account = info.get("account") if isinstance(info, dict) else None
    return decimal(account, "equity") if isinstance(account, dict) else None


def time_ns(data: Json, field: str) -> int:
    """Return a time in ms as ns since the epoch, UTC; 0 if there is none."""
    value = data.get(field)
    return int(value) * NS_PER_MS if value else 0


def need(data: Json, field: str) -> Any:
    """Return a field that must be there."""
    value = data.get(field)
    if value is None or value == "":
        raise WireError(f"field {field!r} is missing in {dict(data)!r:.200}")
    return value


def decimal(data: Json, field: str) -> Decimal | None:
    """Return a number exactly as its text has it; None if there is none."""
    value = data.get(field)
    if value is None or value == "":
        return None
    if isinstance(value, float):
        value = repr(value)
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise WireError(f"field {field!r} is {value!r}, not a number") from None
    if not number.is_finite():
        raise WireError(f"field {field!r} is {value!r}, not a finite number")
    return number


def must(data: Json, field: str) -> Decimal:
    """Return a number that must be there."""
    need(data, field)
    number = decimal(data, field)
    if number is None:
        raise WireError(f"field {field!r} is empty")
    return number


def _status(data: Json, qty: Decimal, filled: Decimal) -> OrderStatus:
    word = data.get("status")
    if word == "closed":
        # An order that takes what it can and ends is closed too.
        return OrderStatus.FILLED if filled >= qty else OrderStatus.CANCELED
    # Some exchanges answer a new order with its id alone.
    status = OrderStatus.ACCEPTED if word is None else _STATUS.get(str(word), OrderStatus.UNKNOWN)
    return OrderStatus.PARTIALLY_FILLED if status is OrderStatus.ACCEPTED and filled else status


def _type(data: Json, limit: Decimal | None, stop: Decimal | None) -> OrderType:
    word = str(data.get("type") or "")
    is_limit = "limit" in word or (word not in {"market", "stop", "stop_loss"} and limit is not None)
    return _TYPES[(is_limit, stop is not None and stop > 0)]


def _time_in_force(data: Json, asked: OrderRequest | None) -> TimeInForce:
    known = _TIMES_IN_FORCE.get(str(data.get("timeInForce") or "").lower())
    return known or (asked.time_in_force if asked else TimeInForce.GTC)
