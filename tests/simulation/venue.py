"""The real matching engine behind a network that loses, delays and repeats."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar

from ratchet.core.assets import Registry
from ratchet.core.exchange import Exchange, ExchangeConfig, ExchangeEvent, ExchangeOrder, OrderRejected
from ratchet.core.exchange import OrderRequest as ExchangeRequest
from ratchet.core.market import BarBatch
from ratchet.core.orders import OrderStatus
from ratchet.execution.venue.broker import (
    BrokerAccount,
    BrokerFill,
    BrokerOrder,
    BrokerPosition,
    BrokerRefusedError,
    BrokerThrottledError,
    BrokerUnreachableError,
    DuplicateOrderError,
    OrderNotFoundError,
    OrderRequest,
    TradeUpdate,
)
from tests.simulation.clock import SECOND, VirtualClock
from tests.simulation.faults import Faults

T = TypeVar("T")
TIMEOUT_S = 5.0
SETTLE_S = 7.0
_STATUS = {
    "new": OrderStatus.ACCEPTED,
    "accepted": OrderStatus.ACCEPTED,
    "filled": OrderStatus.FILLED,
    "partially_filled": OrderStatus.PARTIALLY_FILLED,
    "canceled": OrderStatus.CANCELED,
    "expired": OrderStatus.EXPIRED,
}


@dataclass
class SimVenue:
    """The broker port of one account; `on_submit` sees every order that arrives."""

    registry: Registry
    clock: VirtualClock
    faults: Faults
    on_submit: Callable[[OrderRequest], None] = lambda _: None
    handler: Callable[[TradeUpdate], None] = lambda _: None
    number: int = 0
    executions: list[BrokerFill] = field(default_factory=list)
    known: dict[str, ExchangeOrder] = field(default_factory=dict)
    arrivals: list[str] = field(default_factory=list)
    connected: bool = True
    _in_flight: list[tuple[int, Callable[[], object]]] = field(default_factory=list)
    _delayed: list[tuple[int, TradeUpdate]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.exchange = Exchange(self.registry, ExchangeConfig(), "sim")

    def on_bars(self, bars: tuple[BarBatch, ...]) -> None:
        """Match, and tell what happened."""
        self._tell(self.exchange.on_bars(bars))

    def deliver(self) -> None:
        """Let arrive what was on its way until now."""
        now = self.clock.ns
        due = [action for at, action in self._in_flight if at <= now]
        self._in_flight = [item for item in self._in_flight if item[0] > now]
        for action in due:
            try:
                action()
            except BrokerRefusedError:
                continue  # nobody waits for the answer
        ready = [update for at, update in self._delayed if at <= now]
        self._delayed = [item for item in self._delayed if item[0] > now]
        for update in ready:
            self._hand_over(update)

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is on its way."""
        return not (self._in_flight or self._delayed)

    def submit(self, request: OrderRequest) -> BrokerOrder:
        """Place an order."""
        return self._write(lambda: self._submit(request))

    def cancel(self, broker_order_id: str) -> None:
        """Cancel an order."""
        self._write(lambda: self._cancel(broker_order_id))

    def get_by_client_id(self, client_order_id: str) -> BrokerOrder:
        """Look an order up."""
        self._read()
        order = self.exchange.order_by_client_id(client_order_id)
        if order is None:
            raise OrderNotFoundError("40410000", "order not found", 404)
        return self._order(order)

    def list_orders(self, since_ns: int | None = None, *, open_only: bool = False) -> list[BrokerOrder]:
        """List orders."""
        self._read()
        current = [self.exchange.order(key) or order for key, order in self.known.items()]
        return [
            self._order(order)
            for order in current
            if order.created_ts > (since_ns or 0) and (order.is_open or not open_only)
        ]

    def positions(self) -> list[BrokerPosition]:
        """List positions."""
        self._read()
        held = self.exchange.positions()
        return [
            BrokerPosition(self.registry[row.asset_id].symbol, row.qty, row.avg_entry_price) for row in held
        ]

    def account(self) -> BrokerAccount:
        """Read the account."""
        self._read()
        view = self.exchange.account()
        return BrokerAccount("SIM", view.cash, view.equity, trading_blocked=False)

    def fills(self, since_ns: int) -> list[BrokerFill]:
        """List executions."""
        self._read()
        return [fill for fill in self.executions if fill.ts > since_ns]

    def _write(self, action: Callable[[], T]) -> T:
        self._before()
        if self.faults.strikes("lost"):
            self._time_out()
        if self.faults.strikes("late"):
            delay_s = TIMEOUT_S + self.faults.random.random() * (SETTLE_S - TIMEOUT_S) * 0.9
            self._in_flight.append((self.clock.ns + int(delay_s * SECOND), action))
            self._time_out()
        done = action()
        if self.faults.strikes("answer_lost"):
            self._time_out()
        self.faults.crash()
        return done

    def _read(self) -> None:
        self._before()
        if self.faults.strikes("lost"):
            self._time_out()

    def _before(self) -> None:
        self.faults.crash()
        self.clock.pass_s(0.002 + self.faults.random.random() * 0.02)
        if self.faults.strikes("throttled"):
            raise BrokerThrottledError("HTTP 429", 1.0)

    def _time_out(self) -> None:
        self.clock.pass_s(TIMEOUT_S)
        self.deliver()
        raise BrokerUnreachableError("no answer in time")

    def _submit(self, request: OrderRequest) -> BrokerOrder:
        self.on_submit(request)
        try:
            order = self.exchange.submit(self._asked(request), self.clock.ns)
        except OrderRejected as error:
            if "unique" in error.message:
                raise DuplicateOrderError(str(error.code), error.message, 422) from error
            raise BrokerRefusedError(str(error.code), error.message, error.http_status) from error
        self.arrivals.append(request.client_order_id)
        self._tell(self.exchange.drain_events())
        return self._order(self.exchange.order(order.id) or order)

    def _cancel(self, broker_order_id: str) -> None:
        try:
            self.exchange.cancel(broker_order_id, self.clock.ns)
        except OrderRejected as error:
            raise BrokerRefusedError(str(error.code), error.message, error.http_status) from error
        self._tell(self.exchange.drain_events())

    def _asked(self, request: OrderRequest) -> ExchangeRequest:
        return ExchangeRequest(
            client_order_id=request.client_order_id,
            asset_id=self.registry.by_symbol(request.symbol).id,
            side=request.side,
            qty=request.qty,
            type=request.type,
            time_in_force=request.time_in_force,
            limit_price=request.limit_price,
            stop_price=request.stop_price,
        )

    def _tell(self, events: list[ExchangeEvent]) -> None:
        for event in events:
            self.number += 1
            self.known[event.order.id] = event.order
            update = self._update(event)
            if update.fill is not None:
                self.executions.append(update.fill)
            if not self.connected or self.faults.strikes("update_lost"):
                continue
            for _ in range(2 if self.faults.strikes("update_doubled") else 1):
                delayed = self.faults.strikes("update_delayed")
                delay_s = 0.01 + self.faults.random.random() * (20.0 if delayed else 0.05)
                self._delayed.append((self.clock.ns + int(delay_s * SECOND), update))

    def _hand_over(self, update: TradeUpdate) -> None:
        if self.connected:
            self.handler(update)

    def _update(self, event: ExchangeEvent) -> TradeUpdate:
        order, fill = self._order(event.order), None
        if event.is_execution:
            fill = BrokerFill(
                event.execution_id,
                order.broker_order_id,
                order.client_order_id,
                order.symbol,
                order.side,
                event.qty or Decimal(0),
                event.price or Decimal(0),
                event.order.filled_qty,
                event.ts,
            )
        return TradeUpdate(event.type.value, event.ts, order, fill, self.number)

    def _order(self, order: ExchangeOrder) -> BrokerOrder:
        return BrokerOrder(
            order.id,
            order.client_order_id,
            self.registry[order.asset_id].symbol,
            order.side,
            order.type,
            order.time_in_force,
            _STATUS[order.status.value],
            order.qty or Decimal(0),
            order.filled_qty,
            order.filled_avg_price,
            order.limit_price,
            order.stop_price,
            order.created_ts,
            order.updated_ts,
            order.status.value,
        )
