"""Follows the streams that need no group: watermarks and control events."""

from collections.abc import Callable
from typing import Any

from google.protobuf.message import DecodeError

from ratchet.common.bus import Bus
from ratchet.common.logging import get_logger
from ratchet.common.received import Received, decode_entry
from ratchet.common.streams import CONTROL, WATERMARK
from ratchet.v1 import control_pb2

_log = get_logger("marks")
SERVICE, EXCHANGE = "execution", "paper-exchange"
_LOOK_BACK = 200


class Marks:
    """The exchange's newest watermark, and control events handed to a callback, with one read for both."""

    def __init__(self, bus: Bus, on_control: Callable[[control_pb2.ControlEvent], None]) -> None:
        self._bus = bus
        self._on_control = on_control
        self._positions: dict[str, str] = {WATERMARK: "0", CONTROL: "0"}
        self.exchange = control_pb2.Watermark()
        # The last step that we, or the process before us, have announced.
        self._announced = 0
        self._repeats = bus.repeats

    def open(self) -> None:
        """Stand at the end of both streams, knowing the newest watermark of the exchange.

        Call it before state is read from the database: what happens in between is then seen at least once.
        """
        last = self._bus.last(CONTROL)
        self._positions[CONTROL] = last.entry_id if last else "0"
        newest = self._bus.retrying(lambda: self._bus.redis.xrevrange(WATERMARK, count=_LOOK_BACK))
        for raw_id, fields in reversed(newest):
            self._take(decode_entry(WATERMARK, raw_id, fields))

    def poll(self, block_ms: int) -> None:
        """Take what is new; wait up to `block_ms` (0: not at all) for the first entry."""
        block = block_ms or None
        reply: Any = self._bus.retrying(
            lambda: self._bus.redis.xread(dict(self._positions), count=1_000, block=block)
        )
        self._bus.on_activity()
        for raw_stream, entries in reply or []:
            for entry in entries:
                self._take(decode_entry(raw_stream.decode(), *entry))

    def skip_to(self, entry_id: str, seq: int) -> None:
        """Note our own watermark, which is not news to us.

        None of the exchange's can lie before it, unless the step was announced already: it is done again, or
        the server went away and its first announcement was not answered.
        """
        is_first = seq > self._announced and self._bus.repeats == self._repeats
        self._repeats = self._bus.repeats
        self._announced = max(self._announced, seq)
        if is_first:
            self._positions[WATERMARK] = entry_id

    def _take(self, entry: Received) -> None:
        self._positions[entry.stream] = entry.entry_id
        try:
            if entry.stream == CONTROL:
                self._on_control(entry.parse(control_pb2.ControlEvent))
                return
            mark = entry.parse(control_pb2.Watermark)
        except (DecodeError, ValueError) as error:
            _log.error("entry unreadable", stream=entry.stream, entry=entry.entry_id, reason=str(error))
            return
        if mark.service == SERVICE:
            self._announced = max(self._announced, mark.seq)
        elif mark.service == EXCHANGE and mark.seq >= self.exchange.seq:
            self.exchange = mark
