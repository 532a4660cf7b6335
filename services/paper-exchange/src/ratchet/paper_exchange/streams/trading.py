"""The trading stream: the client speaks first; like Alpaca, the venue answers in binary frames of JSON.

Updates that were missed, by a broken connection or a restart, are not sent again: their `sequence` shows the
gap, REST tells the state, and GET /sim/v1/trade_updates the updates themselves.
"""

import asyncio
import json
from typing import Any

from starlette.websockets import WebSocket

from ratchet.paper_exchange.auth import Credentials
from ratchet.paper_exchange.streams.connection import AUTH_TIMEOUT_S, frames, serve
from ratchet.paper_exchange.streams.hub import Hub, Message, Subscriber

TRADE_UPDATES = "trade_updates"
POLICY_VIOLATION = 1008


class TradingSession:
    """One client of the trading stream."""

    def __init__(self, socket: WebSocket, hub: Hub, credentials: Credentials) -> None:
        self._socket = socket
        self._hub = hub
        self._credentials = credentials
        self._authorized = asyncio.Event()
        self._streams: tuple[str, ...] = ()

    async def run(self) -> None:
        """Serve until the client leaves."""
        await self._socket.accept()
        subscriber = Subscriber(lambda _update: TRADE_UPDATES in self._streams)
        await serve(self._hub, subscriber, self._read, self._send_updates, self._close_slow)

    async def _read(self) -> None:
        incoming = frames(self._socket)
        try:
            async with asyncio.timeout(AUTH_TIMEOUT_S):
                while not self._authorized.is_set():
                    await self._handle(await anext(incoming))
        except TimeoutError:
            await self._socket.close(POLICY_VIOLATION, "authentication timed out")
            return
        except StopAsyncIteration:
            return
        async for frame in incoming:
            await self._handle(frame)

    async def _handle(self, frame: str | bytes) -> None:
        request = _parse(frame)
        if request is None:
            await self._send("error", {"error": "invalid JSON: an object with an action is expected"})
            return
        action, data = request.get("action"), request.get("data")
        fields = data if isinstance(data, dict) else {}
        if action in ("authenticate", "auth"):
            await self._authenticate(str(action), {**request, **fields})
        elif action == "listen" and self._authorized.is_set():
            await self._listen(fields.get("streams"))
        elif action == "listen":
            await self._send("authorization", {"status": "unauthorized", "action": "listen"})
        else:
            await self._send(
                "error", {"error": f"action {action!r} is unknown; allowed: authenticate, listen"}
            )

    async def _authenticate(self, action: str, fields: dict[str, Any]) -> None:
        key = str(fields.get("key_id", fields.get("key", "")))
        secret = str(fields.get("secret_key", fields.get("secret", "")))
        if self._credentials.matches(key, secret):
            self._authorized.set()
        status = "authorized" if self._authorized.is_set() else "unauthorized"
        await self._send("authorization", {"status": status, "action": action})

    async def _listen(self, streams: Any) -> None:
        wanted = streams if isinstance(streams, list) else []
        self._streams = tuple(name for name in wanted if name == TRADE_UPDATES)
        await self._send("listening", {"streams": list(self._streams)})

    async def _send_updates(self, updates: list[Message]) -> None:
        for update in updates:
            await self._send(TRADE_UPDATES, update)

    async def _send(self, stream: str, data: Message) -> None:
        await self._socket.send_bytes(json.dumps({"stream": stream, "data": data}).encode())

    async def _close_slow(self) -> None:
        await self._socket.close(POLICY_VIOLATION, "slow client")


def _parse(frame: str | bytes) -> dict[str, Any] | None:
    try:
        request = json.loads(frame)
    except ValueError:
        return None
    return request if isinstance(request, dict) else None
