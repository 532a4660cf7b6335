"""The market data streams: the venue speaks first; clients authenticate, then subscribe to channels."""

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
from starlette.websockets import WebSocket

from ratchet.core.assets import Asset
from ratchet.core.market import BarBatch
from ratchet.core.timeframes import timeframe_ns
from ratchet.paper_exchange.auth import Credentials
from ratchet.paper_exchange.bars.history import make_bars, stamp
from ratchet.paper_exchange.streams.codec import Codec, codec_for
from ratchet.paper_exchange.streams.connection import AUTH_TIMEOUT_S, frames, serve
from ratchet.paper_exchange.streams.hub import Hub, Message, Subscriber
from ratchet.paper_exchange.wire.assets import TRADED_CLASSES, Listing, is_crypto
from ratchet.paper_exchange.wire.bars import bar_json, quote_json, trade_json

STOCK_CHANNELS = ("trades", "quotes", "bars", "updatedBars", "dailyBars", "statuses", "lulds")
CRYPTO_CHANNELS = ("trades", "quotes", "bars", "updatedBars", "dailyBars", "orderbooks")
CHANNEL_OF = {"t": "trades", "q": "quotes", "b": "bars"}
ERRORS = {
    400: "invalid syntax",
    401: "not authenticated",
    402: "auth failed",
    403: "already authenticated",
    404: "auth timeout",
    407: "slow client",
}


def step_messages(
    batch: BarBatch, listing: Listing, crypto: bool, half_spread: Callable[[Asset], float]
) -> list[Message]:
    """Build the bar, quote and trade of each asset of one market in a batch."""
    messages: list[Message] = []
    starts = np.array([batch.start or batch.ts - timeframe_ns(batch.timeframe)])
    starts, ends = stamp(starts, batch.timeframe, crypto), np.array([batch.ts])
    columns = np.stack([batch.open, batch.high, batch.low, batch.close, batch.volume])
    for row, asset_id in enumerate(batch.asset_ids.tolist()):
        asset = listing.registry[asset_id]
        if asset.asset_class not in TRADED_CLASSES or is_crypto(asset) != crypto:
            continue
        bars, close = make_bars(starts, ends, columns[:, row : row + 1]), float(batch.close[row])
        symbol = asset.symbol
        messages.append({"T": "b", "S": symbol, **bar_json(bars, 0, crypto)})
        messages.append({"T": "q", "S": symbol, **quote_json(batch.ts, close, half_spread(asset), crypto)})
        messages.append({"T": "t", "S": symbol, **trade_json(batch.ts, close, crypto)})
    return messages


class MarketSession:
    """One client of a market data stream."""

    def __init__(
        self, socket: WebSocket, hub: Hub, credentials: Credentials, channels: tuple[str, ...]
    ) -> None:
        self._socket = socket
        self._hub = hub
        self._credentials = credentials
        self._codec: Codec = codec_for(socket.headers.get("content-type", ""))
        self._subscriptions: dict[str, dict[str, None]] = {channel: {} for channel in channels}
        self._authenticated = False

    async def run(self) -> None:
        """Serve until the client leaves."""
        await self._socket.accept()
        await serve(self._hub, Subscriber(self._wants), self._read, self._send, self._close_slow)

    def _wants(self, message: Message) -> bool:
        symbols = self._subscriptions.get(CHANNEL_OF[message["T"]], {})
        return message["S"] in symbols or "*" in symbols

    async def _read(self) -> None:
        await self._send([{"T": "success", "msg": "connected"}])
        incoming = frames(self._socket)
        try:
            async with asyncio.timeout(AUTH_TIMEOUT_S):
                while not self._authenticated:
                    await self._handle(await anext(incoming))
        except TimeoutError:
            await self._refuse(404)
            await self._socket.close()
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
        elif self._credentials.matches(str(request.get("key", "")), str(request.get("secret", ""))):
            self._authenticated = True
            await self._send([{"T": "success", "msg": "authenticated"}])
        else:
            await self._refuse(402)

    async def _change(self, request: dict[str, Any], subscribe: bool) -> None:
        asked = {channel: request.get(channel, []) for channel in self._subscriptions}
        if not all(_is_symbols(symbols) for symbols in asked.values()):
            await self._refuse(400)
            return
        for channel, symbols in asked.items():
            current = self._subscriptions[channel]
            for symbol in symbols:
                if subscribe:
                    current[symbol] = None
                else:
                    current.pop(symbol, None)
        state: dict[str, Any] = {channel: list(symbols) for channel, symbols in self._subscriptions.items()}
        await self._send([{"T": "subscription", **state}])

    async def _send(self, messages: list[Message]) -> None:
        frame = self._codec.encode(messages)
        if isinstance(frame, str):
            await self._socket.send_text(frame)
        else:
            await self._socket.send_bytes(frame)

    async def _refuse(self, code: int) -> None:
        await self._send([{"T": "error", "code": code, "msg": ERRORS[code]}])

    async def _close_slow(self) -> None:
        await self._refuse(407)
        await self._socket.close()


def _is_symbols(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(symbol, str) for symbol in value)
