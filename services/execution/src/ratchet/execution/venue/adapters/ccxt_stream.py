"""Trade updates of a ccxt exchange: read by REST, at once when its web socket says that something is new.

The web sockets of the exchanges differ in what they tell, and none numbers its messages; orders and trades by
REST are complete and exact. So the web socket only wakes the reader, and without one the reader asks at
intervals. Nothing is lost when the socket is.
"""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace

import ccxt.pro

from ratchet.common.logging import get_logger
from ratchet.core.orders import OrderStatus
from ratchet.execution.venue.adapters.ccxt_broker import CcxtBroker
from ratchet.execution.venue.adapters.ccxt_client import CcxtOptions, build_exchange
from ratchet.execution.venue.broker import (
    BrokerError,
    BrokerFill,
    BrokerOrder,
    OrderNotFoundError,
    TradeUpdate,
)

_log = get_logger("ccxt-stream")
_REMEMBERED = 20_000
_OVERLAP_NS = 2_000_000_000
_EVENTS = {
    OrderStatus.ACCEPTED: "new",
    OrderStatus.PARTIALLY_FILLED: "new",
    OrderStatus.PENDING_CANCEL: "pending_cancel",
    OrderStatus.FILLED: "fill",
    OrderStatus.CANCELED: "canceled",
    OrderStatus.EXPIRED: "expired",
    OrderStatus.REJECTED: "rejected",
}


class CcxtUpdates:
    """The port UpdateStream; `connected` says whether the exchange answered the last time it was asked."""

    def __init__(self, broker: CcxtBroker, *, poll_s: float = 2.0, nudge: "Nudge | None" = None) -> None:
        self.connected = False
        self.on_change: Callable[[bool], None] = lambda _: None
        self._broker = broker
        self._poll_s = poll_s
        self._nudge = nudge
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._told: OrderedDict[str, None] = OrderedDict()
        # Orders by our id as last told.
        self._states: dict[str, BrokerOrder] = {}

    def start(self, handler: Callable[[TradeUpdate], None]) -> None:
        """Deliver updates to the handler, in a thread."""
        self._thread = threading.Thread(target=self._run, args=(handler,), name="ccxt-stream", daemon=True)
        self._thread.start()
        if self._nudge is not None:
            self._nudge.start(self._wake.set)

    def stop(self) -> None:
        """Stop the threads."""
        self._stop.set()
        self._wake.set()
        if self._nudge is not None:
            self._nudge.stop()
        if self._thread is not None:
            self._thread.join(timeout=10.0)
            self._thread = None

    def _run(self, handler: Callable[[TradeUpdate], None]) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            try:
                updates = self._poll()
            except BrokerError as error:
                self._changed(False, str(error))
            else:
                self._changed(True)
                for update in updates:
                    handler(update)
            self._wake.wait(self._poll_s)

    def _changed(self, connected: bool, reason: str = "") -> None:
        if connected == self.connected:
            return
        _log.info("exchange", connected=connected, reason=reason)
        self.connected = connected
        self.on_change(connected)

    def _poll(self) -> list[TradeUpdate]:
        """Return what has happened to the orders that were open since the last time."""
        watched = {**self._states, **{order.client_order_id: order for order in self._broker.open_seen}}
        is_open = {order.client_order_id: order for order in self._broker.list_orders(open_only=True)}
        orders = {**is_open, **self._ended(watched.keys() - is_open.keys())}
        updates: list[TradeUpdate] = []
        if orders:
            since = min(order.created_ns for order in orders.values())
            for fill in self._broker.fills(max(0, since - _OVERLAP_NS)):
                if fill.client_order_id in orders and fill.execution_id not in self._told:
                    updates.append(_of_fill(fill, orders[fill.client_order_id]))
                    self._tell(fill.execution_id)
        updates += [_of_state(order) for order in orders.values() if self._is_news(order)]
        self._states = is_open
        return updates

    def _ended(self, keys: set[str]) -> dict[str, BrokerOrder]:
        found = {}
        for key in sorted(keys):
            try:
                found[key] = self._broker.get_by_client_id(key)
            except OrderNotFoundError:
                # Not ours to conclude anything from: execution asks for itself.
                continue
        return found

    def _is_news(self, order: BrokerOrder) -> bool:
        before = self._states.get(order.client_order_id)
        return before is None or before.status is not order.status

    def _tell(self, execution_id: str) -> None:
        self._told[execution_id] = None
        while len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)


class Nudge:
    """Listens to the exchange's web socket of own orders, and says when something came."""

    def __init__(self, options: CcxtOptions) -> None:
        self._options = options
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._thread: threading.Thread | None = None
        self._wake: Callable[[], None] = lambda: None
        self.heard = 0

    @staticmethod
    def is_offered(exchange: str) -> bool:
        """Whether ccxt can watch own orders at this exchange."""
        kind = getattr(ccxt.pro, exchange, None)
        return kind is not None and bool(kind().has.get("watchOrders"))

    def start(self, wake: Callable[[], None]) -> None:
        """Listen in a thread, with reconnection."""
        self._wake = wake
        self._thread = threading.Thread(target=self._run, name="ccxt-socket", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread."""
        loop, task = self._loop, self._task
        if loop is not None and task is not None:
            loop.call_soon_threadsafe(task.cancel)
        if self._thread is not None:
            self._thread.join(timeout=10.0)
            self._thread = None

    def _run(self) -> None:
        async def main() -> None:
            self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
            try:
                await self._listen()
            except asyncio.CancelledError:
                return

        asyncio.run(main())

    async def _listen(self) -> None:
        exchange = build_exchange(getattr(ccxt.pro, self._options.exchange), self._options)
        pause_s = 0.2
        try:
            while True:
                try:
                    await exchange.watch_orders()
                except (ccxt.BaseError, OSError, ValueError, KeyError, TypeError) as error:
                    _log.warning("web socket", reason=f"{type(error).__name__}: {str(error)[:200]}")
                    await asyncio.sleep(pause_s)
                    pause_s = min(pause_s * 2, 30.0)
                    continue
                pause_s = 0.2
                self.heard += 1
                self._wake()
        finally:
            await exchange.close()


def _of_fill(fill: BrokerFill, order: BrokerOrder) -> TradeUpdate:
    is_last = fill.cum_qty >= order.qty
    status = OrderStatus.FILLED if is_last else OrderStatus.PARTIALLY_FILLED
    then = replace(order, filled_qty=fill.cum_qty, status=status, updated_ns=fill.ts)
    return TradeUpdate("fill" if is_last else "partial_fill", fill.ts, then, fill)


def _of_state(order: BrokerOrder) -> TradeUpdate:
    return TradeUpdate(_EVENTS.get(order.status, order.status.value), order.updated_ns, order)
