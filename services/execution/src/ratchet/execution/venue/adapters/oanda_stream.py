"""OANDA's stream of transactions as trade updates, in a thread that reconnects."""

import json
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import requests

from ratchet.common.logging import get_logger
from ratchet.core.assets import Registry
from ratchet.core.orders import OrderStatus
from ratchet.execution.venue.adapters import oanda_wire as wire
from ratchet.execution.venue.adapters.alpaca_wire import parse_time
from ratchet.execution.venue.adapters.oanda_http import new_session
from ratchet.execution.venue.adapters.reconnecting import Reconnecting
from ratchet.execution.venue.adapters.unsent import never_connected
from ratchet.execution.venue.broker import AccountUpdate, BrokerError, BrokerOrder, TradeUpdate, Update

_log = get_logger("oanda-stream")
# Heartbeats come every five seconds; a stream without two of them is dead.
_SILENCE_S = 12.0
_ORDERS_KEPT = 10_000
_EVENTS = {
    OrderStatus.ACCEPTED: "new",
    OrderStatus.FILLED: "fill",
    OrderStatus.CANCELED: "canceled",
    OrderStatus.EXPIRED: "expired",
    OrderStatus.REJECTED: "rejected",
    OrderStatus.REPLACED: "replaced",
}


class OandaUpdates:
    """The port UpdateStream; `on_change` is called in its thread when the connection comes or goes."""

    def __init__(
        self,
        *,
        stream_url: str,
        token: str,
        account: str,
        registry: Registry,
        order_by_id: Callable[[str], BrokerOrder],
        connect_timeout_s: float = 2.0,
    ) -> None:
        """`order_by_id` asks by REST for an order that was placed before the stream was opened."""
        self.connected = False
        self.on_change: Callable[[bool], None] = lambda _: None
        self._url = f"{stream_url.rstrip('/')}/v3/accounts/{account}/transactions/stream"
        self._token = token
        self._account = account
        self._symbols = wire.Symbols(registry)
        self._order_by_id = order_by_id
        self._connect_timeout_s = connect_timeout_s
        self._journal = wire.Journal(account, self._symbols)
        self._recent: OrderedDict[str, None] = OrderedDict()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, handler: Callable[[Update], None]) -> None:
        """Deliver every readable update to the handler."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, args=(handler,), name="oanda-stream", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread; it ends with the next heartbeat."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=_SILENCE_S)
            self._thread = None

    def _run(self, handler: Callable[[Update], None]) -> None:
        reconnecting = Reconnecting()
        while not self._stop.is_set():
            is_refused = False
            try:
                self._listen(handler, reconnecting)
            except (requests.RequestException, OSError) as error:
                _log.warning("transaction stream lost", error=f"{type(error).__name__}: {error}"[:200])
                is_refused = never_connected(error)
            self._changed(connected=False)
            self._stop.wait(reconnecting.pause_s(is_refused=is_refused))

    def _listen(self, handler: Callable[[Update], None], reconnecting: Reconnecting) -> None:
        timeouts = (self._connect_timeout_s, _SILENCE_S)
        with (
            new_session(self._token) as session,
            session.get(self._url, stream=True, timeout=timeouts) as answer,
        ):
            if answer.status_code != 200:
                _log.warning("transaction stream refused", status=answer.status_code, text=answer.text[:200])
                return
            reconnecting.connected()
            self._changed(connected=True)
            for line in answer.iter_lines(chunk_size=1):
                if self._stop.is_set():
                    break
                if line:
                    self._handle(line, handler)

    def _handle(self, line: bytes, handler: Callable[[Update], None]) -> None:
        try:
            entry = json.loads(line)
            if entry.get("type") == "HEARTBEAT":
                return
            update = self._update(entry) or AccountUpdate(
                parse_time(wire.need(entry, "time")), int(wire.need(entry, "id"))
            )
        except (ValueError, KeyError, TypeError, AttributeError, BrokerError) as error:
            # Not lost: the hole is found when execution asks by REST.
            _log.warning("transaction unreadable", error=str(error)[:200])
            return
        handler(update)

    def _update(self, entry: dict[str, Any]) -> TradeUpdate | None:
        kind = str(wire.need(entry, "type"))
        if kind in {"ORDER_FILL", "ORDER_CANCEL"}:
            order_id = str(wire.need(entry, "orderID"))
            if order_id not in self._journal.orders:
                self._journal.put(self._order_by_id(order_id))
        order = self._journal.take(entry)
        if order is None or not order.qty:
            return None
        self._remember(order)
        fill = wire.parse_fill(entry, self._account, self._symbols) if kind == "ORDER_FILL" else None
        event = "fill" if fill is not None else _EVENTS[order.status]
        # Ids of transactions are consecutive, so that a missing one shows.
        return TradeUpdate(event, parse_time(wire.need(entry, "time")), order, fill, int(entry["id"]))

    def _remember(self, order: BrokerOrder) -> None:
        self._recent[order.broker_order_id] = None
        self._journal.rejected.clear()
        while len(self._recent) > _ORDERS_KEPT:
            dropped, _ = self._recent.popitem(last=False)
            self._journal.orders.pop(dropped, None)

    def _changed(self, connected: bool) -> None:
        if connected != self.connected:
            _log.info("transaction stream", connected=connected)
            self.connected = connected
            self.on_change(connected)
