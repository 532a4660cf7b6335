"""The trading stream: the client speaks first; like Alpaca, the venue answers in binary frames of JSON.

Updates that were missed, by a broken connection or a restart, are not sent again: their `sequence` shows the
gap, REST tells the state, and GET /sim/v1/trade_updates the updates themselves.
"""

import asyncio
import json
from typing import Any

from starlette.websockets import WebSocket

from ratchet.paper_exchange.accounts.book import Accounts
from ratchet.paper_exchange.limits import Limits
from ratchet.paper_exchange.streams.connection import frames, serve
from ratchet.paper_exchange.streams.hub import Hub, Message, Subscriber
from ratchet.paper_exchange.streams.tap import Tap

TRADING = "trading"
TRADE_UPDATES = "trade_updates"
POLICY_VIOLATION = 1008


class TradingSession:
    """One client of the trading stream: it hears of the account whose key it shows."""

    def __init__(self, socket: WebSocket, accounts: Accounts, tap: Tap, limits: Limits) -> None:
        self._socket = socket
        self._accounts = accounts
        self._tap = tap
        self._auth_timeout_s = limits.auth_timeout_s
        self._subscriber = Subscriber(lambda _update: TRADE_UPDATES in self._streams, limits.queued_messages)
        self._hub: Hub | None = None
        self._streams: tuple[str, ...] = ()

    async def run(self) -> None:
        """Serve until the client leaves."""
        await self._socket.accept()
        try:
            await serve(
                self._socket,
                self._tap,
                self._subscriber,
                self._read,
                self._send_updates,
                self._close_slow,
            )
        finally:
            if self._hub is not None:
                self._hub.leave(self._subscriber)

    async def _read(self) -> None:
        incoming = frames(self._socket)
        try:
            async with asyncio.timeout(self._auth_timeout_s):
                while self._hub is None:
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
        elif action == "listen" and self._hub is not None:
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
        venue = self._accounts.find(key, secret)
        if venue is not None and self._hub is None:
            self._tap.account, self._hub = venue.label, venue.trade_hub
            self._hub.join(self._subscriber)
        status = "unauthorized" if self._hub is None else "authorized"
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
