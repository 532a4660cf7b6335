"""Hands messages from the matching threads to the WebSocket clients on the event loop, in order."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

QUEUE_LIMIT = 50_000
ROOM_TIMEOUT_S = 5.0

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Delivery:
    """How one message goes out: how often, how late, or behind the next one (after hold_s at the latest)."""

    message: Message
    copies: int = 1
    delay_s: float = 0.0
    hold_s: float = 0.0


class Subscriber:
    """One connected client: what it wants, and the messages that wait to be sent to it."""

    def __init__(
        self,
        wants: Callable[[Message], bool],
        limit: int = QUEUE_LIMIT,
        symbols: Callable[[], set[str]] = set,
    ) -> None:
        """`symbols` names what it wants, for publishers that cannot build everything."""
        self.symbols = symbols
        self.wants = wants
        self.queue: asyncio.Queue[list[Message]] = asyncio.Queue()
        self.slow = asyncio.Event()
        self._limit = limit
        self._waiting = 0
        self.room = asyncio.Event()
        self.room.set()

    def offer(self, messages: Sequence[Message]) -> None:
        """Queue the wanted messages; a client that lags too far behind is marked slow and dropped."""
        wanted = [message for message in messages if self.wants(message)]
        if not wanted or self.slow.is_set():
            return
        self._waiting += len(wanted)
        if self._waiting > self._limit:
            self.slow.set()
            self.room.set()
            return
        if self._waiting > self._limit // 2:
            self.room.clear()
        self.queue.put_nowait(wanted)

    async def take(self) -> list[Message]:
        """Wait for the next messages."""
        messages = await self.queue.get()
        self._waiting -= len(messages)
        if self._waiting <= self._limit // 2:
            self.room.set()
        return messages


class Hub:
    """Fans messages out to subscribers; publish may be called from any thread and never waits."""

    def __init__(self, plan: Callable[[list[Message]], list[Delivery] | None] | None = None) -> None:
        """`plan` says how messages go out that do not all go at once, None for those that do."""
        self._plan = plan
        self._held: list[Message] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._subscribers: set[Subscriber] = set()
        self._guard = threading.Lock()

    @property
    def has_subscribers(self) -> bool:
        """Return whether anyone listens, so that nobody builds messages for no one."""
        return bool(self._subscribers)

    def join(self, subscriber: Subscriber) -> None:
        """Add a client. Call on the event loop."""
        with self._guard:
            self._loop = asyncio.get_running_loop()
            self._subscribers.add(subscriber)

    def leave(self, subscriber: Subscriber) -> None:
        """Remove a client. Call on the event loop."""
        with self._guard:
            self._subscribers.discard(subscriber)
        subscriber.room.set()

    def wants(self, message: Message) -> bool:
        """Return whether any client wants such a message, so that costly ones are built for someone only."""
        with self._guard:
            return any(subscriber.wants(message) for subscriber in self._subscribers)

    def symbols(self) -> set[str]:
        """Return every symbol that some client wants."""
        with self._guard:
            return {symbol for subscriber in self._subscribers for symbol in subscriber.symbols()}

    def publish(self, messages: Iterable[Message]) -> None:
        """Queue messages for every subscriber that wants them, in the order of the calls."""
        with self._guard:
            if self._loop is None or not self._subscribers or self._loop.is_closed():
                return
            ready = list(messages)
            deliveries = self._plan(ready) if self._plan is not None else None
            if deliveries is None:
                self._loop.call_soon_threadsafe(self._fan_out, ready)
            else:
                self._loop.call_soon_threadsafe(self._deliver, self._loop, deliveries)

    def wait_for_room(self, timeout_s: float = ROOM_TIMEOUT_S) -> None:
        """Wait until no subscriber's queue is half full. Not to be called on the event loop."""
        with self._guard:
            loop = self._loop
            if loop is None or not self._subscribers or loop.is_closed():
                return
            waiting = asyncio.run_coroutine_threadsafe(self._room(), loop)
        with contextlib.suppress(TimeoutError):
            waiting.result(timeout_s)

    async def _room(self) -> None:
        for subscriber in tuple(self._subscribers):
            await subscriber.room.wait()

    def _deliver(self, loop: asyncio.AbstractEventLoop, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            if delivery.hold_s and not self._held:
                self._held.append(delivery.message)
                loop.call_later(delivery.hold_s, self._release, [delivery.message])
            elif delivery.delay_s:
                loop.call_later(delivery.delay_s, self._fan_out, [delivery.message] * delivery.copies)
            else:
                self._fan_out([delivery.message] * delivery.copies)
                self._release(tuple(self._held))

    def _release(self, messages: Sequence[Message]) -> None:
        for message in messages:
            if any(message is held for held in self._held):
                self._held = [held for held in self._held if held is not message]
                self._fan_out([message])

    def _fan_out(self, messages: list[Message]) -> None:
        for subscriber in tuple(self._subscribers):
            subscriber.offer(messages)
