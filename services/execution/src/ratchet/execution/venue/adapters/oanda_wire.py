"""OANDA's JSON to the broker port's types and back; orders are rebuilt from the account's journal.

OANDA's orders do not tell at what price they were filled, and its accounts forget the client's id of an order
that has ended. The journal of transactions tells both.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any

from ratchet.core.assets import Registry
from ratchet.core.fx.routing import client_order_id_of, ending_of, position_fill_of, time_in_force_of
from ratchet.core.orders import OrderStatus, OrderType, Side, TimeInForce
from ratchet.execution.venue.adapters.alpaca_wire import WireError, parse_time
from ratchet.execution.venue.broker import (
    BrokerAccount,
    BrokerActivity,
    BrokerFill,
    BrokerOrder,
    BrokerPosition,
    BrokerRefusedError,
    OrderRequest,
    ReplaceRequest,
)

Json = Mapping[str, Any]
UNSUPPORTED = "ORDER_TYPE_UNSUPPORTED"
DUPLICATE = "CLIENT_ORDER_ID_ALREADY_EXISTS"
_TYPES = {
    "MARKET": OrderType.MARKET,
    "LIMIT": OrderType.LIMIT,
    "STOP": OrderType.STOP,
    "MARKET_IF_TOUCHED": OrderType.STOP,
    "TAKE_PROFIT": OrderType.LIMIT,
    "STOP_LOSS": OrderType.STOP,
    "TRAILING_STOP_LOSS": OrderType.TRAILING_STOP,
}
_TIMES = {
    "GTC": TimeInForce.GTC,
    "GTD": TimeInForce.GTC,
    "GFD": TimeInForce.DAY,
    "FOK": TimeInForce.FOK,
    "IOC": TimeInForce.IOC,
}


class Symbols:
    """Names of the registry and OANDA's: `rules.instrument`, else the symbol with an underscore."""

    def __init__(self, registry: Registry) -> None:
        pairs = [
            (asset.symbol, str(asset.rules.get("instrument", asset.symbol.replace("/", "_"))))
            for asset in registry
        ]
        self._instruments = dict(pairs)
        self._symbols = {instrument: symbol for symbol, instrument in pairs}

    def instrument(self, symbol: str) -> str:
        """Return OANDA's name of a symbol."""
        return self._instruments.get(symbol, symbol.replace("/", "_"))

    def symbol(self, instrument: str) -> str:
        """Return the registry's symbol of an instrument."""
        return self._symbols.get(instrument, instrument.replace("_", "/"))


def order_body(request: OrderRequest, symbols: Symbols) -> dict[str, Any]:
    """Return the body of POST /orders; BrokerRefusedError for a type that OANDA does not have."""
    body: dict[str, Any] = {
        "type": request.type.value.upper(),
        "instrument": symbols.instrument(request.symbol),
        "units": f"{request.side.sign * request.qty:f}",
        "timeInForce": _time_in_force(request),
        "positionFill": position_fill_of(request.intent).value,
        "clientExtensions": {"id": request.client_order_id},
    }
    price = {OrderType.LIMIT: request.limit_price, OrderType.STOP: request.stop_price}.get(request.type)
    if price is not None:
        body["price"] = f"{price:f}"
    return {"order": body}


def replacing_body(order: BrokerOrder, change: ReplaceRequest, symbols: Symbols) -> dict[str, Any]:
    """Return the body of PUT /orders/{id}: the order as it was, with what should be different."""
    return order_body(
        OrderRequest(
            client_order_id=change.client_order_id,
            symbol=order.symbol,
            side=order.side,
            type=order.type,
            time_in_force=order.time_in_force,
            qty=change.qty or order.qty,
            limit_price=change.limit_price or order.limit_price,
            stop_price=change.stop_price or order.stop_price,
            intent=change.intent,
        ),
        symbols,
    )


def _time_in_force(request: OrderRequest) -> str:
    found = time_in_force_of(request.type, request.time_in_force)
    if found is None:
        asked = f"{request.type.value} order with time in force {request.time_in_force.value}"
        raise BrokerRefusedError(UNSUPPORTED, f"OANDA takes no {asked}", 400)
    return found.value


