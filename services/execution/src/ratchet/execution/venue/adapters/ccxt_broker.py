"""Crypto spot exchanges through ccxt, behind the broker port."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from ratchet.common.logging import get_logger
from ratchet.core.assets import Asset
from ratchet.core.orders import OrderType, TimeInForce
from ratchet.execution.venue.adapters import ccxt_wire as wire
from ratchet.execution.venue.adapters.ccxt_client import CcxtClient, CcxtOptions
from ratchet.execution.venue.adapters.ccxt_ids import IdError, from_wire, to_wire
from ratchet.execution.venue.adapters.ccxt_listing import Listing
from ratchet.execution.venue.adapters.ccxt_venues import LookUp
from ratchet.execution.venue.broker import (
    BrokerAccount,
    BrokerFill,
    BrokerOrder,
    BrokerPosition,
    BrokerRefusedError,
    BrokerUnreachableError,
    OrderNotFoundError,
    OrderRequest,
)

_log = get_logger("ccxt")

_TYPES = frozenset({OrderType.MARKET, OrderType.LIMIT, OrderType.STOP_LIMIT})
_TIMES_IN_FORCE = frozenset({TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK})
_REMEMBERED = 10_000
UNSUPPORTED, INEXACT = "UNSUPPORTED", "NOT_A_MULTIPLE"


class CcxtBroker:
    """The broker port over one exchange's spot account; calls are serialised, so any thread may use it."""

    def __init__(self, options: CcxtOptions, assets: Iterable[Asset]) -> None:
        self.client = CcxtClient(options)
        symbols = {_symbol(asset): asset.symbol for asset in assets}
        quotes = sorted({symbol.partition("/")[2] for symbol in symbols})
        if len(quotes) != 1:
            raise ValueError(
                f"the pairs are quoted in {', '.join(quotes) or 'nothing'}; an account keeps its books in "
                "one currency"
            )
        self._cash_currency = options.cash_currency or quotes[0]
        self._ours = symbols
        self._theirs = {ours: theirs for theirs, ours in symbols.items()}
        self._key = options.key
        # Orders by our id as last reported, so that a look-up knows the market and the stream what to watch.
        self._seen: OrderedDict[str, BrokerOrder] = OrderedDict()
        self._lock = threading.Lock()
        self._listing = Listing(self.client, tuple(symbols))

    @property
    def open_seen(self) -> list[BrokerOrder]:
        """Orders that were open when the exchange last told of them."""
        with self._lock:
            return [order for order in self._seen.values() if order.status.value in _OPEN]

    def submit(self, request: OrderRequest) -> BrokerOrder:
        """Place an order once. Refused here: what the exchange would only do in another way than asked."""
        self._check(request)
        symbol, wire_id = self._theirs_of(request.symbol), self._wire_id(request.client_order_id)
        params: dict[str, Any] = {"clientOrderId": wire_id}
        if request.type is not OrderType.MARKET:
            params["timeInForce"] = request.time_in_force.value.upper()
        if request.stop_price is not None:
            params["triggerPrice"] = f"{request.stop_price:f}"
        kind = "market" if request.type is OrderType.MARKET else "limit"

        def place(exchange: Any) -> BrokerOrder:
            self._check_exact(exchange, symbol, request)
            answer = exchange.create_order(
                symbol, kind, request.side.value, request.qty, request.limit_price, params
            )
            return wire.parse_order({**answer, "symbol": request.symbol}, request.client_order_id, request)

        return self._note(self.client.ask("submit", place))

    def cancel(self, broker_order_id: str) -> None:
        """Cancel by the exchange's id, in the market of the order."""
        symbol = self._market_of(broker_order_id)
        self.client.ask("cancel", lambda exchange: exchange.cancel_order(broker_order_id, symbol))

    def get_by_client_id(self, client_order_id: str) -> BrokerOrder:
        """Find an order by our id: OrderNotFoundError only if every market of ours has said so."""
        how, wire_id = self.client.rules.look_up, self._wire_id(client_order_id)
        if how is LookUp.BY_ENDPOINT:
            row = self.client.ask("get_order", lambda exchange: _by_endpoint(exchange, wire_id))
            return self._found(row, client_order_id)
        if how is LookUp.BY_LISTING:
            rows = self._listing.orders(None)
            match = next((row for row in rows if row.get("clientOrderId") == wire_id), None)
            if match is None:
                raise OrderNotFoundError("NOT_LISTED", f"no order {client_order_id} in the last week", 0)
            return self._found(match, client_order_id)
        return self._in_markets(client_order_id, wire_id)

    def list_orders(self, since_ns: int | None = None, *, open_only: bool = False) -> list[BrokerOrder]:
        """Return orders of all our markets, oldest first; without a time, those of the last week."""
        since_ms = None if since_ns is None else since_ns // wire.NS_PER_MS
        rows = self._listing.open_orders() if open_only else self._listing.orders(since_ms)
        parsed = [order for row in rows if (order := self._parse(row)) is not None]
        orders = [order for order in parsed if since_ns is None or order.created_ns > since_ns]
        return sorted(orders, key=lambda order: (order.created_ns, order.broker_order_id))

    def positions(self) -> list[BrokerPosition]:
        """Return what is held in our markets' base currencies.

        Spot has no entry prices; where the exchange lists none, it is the last price.
        """
        return [
            BrokerPosition(self._ours[symbol], qty, price or self._last_price(symbol))
            for symbol, (qty, price) in self._held(self._balance()).items()
        ]

    def account(self) -> BrokerAccount:
        """Return the balance in the quote currency, and what all balances in our markets are worth."""
        balance = self._balance()
        cash = self._totals(balance).get(self._cash_currency, Decimal(0))
        info = balance.get("info") or {}
        told = wire.listed_equity(info)
        held = self._held(balance).items() if told is None else ()
        worth = sum((qty * self._last_price(symbol) for symbol, (qty, _) in held), cash)
        return BrokerAccount(self._account_number(info), cash, told or worth, _is_blocked(info))

    def fills(self, since_ns: int) -> list[BrokerFill]:
        """Return our executions of all our markets since a time, oldest first."""
        try:
            rows = self._listing.trades(since_ns // wire.NS_PER_MS, self._created_ms)
        except ValueError as error:
            raise BrokerUnreachableError(f"fills: {error}") from error
        found = [self._fill(row, cumulative) for row, cumulative in rows]
        since = [fill for fill in found if fill.ts >= since_ns // wire.NS_PER_MS * wire.NS_PER_MS]
        return sorted(since, key=lambda fill: (fill.ts, fill.broker_order_id, fill.cum_qty))

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def _check(self, request: OrderRequest) -> None:
        name, rules = self.client.name, self.client.rules
        if request.symbol not in self._theirs:
            raise BrokerRefusedError(UNSUPPORTED, f"symbol {request.symbol!r} is not traded at {name}", 0)
        if request.type not in _TYPES:
            allowed = ", ".join(sorted(_TYPES))
            raise BrokerRefusedError(UNSUPPORTED, f"type {request.type}: {name} takes {allowed}", 0)
        if request.type is not OrderType.MARKET and request.time_in_force not in _TIMES_IN_FORCE:
            allowed = ", ".join(sorted(_TIMES_IN_FORCE))
            raise BrokerRefusedError(
                UNSUPPORTED, f"time_in_force {request.time_in_force}: {name} takes {allowed}", 0
            )
        if rules.buys_by_cost and request.type is OrderType.MARKET and request.side.value == "buy":
            raise BrokerRefusedError(
                UNSUPPORTED, f"{name} takes market buys by money, not by quantity; use a limit order", 0
            )

    def _check_exact(self, exchange: Any, symbol: str, request: OrderRequest) -> None:
        """ccxt cuts quantities and rounds prices to what the exchange allows; we would rather know."""
        qty = Decimal(exchange.amount_to_precision(symbol, request.qty))
        if qty != request.qty:
            raise BrokerRefusedError(
                INEXACT,
                f"qty {request.qty} is not what {self.client.name} can trade of {symbol} ({qty} is)",
                0,
            )
        for field in ("limit_price", "stop_price"):
            price = getattr(request, field)
            if price is not None and Decimal(exchange.price_to_precision(symbol, price)) != price:
                raise BrokerRefusedError(
                    INEXACT, f"{field} {price} is between two price increments of {symbol}", 0
                )

    def _in_markets(self, client_order_id: str, wire_id: str) -> BrokerOrder:
        """Ask market by market, the one it is known to be in first."""
        with self._lock:
            seen = self._seen.get(client_order_id)
        known = self._theirs.get(seen.symbol) if seen else None
        markets = [known] if known else list(self._ours)
        parameter, missing = self.client.rules.id_parameter, None
        for symbol in markets:
            try:
                row = self.client.ask("get_order", _fetcher(symbol, {parameter: wire_id}))
            except OrderNotFoundError as error:
                missing = error
                continue
            return self._found(row, client_order_id)
        raise missing or OrderNotFoundError("NO_MARKETS", f"no order {client_order_id}", 0)

    def _found(self, row: wire.Json, client_order_id: str) -> BrokerOrder:
        order = self._parse(row)
        if order is None:
            raise BrokerUnreachableError(f"get_order: {row.get('symbol')!r} is not a market of ours")
        if order.client_order_id != client_order_id:
            raise BrokerUnreachableError(
                f"get_order: asked for {client_order_id}, told of {order.client_order_id}"
            )
        return order

    def _parse(self, row: wire.Json) -> BrokerOrder | None:
        """Read an order of ours or of somebody else in one of our markets; None in another market."""
        symbol = self._ours.get(str(row.get("symbol")))
        if symbol is None:
            return None
        theirs = str(row.get("clientOrderId") or row.get("id"))
        ours = from_wire(theirs, self.client.rules)
        try:
            return self._note(wire.parse_order({**row, "symbol": symbol}, ours))
        except ValueError as error:
            raise BrokerUnreachableError(f"list_orders: {error}") from error

    def _fill(self, row: wire.Json, cumulative: Decimal) -> BrokerFill:
        theirs = str(row["symbol"])
        foreign = wire.foreign_fees(row, *theirs.split("/", 1))
        if foreign:
            _log.warning("fee in a third currency is not booked", trade=str(row.get("id")), currency=foreign)
        order = self._by_broker_id(str(row.get("order")))
        try:
            return wire.parse_trade(
                {**row, "symbol": theirs}, self.client.name, self._ours[theirs],
                order.client_order_id if order else "", cumulative,
            )  # fmt: skip
        except ValueError as error:
            raise BrokerUnreachableError(f"fills: {error}") from error

    def _note(self, order: BrokerOrder) -> BrokerOrder:
        with self._lock:
            self._seen[order.client_order_id] = order
            self._seen.move_to_end(order.client_order_id)
            _shorten(self._seen, lambda item: item.status.value not in _OPEN)
        return order

    def _by_broker_id(self, broker_order_id: str) -> BrokerOrder | None:
        with self._lock:
            return next((o for o in self._seen.values() if o.broker_order_id == broker_order_id), None)

    def _created_ms(self, broker_order_id: str) -> int | None:
        order = self._by_broker_id(broker_order_id)
        return order.created_ns // wire.NS_PER_MS if order else None

    def _market_of(self, broker_order_id: str) -> str | None:
        order = self._by_broker_id(broker_order_id)
        if order is None:
            self.list_orders(open_only=True)
            order = self._by_broker_id(broker_order_id)
        return self._theirs.get(order.symbol) if order else None

    def _balance(self) -> dict[str, Any]:
        return self.client.ask("account", lambda exchange: dict(exchange.fetch_balance()))

    def _totals(self, balance: dict[str, Any]) -> dict[str, Decimal]:
        try:
            return {currency: wire.total_of(balance, currency) for currency in balance.get("total") or {}}
        except ValueError as error:
            raise BrokerUnreachableError(f"account: {error}") from error

    def _held(self, balance: dict[str, Any]) -> dict[str, tuple[Decimal, Decimal | None]]:
        """Return quantity and entry price by the exchange's symbol, for what is held."""
        try:
            listed = wire.listed_positions(balance, self._ours)
        except ValueError as error:
            raise BrokerUnreachableError(f"positions: {error}") from error
        if listed is not None:
            return listed
        totals = self._totals(balance)
        held = {symbol: totals.get(symbol.partition("/")[0], Decimal(0)) for symbol in self._ours}
        return {symbol: (qty, None) for symbol, qty in held.items() if qty}

    def _last_price(self, symbol: str) -> Decimal:
        def last(exchange: Any) -> Decimal:
            ticker = exchange.fetch_ticker(symbol)
            return wire.must(ticker, "last" if ticker.get("last") is not None else "close")

        return self.client.ask("ticker", last)

    def _account_number(self, info: Any) -> str:
        rows: Iterable[Any] = (info, info.get("account")) if isinstance(info, dict) else ()
        for row in rows:
            if isinstance(row, dict):
                number = row.get("uid") or row.get("account_number")
                if number:
                    return str(number)
        # Some exchanges do not name the account: the key stands for it, without giving it away.
        return f"{self.client.name}-{hashlib.sha256(self._key.encode()).hexdigest()[:12]}"

    def _theirs_of(self, symbol: str) -> str:
        return self._theirs[symbol]

    def _wire_id(self, client_order_id: str) -> str:
        try:
            return to_wire(client_order_id, self.client.rules)
        except IdError as error:
            raise BrokerRefusedError(UNSUPPORTED, str(error), 0) from error


_OPEN = frozenset({"accepted", "partially_filled", "pending_cancel", "held", "suspended", "unknown"})


def _symbol(asset: Asset) -> str:
    """The exchange's symbol of a pair: the registry's own, unless its rules name another."""
    return str(asset.rules.get("ccxt_symbol") or asset.symbol)


def _fetcher(symbol: str, params: dict[str, str]) -> Callable[[Any], dict[str, Any]]:
    return lambda exchange: dict(exchange.fetch_order(None, symbol, params))


def _by_endpoint(exchange: Any, wire_id: str) -> dict[str, Any]:
    row = exchange.request(
        "v2/orders:by_client_order_id", ["trader", "private"], "GET", {"client_order_id": wire_id}
    )
    return dict(exchange.parse_order(row))


def _is_blocked(info: Any) -> bool:
    if not isinstance(info, dict):
        return False
    account = info.get("account") or info
    return account.get("canTrade") is False or bool(account.get("trading_blocked"))


def _shorten(rows: "OrderedDict[str, Any]", may_go: Callable[[Any], bool]) -> None:
    """Forget the oldest that may go, beyond what is remembered."""
    excess = len(rows) - _REMEMBERED
    if excess > 0:
        for key in [key for key, row in rows.items() if may_go(row)][:excess]:
            del rows[key]
