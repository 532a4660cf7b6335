"""The market data streams: the venue speaks first; clients authenticate, then subscribe to channels."""

import asyncio
from typing import Any

from starlette.websockets import WebSocket

from ratchet.common.logging import get_logger
from ratchet.paper_exchange.accounts.book import Accounts
from ratchet.paper_exchange.limits import Limits
from ratchet.paper_exchange.streams.codec import Codec, codec_for
from ratchet.paper_exchange.streams.connection import frames, serve
from ratchet.paper_exchange.streams.feed import Source
from ratchet.paper_exchange.streams.hub import Message, Subscriber
from ratchet.paper_exchange.streams.subscriptions import LimitedError, Subscriptions
from ratchet.paper_exchange.streams.tap import Connections, Tap

ERRORS = {
    400: "invalid syntax",
    401: "not authenticated",
    402: "auth failed",
    403: "already authenticated",
    404: "auth timeout",
    405: "symbol limit exceeded",
    406: "connection limit exceeded",
    407: "slow client",
    500: "internal error",
}


class MarketSession:
    """One client of a market data stream."""

    def __init__(
        self,
        socket: WebSocket,
        accounts: Accounts,
        feed: Source,
        tap: Tap,
        connections: Connections,
        limits: Limits,
    ) -> None:
        self._socket = socket
        self._tap = tap
        self._accounts = accounts
        self._feed = feed
        self._connections = connections
        self._limits = limits
        self._codec: Codec = codec_for(socket.headers.get("content-type", ""))
        self._subscriptions = Subscriptions(feed.channels, limits.stream_symbols)
        self._subscriber = Subscriber(
            self._subscriptions.wants, limits.queued_messages, self._subscriptions.symbols
        )
        self._authenticated = False

    async def run(self) -> None:
        """Serve until the client leaves."""
        await self._socket.accept()
        try:
            await serve(self._socket, self._tap, self._subscriber, self._read, self._send, self._close_slow)
        finally:
            self._feed.hub.leave(self._subscriber)

    async def _read(self) -> None:
        try:
            await self._converse()
        except (RuntimeError, OSError):
            # The client has left in the middle of an answer.
            return
        except Exception as error:  # noqa: BLE001 - the client is told, whatever it was
            get_logger("streams").exception("market_stream_failed", error=repr(error))
            await self._end(500)

    async def _converse(self) -> None:
        await self._send([{"T": "success", "msg": "connected"}])
        incoming = frames(self._socket)
        try:
            async with asyncio.timeout(self._limits.auth_timeout_s):
                while not self._authenticated:
                    await self._handle(await anext(incoming))
        except TimeoutError:
            await self._end(404)
            return
        except StopAsyncIteration:
            return
        async for frame in incoming:
            await self._handle(frame)

    async def _handle(self, frame: str | bytes) -> None:
        try:
            request = self._codec.decode(frame)
        except ValueError:
            request = None
        action = request.get("action") if isinstance(request, dict) else None
        if action == "auth":
            await self._authenticate(request)
        elif action not in ("subscribe", "unsubscribe"):
            await self._refuse(400)
        elif not self._authenticated:
            await self._refuse(401)
        else:
            await self._change(request, action == "subscribe")

    async def _authenticate(self, request: dict[str, Any]) -> None:
        if self._authenticated:
            await self._refuse(403)
            return
        venue = self._accounts.find(str(request.get("key", "")), str(request.get("secret", "")))
        most = self._limits.stream_connections
        if venue is None:
            await self._refuse(402)
        elif most and self._connections.count(self._tap.stream, venue.label) >= most:
            await self._end(406)
        else:
            self._tap.account, self._authenticated = venue.label, True
            self._feed.hub.join(self._subscriber)
            await self._send([{"T": "success", "msg": "authenticated"}])

    async def _change(self, request: dict[str, Any], subscribe: bool) -> None:
        try:
            added = self._subscriptions.change(request, subscribe=subscribe)
        except LimitedError:
            await self._refuse(405)
            return
        except ValueError:
            await self._refuse(400)
            return
        await self._send([{"T": "subscription", **self._subscriptions.state()}])
        # Like Alpaca, a new subscriber of a book is sent the whole of it first.
        books = await asyncio.to_thread(self._feed.books, added.get("orderbooks", []))
        messages = self._tap.outgoing(books)
        if messages:
            await self._send(messages)

    async def _send(self, messages: list[Message]) -> None:
        frame = self._codec.encode(messages)
        if isinstance(frame, str):
            await self._socket.send_text(frame)
        else:
            await self._socket.send_bytes(frame)

    async def _refuse(self, code: int) -> None:
        await self._send([{"T": "error", "code": code, "msg": ERRORS[code]}])

    async def _end(self, code: int) -> None:
        await self._refuse(code)
        await self._socket.close()

    async def _close_slow(self) -> None:
        await self._end(407)