class Journal:
    """Orders as an account's transactions tell them; feed it oldest first."""

    def __init__(self, account: str, symbols: Symbols) -> None:
        self.account = account
        self._symbols = symbols
        self.orders: dict[str, BrokerOrder] = {}
        self.rejected: dict[str, BrokerOrder] = {}

    def read(self, entries: Iterable[Json]) -> None:
        """Take transactions."""
        for entry in entries:
            self.take(entry)

    def take(self, entry: Json) -> BrokerOrder | None:
        """Take one transaction; return the order that it concerns, if it is known."""
        kind = str(need(entry, "type"))
        if kind.endswith("_ORDER"):
            return self._create(entry, kind.removesuffix("_ORDER"))
        if kind.endswith("_ORDER_REJECT"):
            return self._reject(entry, kind.removesuffix("_ORDER_REJECT"))
        if kind in {"ORDER_FILL", "ORDER_CANCEL"}:
            return self._end(entry, is_fill=kind == "ORDER_FILL")
        return None

    def put(self, order: BrokerOrder) -> None:
        """Take an order that REST tells."""
        self.orders[order.broker_order_id] = order

    def _create(self, entry: Json, kind: str) -> BrokerOrder:
        order = self._order(entry, kind, str(need(entry, "id")), OrderStatus.ACCEPTED)
        self.orders[order.broker_order_id] = order
        return order

    def _reject(self, entry: Json, kind: str) -> BrokerOrder | None:
        order = self._order(entry, kind, str(need(entry, "id")), OrderStatus.REJECTED)
        if entry.get("rejectReason") != DUPLICATE:
            self.rejected[order.client_order_id] = order
        return order

    def _order(self, entry: Json, kind: str, order_id: str, status: OrderStatus) -> BrokerOrder:
        created = parse_time(need(entry, "time"))
        return _make_order(self._symbols, self.account, entry, kind, order_id, status, created)

    def _end(self, entry: Json, *, is_fill: bool) -> BrokerOrder | None:
        order = self.orders.get(str(need(entry, "orderID")))
        if order is None:
            return None
        ts = parse_time(need(entry, "time"))
        order = filled(order, entry, ts, self._symbols) if is_fill else cancelled(order, entry, ts)
        self.orders[order.broker_order_id] = order
        return order


def parse_order(data: Json, account: str, symbols: Symbols) -> BrokerOrder:
    """Read a pending order as GET /orders/{id} shows it."""
    state = str(need(data, "state"))
    status = {"PENDING": OrderStatus.ACCEPTED, "CANCELLED": OrderStatus.CANCELED}.get(
        state, OrderStatus.ACCEPTED
    )
    kind, order_id, created = str(need(data, "type")), str(need(data, "id")), need(data, "createTime")
    return _make_order(symbols, account, data, kind, order_id, status, parse_time(created))


def _make_order(
    symbols: Symbols, account: str, data: Json, kind: str, order_id: str, status: OrderStatus, created: int
) -> BrokerOrder:
    units = number(data, "units") or Decimal(0)
    order_type = _TYPES.get(kind, OrderType.MARKET)
    price = number(data, "price")
    return BrokerOrder(
        broker_order_id=order_id,
        client_order_id=client_order_id_of((data.get("clientExtensions") or {}).get("id"), account, order_id),
        symbol=symbols.symbol(str(data.get("instrument") or "")),
        side=Side.BUY if units >= 0 else Side.SELL,
        type=order_type,
        time_in_force=_TIMES.get(str(data.get("timeInForce")), TimeInForce.GTC),
        status=status,
        qty=abs(units),
        filled_qty=Decimal(0),
        filled_avg_price=None,
        limit_price=price if order_type is OrderType.LIMIT else None,
        stop_price=price if order_type is OrderType.STOP else None,
        created_ns=created,
        updated_ns=created,
    )


def filled(order: BrokerOrder, entry: Json, ts: int, symbols: Symbols) -> BrokerOrder:
    """Return an order after its fill; what an IOC order did not get is cancelled."""
    units = must(entry, "units")
    done = abs(units) >= order.qty
    return replace(
        order,
        symbol=symbols.symbol(str(need(entry, "instrument"))),
        side=Side.BUY if units > 0 else Side.SELL,
        qty=order.qty or abs(units),
        status=OrderStatus.FILLED if done else OrderStatus.CANCELED,
        filled_qty=abs(units),
        filled_avg_price=must(entry, "price"),
        updated_ns=ts,
    )


