"""One client's connection: a reader handles its requests, a writer sends what it subscribed to."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from starlette.websockets import WebSocket, WebSocketDisconnect

from ratchet.paper_exchange.streams.hub import Message, Subscriber
from ratchet.paper_exchange.streams.tap import Tap


async def frames(socket: WebSocket) -> AsyncIterator[str | bytes]:
    """Yield the client's frames until it disconnects."""
    while True:
        event = await socket.receive()
        if event["type"] == "websocket.disconnect":
            return
        frame = event.get("text") or event.get("bytes")
        yield frame if frame is not None else b""


async def serve(
    socket: WebSocket,
    tap: Tap,
    subscriber: Subscriber,
    reader: Callable[[], Awaitable[None]],
    send: Callable[[list[Message]], Awaitable[None]],
    on_slow: Callable[[], Awaitable[None]],
) -> None:
    """Run reader and writer until either ends: the client left, was too slow to follow, or a fault says so.

    The reader makes the subscriber join a hub, once it knows the account.
    """

    async def write() -> None:
        while True:
            messages = tap.outgoing(await subscriber.take())
            if messages:
                await send(messages)

    async def watch() -> None:
        await subscriber.slow.wait()
        await on_slow()

    async def close() -> None:
        await tap.closing.wait()
        await socket.close(tap.close_code)

    tasks = [asyncio.ensure_future(part()) for part in (reader, write, watch, close)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
