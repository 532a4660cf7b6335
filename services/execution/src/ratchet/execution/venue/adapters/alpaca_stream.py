"""Alpaca's stream of trade updates, in a thread that reconnects.

alpaca-py's own stream says neither when it is connected nor that a key is refused, waits longer from one lost
connection to the next, and cannot be had without pandas.
"""

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from ratchet.common.logging import get_logger
from ratchet.execution.venue.adapters import alpaca_wire as wire
from ratchet.execution.venue.adapters.reconnecting import Reconnecting
from ratchet.execution.venue.broker import TradeUpdate

_log = get_logger("alpaca-stream")
_UPDATES = "trade_updates"
_CONNECT_S, _HANDSHAKE_S, _STOP_S = 10.0, 15.0, 6.0
_PING_EVERY_S, _PING_WITHIN_S = 10.0, 20.0
_MOST_WAITING = 1_024
Handler = Callable[[TradeUpdate], None]


class _RefusedError(Exception):
    """The venue does not know the key, or says something else than it should."""


class AlpacaUpdates:
    """The port UpdateStream; `on_change` is called in its thread when the connection comes or goes."""

    def __init__(self, *, url: str, key: str, secret: str) -> None:
        self.connected = False
        self.on_change: Callable[[bool], None] = lambda _: None
        self._url = url
        self._login = {"action": "authenticate", "data": {"key_id": key, "secret_key": secret}}
        self._thread: threading.Thread | None = None
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()

    def start(self, handler: Handler) -> None:
        """Deliver every readable update to the handler."""
        self._thread = threading.Thread(target=self._work, args=(handler,), name="alpaca-stream", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread; it ends within seconds."""
        if self._thread is None:
            return
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(timeout=_STOP_S)
        self._thread = None

    def _work(self, handler: Handler) -> None:
        with contextlib.closing(self._loop):
            self._loop.run_until_complete(self._until_stopped(handler))

    async def _until_stopped(self, handler: Handler) -> None:
        listening = asyncio.create_task(self._listen_for_ever(handler))
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({listening, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for task in (listening, stopping):
            task.cancel()
        await asyncio.gather(listening, stopping, return_exceptions=True)
        # What was aborted is closed in the loop's next turn.
        await asyncio.sleep(0)

    async def _listen_for_ever(self, handler: Handler) -> None:
        reconnecting = Reconnecting()
        told = ""
        while True:
            is_refused = False
            try:
                await self._listen(handler, reconnecting)
                reason = "the venue has closed the connection"
            except (OSError, TimeoutError, WebSocketException, _RefusedError) as error:
                is_refused = isinstance(error, ConnectionRefusedError)
                reason = f"{type(error).__name__}: {error}"
            finally:
                self._changed(connected=False)
            if reason != told:
                told = reason
                _log.warning("trading stream away", reason=reason)
            await asyncio.sleep(reconnecting.pause_s(is_refused=is_refused))

    async def _listen(self, handler: Handler, reconnecting: Reconnecting) -> None:
        async with connect(
            self._url,
            open_timeout=_CONNECT_S,
            ping_interval=_PING_EVERY_S,
            ping_timeout=_PING_WITHIN_S,
            close_timeout=1.0,
            max_queue=_MOST_WAITING,
        ) as socket:
            try:
                # A venue that accepts and says nothing would hang us.
                await asyncio.wait_for(self._subscribe(socket, handler), _HANDSHAKE_S)
                # The venue has acknowledged `listen`: from here on no update is missed.
                reconnecting.connected()
                self._changed(connected=True)
                async for text in socket:
                    _deliver(_message(text), handler)
            finally:
                # Waiting for the venue's own close could be cut short, and leave the connection open.
                socket.transport.abort()

    async def _subscribe(self, socket: ClientConnection, handler: Handler) -> None:
        await socket.send(json.dumps(self._login))
        answer = _message(await socket.recv())
        data = answer.get("data")
        if not isinstance(data, dict) or data.get("status") != "authorized":
            raise _RefusedError("the venue refuses the key")
        await socket.send(json.dumps({"action": "listen", "data": {"streams": [_UPDATES]}}))
        while (answer := _message(await socket.recv())).get("stream") != "listening":
            _deliver(answer, handler)

    def _changed(self, *, connected: bool) -> None:
        if connected != self.connected:
            _log.info("trading stream", connected=connected)
            self.connected = connected
            self.on_change(connected)


def _message(text: str | bytes) -> dict[str, Any]:
    """Read one message; the venue sends JSON, in frames of text or of bytes."""
    try:
        message = json.loads(text)
    except ValueError as error:
        raise _RefusedError(f"not JSON: {text[:100]!r}") from error
    if not isinstance(message, dict):
        raise _RefusedError(f"not a message: {text[:100]!r}")
    return message


def _deliver(message: dict[str, Any], handler: Handler) -> None:
    if message.get("stream") != _UPDATES:
        return
    try:
        handler(wire.parse_update(message["data"]))
    except (ValueError, KeyError, TypeError) as error:
        # The update is not lost: the missing count makes execution ask by REST.
        _log.warning("trade update unreadable", error=str(error))