def cancelled(order: BrokerOrder, entry: Json, ts: int) -> BrokerOrder:
    """Return an order after its cancellation: a refusal, unless somebody asked for it or it expired."""
    reason = str(need(entry, "reason"))
    return replace(
        order,
        status=ending_of(reason),
        updated_ns=ts,
        raw_status=reason,
        replaced_by=str(entry.get("replacedByOrderID") or ""),
    )


def parse_fill(entry: Json, account: str, symbols: Symbols) -> BrokerFill:
    """Read one ORDER_FILL; an order fills once, so its quantity is cumulative."""
    units, order_id = must(entry, "units"), str(need(entry, "orderID"))
    return BrokerFill(
        execution_id=f"{account}-{need(entry, 'id')}",
        broker_order_id=order_id,
        client_order_id=client_order_id_of(entry.get("clientOrderID"), account, order_id),
        symbol=symbols.symbol(str(need(entry, "instrument"))),
        side=Side.BUY if units > 0 else Side.SELL,
        qty=abs(units),
        price=must(entry, "price"),
        cum_qty=abs(units),
        ts=parse_time(need(entry, "time")),
        pl=settled(entry),
    )


def settled(entry: Json) -> Decimal:
    """Return what a fill did to the balance: profit and financing less commission and fees."""
    charges = (number(entry, name) or Decimal(0) for name in ("commission", "guaranteedExecutionFee"))
    return must(entry, "pl") + (number(entry, "financing") or Decimal(0)) - sum(charges, Decimal(0))


def parse_activities(entry: Json, account: str, symbols: Symbols) -> list[BrokerActivity]:
    """Read financing, one activity an instrument, or a transfer of funds; their types are Alpaca's."""
    key, time = f"{account}-{need(entry, 'id')}", str(need(entry, "time"))
    ts, day = parse_time(time), time[:10]
    if need(entry, "type") == "TRANSFER_FUNDS":
        text = str(entry.get("fundingReason") or "")
        return [BrokerActivity(key, "TRANS", ts, day, amount=must(entry, "amount"), description=text)]
    found = []
    for row in entry.get("positionFinancings") or ():
        name = str(need(row, "instrument"))
        amount, symbol = must(row, "financing"), symbols.symbol(name)
        found.append(BrokerActivity(f"{key}-{name}", "INT", ts, day, symbol, amount=amount))
    return found


def parse_position(data: Json, symbols: Symbols) -> BrokerPosition:
    """Read one position of an account that nets: one of its sides is empty."""
    sides = [data.get("long") or {}, data.get("short") or {}]
    units = [number(side, "units") or Decimal(0) for side in sides]
    held = sides[0] if units[0] else sides[1]
    price = must(held, "averagePrice") if sum(units) else Decimal(0)
    return BrokerPosition(symbols.symbol(str(need(data, "instrument"))), sum(units, Decimal(0)), price)


def parse_account(data: Json) -> BrokerAccount:
    """Read the summary: cash is the balance, equity the net asset value."""
    return BrokerAccount(
        account_number=str(need(data, "id")),
        cash=must(data, "balance"),
        equity=must(data, "NAV"),
        trading_blocked=False,
    )


def need(data: Json, field: str) -> Any:
    """Return a field that must be there; WireError names it."""
    value = data.get(field)
    if value is None:
        raise WireError(f"field {field!r} is missing in {dict(data)!r:.200}")
    return value


def number(data: Json, field: str) -> Decimal | None:
    """Return a number, None if it is absent; WireError names a field that is not one."""
    value = data.get(field)
    if value is None or value == "":
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        raise WireError(f"field {field!r} is {value!r}, not a number") from None
    if not found.is_finite():
        raise WireError(f"field {field!r} is {value!r}, not a finite number")
    return found


def must(data: Json, field: str) -> Decimal:
    """Return a number that must be there."""
    need(data, field)
    found = number(data, field)
    if found is None:
        raise WireError(f"field {field!r} is empty in {dict(data)!r:.200}")
    return found
