"""The real matching engine behind the broker port."""

import threading
from collections.abc import Callable
from decimal import Decimal

from ratchet.core.assets import Registry
from ratchet.core.exchange import Exchange, ExchangeConfig, ExchangeEvent, ExchangeOrder, OrderRejected
from ratchet.core.exchange import OrderRequest as ExchangeRequest
from ratchet.core.exchange import ReplaceRequest as ExchangeReplace
from ratchet.core.market import BarBatch
from ratchet.core.orders import OrderStatus, Trail
from ratchet.execution.venue.broker import (
    BrokerAccount,
    BrokerActivity,
    BrokerFill,
    BrokerOrder,
    BrokerPosition,
    BrokerRefusedError,
    BrokerUnreachableError,
    DuplicateOrderError,
    OrderNotFoundError,
    OrderRequest,
    ReplaceRequest,
    TradeUpdate,
)

_STATUS = {
    "new": OrderStatus.ACCEPTED, "accepted": OrderStatus.ACCEPTED, "filled": OrderStatus.FILLED,
    "partially_filled": OrderStatus.PARTIALLY_FILLED, "canceled": OrderStatus.CANCELED,
    "expired": OrderStatus.EXPIRED, "replaced": OrderStatus.REPLACED,
}  # fmt: skip


class CoreBroker:
    """The real matching engine behind the broker port; its trade updates can be lost, doubled or mute."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.exchange = Exchange(registry, ExchangeConfig(), "test")
        self.handler: Callable[[TradeUpdate], None] = lambda _: None
        self.number = 0
        self.known: dict[str, ExchangeOrder] = {}
        self.executions: list[BrokerFill] = []
        self.submit_faults: list[str] = []
        self.look_up_faults: list[str] = []
        self.submitted: list[str] = []
        self.lose: Callable[[TradeUpdate], bool] = lambda _: False
        self.repeat = 1
        self.extra_cash = Decimal(0)
        self.cancel_faults: list[str] = []
        self.cancels = 0
        self.told: list[BrokerActivity] = []
        self.hand_made: list[BrokerPosition] = []
        self.is_away = False
        self.lock = threading.RLock()

    def on_bars(self, bars: tuple[BarBatch, ...]) -> None:
        with self.lock:
            self._emit(self.exchange.on_bars(bars))

    def submit(self, request: OrderRequest) -> BrokerOrder:
        fault = self.submit_faults.pop(0) if self.submit_faults else ""
        self.submitted.append(request.client_order_id)
        if fault == "lost":
            raise BrokerUnreachableError("the request was lost")
        with self.lock:
            try:
                order = self.exchange.submit(self._asked(request), self.exchange.ts)
            except OrderRejected as error:
                if "unique" in error.message:
                    raise DuplicateOrderError(str(error.code), error.message, 422) from error
                raise BrokerRefusedError(str(error.code), error.message, error.http_status) from error
            self._emit(self.exchange.drain_events())
        if fault == "accepted":
            raise BrokerUnreachableError("the answer was lost")
        return self._order(order)

    def cancel(self, broker_order_id: str) -> None:
        self.cancels += 1
        fault = self.cancel_faults.pop(0) if self.cancel_faults else ""
        if fault == "lost":
            raise BrokerUnreachableError("the cancel was lost")
        with self.lock:
            try:
                self.exchange.cancel(broker_order_id, self.exchange.ts)
            except OrderRejected as error:
                raise BrokerRefusedError(str(error.code), error.message, error.http_status) from error
            self._emit(self.exchange.drain_events())
        if fault == "accepted":
            raise BrokerUnreachableError("the cancel's answer was lost")

    def replace(self, broker_order_id: str, change: ReplaceRequest) -> BrokerOrder:
        fault = self.submit_faults.pop(0) if self.submit_faults else ""
        if fault == "lost":
            raise BrokerUnreachableError("the replace was lost")
        with self.lock:
            asked = ExchangeReplace(
                qty=change.qty, limit_price=change.limit_price, stop_price=change.stop_price,
                client_order_id=change.client_order_id,
                trail=(change.trail.price or change.trail.percent) if change.trail else None,
            )  # fmt: skip
            try:
                order = self.exchange.replace(broker_order_id, asked, self.exchange.ts)
            except OrderRejected as error:
                raise BrokerRefusedError(str(error.code), error.message, error.http_status) from error
            self._emit(self.exchange.drain_events())
        if fault == "accepted":
            raise BrokerUnreachableError("the replace's answer was lost")
        return self._order(order)

    def activities(self, since_ns: int) -> list[BrokerActivity]:
        return [row for row in self.told if row.ts > since_ns]

    def get_by_client_id(self, client_order_id: str) -> BrokerOrder:
        if self.look_up_faults:
            raise BrokerUnreachableError(self.look_up_faults.pop(0))
        with self.lock:
            found = self.exchange.order_by_client_id(client_order_id)
            ended = [order for order in self.known.values() if order.client_order_id == client_order_id]
            order = found or (ended[-1] if ended else None)
        if order is None:
            raise OrderNotFoundError("40410000", "order not found", 404)
        return self._order(order)

    def list_orders(self, since_ns: int | None = None, *, open_only: bool = False) -> list[BrokerOrder]:
        with self.lock:
            current = [self.exchange.order(key) or order for key, order in self.known.items()]
        return [
            self._order(order)
            for order in current
            if order.created_ts > (since_ns or 0) and (order.is_open or not open_only)
        ]

    def positions(self) -> list[BrokerPosition]:
        if self.is_away:
            raise BrokerUnreachableError("the venue is away")
        return self.hand_made + [
            BrokerPosition(self.registry[row.asset_id].symbol, row.qty, row.avg_entry_price)
            for row in self.exchange.positions()
        ]

    def account(self) -> BrokerAccount:
        view = self.exchange.account()
        return BrokerAccount("PA1", view.cash + self.extra_cash, view.equity, False)

    def fills(self, since_ns: int) -> list[BrokerFill]:
        return [fill for fill in self.executions if fill.ts > since_ns]

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
            trail_price=request.trail.price if request.trail else None,
            trail_percent=request.trail.percent if request.trail else None,
        )

    def _emit(self, events: list[ExchangeEvent]) -> None:
        for event in events:
            self.number += 1
            self.known[event.order.id] = event.order
            update = self._update(event)
            if update.fill is not None:
                self.executions.append(update.fill)
            if not self.lose(update):
                for _ in range(self.repeat):
                    self.handler(update)

    def _update(self, event: ExchangeEvent) -> TradeUpdate:
        order, fill = self._order(event.order), None
        if event.is_execution:
            fill = BrokerFill(
                event.execution_id, order.broker_order_id, order.client_order_id, order.symbol, order.side,
                event.qty or Decimal(0), event.price or Decimal(0), event.order.filled_qty, event.ts,
                event.fee, event.fee_in_base,
            )  # fmt: skip
        return TradeUpdate(event.type.value, event.ts, order, fill, self.number)

    def _order(self, order: ExchangeOrder) -> BrokerOrder:
        return BrokerOrder(
            order.id, order.client_order_id, self.registry[order.asset_id].symbol, order.side, order.type,
            order.time_in_force, _STATUS[order.status.value], order.qty or Decimal(0), order.filled_qty,
            order.filled_avg_price, order.limit_price, order.stop_price, order.created_ts, order.updated_ts,
            order.status.value, order.replaced_by,
            None if order.hwm is None else Trail(order.trail_price, order.trail_percent),
        )  # fmt: skip
