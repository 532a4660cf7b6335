"""Alpaca's stream of trade updates, in a thread that reconnects."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from alpaca.trading.stream import TradingStream

from ratchet.common.logging import get_logger
from ratchet.execution.adapters import alpaca_wire as wire
from ratchet.execution.broker import TradeUpdate

_log = get_logger("alpaca-stream")
_CONNECT_S = 15.0
# A dead line is noticed within half a minute; the library's own default takes three.
_PINGS = {"ping_interval": 10, "ping_timeout": 20, "open_timeout": 10, "max_queue": 1024}


class _WatchedStream(TradingStream):
    """alpaca-py's stream that says when it is connected; it reports neither that nor a refused key."""

    def __init__(self, *args: Any, on_change: Callable[[bool], None], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._on_change = on_change
        # Updates lost during a long back-off only cost REST calls, but readiness waits for the stream.
        self._reconnect_min_backoff = 0.2
        self._reconnect_max_backoff = 5.0

    async def _start_ws(self) -> None:
        # The library's handshake has no time-out: a venue that accepts and says nothing would hang it.
        await asyncio.wait_for(super()._start_ws(), _CONNECT_S)  # type: ignore[no-untyped-call]
        # The venue's acknowledgement of `listen`: from here on no update is missed.
        self._on_change(True)

    async def close(self) -> None:
        """Close the connection."""
        self._on_change(False)
        await super().close()


class AlpacaUpdates:
    """The port UpdateStream; `on_change` is called in its thread when the connection comes or goes."""

    def __init__(self, *, url: str, key: str, secret: str) -> None:
        self.connected = False
        self.on_change: Callable[[bool], None] = lambda _: None
        self._stream = _WatchedStream(
            key,
            secret,
            raw_data=True,
            url_override=url,
            websocket_params=dict(_PINGS),
            on_change=self._changed,
        )
        self._thread: threading.Thread | None = None

    def start(self, handler: Callable[[TradeUpdate], None]) -> None:
        """Deliver every readable update to the handler."""

        async def on_message(message: dict[str, Any]) -> None:
            try:
                handler(wire.parse_update(message["data"]))
            except (ValueError, KeyError, TypeError) as error:
                # The update is not lost: the missing count makes execution ask by REST.
                _log.warning("trade update unreadable", error=str(error))

        self._stream.subscribe_trade_updates(on_message)
        self._thread = threading.Thread(target=self._stream.run, name="alpaca-stream", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread; it ends within seconds."""
        if self._thread is None:
            return
        self._stream.stop()
        self._thread.join(timeout=6.0)
        self._thread = None

    def _changed(self, connected: bool) -> None:
        if connected != self.connected:
            _log.info("trading stream", connected=connected)
        self.connected = connected
        self.on_change(connected)
