"""The connections that are open, and what faults let through on each of them."""

import asyncio
import threading
from collections.abc import Sequence

from ratchet.paper_exchange.faults.base import Occasion
from ratchet.paper_exchange.faults.board import FaultBoard
from ratchet.paper_exchange.faults.clock import ClockSkew, shifted, total
from ratchet.paper_exchange.faults.connections import StreamClose, StreamCloseOnMessage, StreamMute
from ratchet.paper_exchange.faults.switch import Switch
from ratchet.paper_exchange.streams.hub import Message


class Tap:
    """One open connection. The account is known once the client has authenticated."""

    def __init__(self, board: FaultBoard, stream: str) -> None:
        self._board = board
        self._loop = asyncio.get_running_loop()
        self.stream = stream
        self.account: str | None = None
        self.closing = asyncio.Event()
        self.close_code = 1000

    def occasion(self, message: Message | None = None) -> Occasion:
        """Return what can befall this connection, or a message on it."""
        if message is None:
            return Occasion(self.account, stream=self.stream)
        if "T" in message:
            return Occasion(self.account, stream=self.stream, event=message["T"], symbol=message["S"])
        event, symbol = message["event"], message["order"]["symbol"]
        return Occasion(self.account, stream=self.stream, event=event, symbol=symbol)

    def outgoing(self, messages: Sequence[Message]) -> list[Message]:
        """Return what of these messages is sent, as it is sent."""
        sent: list[Message] = []
        if not self._board.is_used:
            return list(messages)
        for message in messages:
            occasion = self.occasion(message)
            if (close := self._board.first(StreamCloseOnMessage, occasion)) is not None:
                self.close(close.code)
                return sent
            if self._board.first(StreamMute, occasion) is None:
                skew = total(self._board.fired(ClockSkew, occasion))
                sent.append(shifted(message, skew) if skew else message)
        return sent

    def close(self, code: int) -> None:
        """Have the connection closed. Call on the event loop."""
        self.close_code = code
        self.closing.set()

    def close_soon(self, code: int) -> None:
        """Have the connection closed, from any thread."""
        self._loop.call_soon_threadsafe(self.close, code)


class Connections:
    """All open connections of a venue; safe for threads."""

    def __init__(self, board: FaultBoard) -> None:
        self._board = board
        self._guard = threading.Lock()
        self._open: set[Tap] = set()
        board.on_added(self._on_added)

    def open(self, stream: str) -> Tap:
        """Register a connection. Call on the event loop."""
        tap = Tap(self._board, stream)
        with self._guard:
            self._open.add(tap)
        return tap

    def leave(self, tap: Tap) -> None:
        """Forget a connection."""
        with self._guard:
            self._open.discard(tap)

    def count(self, stream: str, account: str) -> int:
        """Return how many connections an account has on a stream."""
        with self._guard:
            return sum(tap.stream == stream and tap.account == account for tap in self._open)

    def close_all(self, account: str, code: int) -> None:
        """Close every connection of an account."""
        with self._guard:
            mine = [tap for tap in self._open if tap.account == account]
        for tap in mine:
            tap.close_soon(code)

    def _on_added(self, switch: Switch) -> None:
        if not isinstance(switch.fault, StreamClose):
            return
        with self._guard:
            taps = tuple(self._open)
        for tap in taps:
            if switch.fires(tap.occasion()):
                tap.close_soon(switch.fault.code)
