"""How far the consumers of a replay are."""

import threading
from collections.abc import Mapping

from ratchet.common import streams
from ratchet.common.bus import Bus
from ratchet.v1.control_pb2 import Watermark

_WAIT_MS = 500


class Gate:
    """Follows the watermark stream; a consumer that has reported step n has made its effects durable."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._cursor = "0"
        self._reached: dict[str, int] = {}
        self.missing: dict[str, int] = {}
        """Whom we are waiting for, and the step that each has reached."""

    def wait(self, required: Mapping[str, int], stop: threading.Event) -> bool:
        """Wait until every named service has reached its step; return False if stopped before."""
        while missing := self._behind(required):
            self.missing = missing
            if stop.is_set():
                return False
            for entry in self._bus.tail(streams.WATERMARK, self._cursor, block_ms=_WAIT_MS):
                self._cursor = entry.entry_id
                watermark = entry.parse(Watermark)
                self._reached[watermark.service] = max(self._reached.get(watermark.service, 0), watermark.seq)
        self.missing = {}
        return True

    def _behind(self, required: Mapping[str, int]) -> dict[str, int]:
        reached = self._reached
        return {
            service: reached.get(service, 0)
            for service, seq in required.items()
            if reached.get(service, 0) < seq
        }
