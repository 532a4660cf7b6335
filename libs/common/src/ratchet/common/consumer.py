"""One member of a consumer group over several streams."""

import contextlib
import time
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import redis
import redis.exceptions

from ratchet.common import metrics
from ratchet.common.logging import get_logger
from ratchet.common.received import Received, decode_entry
from ratchet.common.streams import DEAD, MAX_LENGTH

if TYPE_CHECKING:
    from ratchet.common.bus import Bus

_MAX_BLOCK_MS = 2_000
_FORGET_CONSUMER_MS = 24 * 3600 * 1000


class Consumer:
    """Reads every entry at least once; an entry is done when `ack` or `dead` was called for it.

    For one thread. Entries that were delivered but not acknowledged are never handed out twice by one
    object, and come again after a restart.
    """

    def __init__(
        self,
        bus: "Bus",
        group: str,
        streams: Sequence[str],
        name: str,
        *,
        start: str,
        dead_after_s: float,
        along: Sequence[str] = (),
    ) -> None:
        """`along` are streams that are read with the others, before them, and never waited for."""
        self._bus = bus
        self.group = group
        self.streams = (*along, *streams)
        self._along = tuple(along)
        self._awaited = tuple(streams)
        self.name = name
        self._start = start
        self._client = bus.new_client(single_connection=False)
        self._dead_after_ms = int(dead_after_s * 1000)
        self._next_claim = 0.0
        self._ready = False
        self._client_id: int | None = None
        self._is_waiting = False
        self._backlog: dict[str, str] = {}
        self._inflight: set[tuple[str, str]] = set()
        self._claimed: deque[Received] = deque()
        self._log = get_logger("consumer")

    def read(self, block_ms: int = 1_000, count: int = 256) -> list[Received]:
        """Return new entries, own pending ones first; wait up to `block_ms` (0: do not wait) for the first.

        Waits out a lost server; BusUnavailableError only if the service is stopped meanwhile.
        """
        found: list[Received] = self._bus.retrying(lambda: self._guarded(block_ms, count))
        self._bus.on_activity()
        return found

    def wake(self) -> None:
        """End a wait of `read` at once, from any thread; do nothing without a wait or the server."""
        if self._is_waiting and self._client_id is not None:
            with contextlib.suppress(redis.exceptions.RedisError):
                self._bus.redis.client_unblock(self._client_id)

    def ack(self, *received: Received) -> None:
        """Acknowledge entries whose effect is durable."""
        if not received:
            return

        def send() -> None:
            with self._client.pipeline(transaction=False) as pipe:
                self.add_acks(pipe, received)
                pipe.execute()

        self._bus.retrying(send)
        self.forget(received)

    def dead(self, received: Received, reason: str) -> None:
        """Move an entry that cannot be handled to ratchet:dead, with the reason."""
        fields: dict[Any, Any] = {
            "p": received.payload,
            "id": received.event_id,
            "ts": received.ts,
            "tp": received.tp,
            "stream": received.stream,
            "entry": received.entry_id,
            "group": self.group,
            "reason": reason,
        }

        def send() -> None:
            with self._client.pipeline(transaction=True) as pipe:
                pipe.xadd(DEAD, fields, maxlen=MAX_LENGTH[DEAD])
                pipe.xack(received.stream, self.group, received.entry_id)
                pipe.execute()

        self._bus.retrying(send)
        self._inflight.discard((received.stream, received.entry_id))
        metrics.DEAD_LETTERS_TOTAL.labels(received.stream, self.group).inc()
        self._log.error(
            "dead_letter",
            stream=received.stream,
            entry=received.entry_id,
            event_id=received.event_id,
            reason=reason,
        )

    def add_acks(self, pipe: Any, received: Sequence[Received]) -> None:
        """Queue acknowledgements on a pipeline; call `forget` once it was executed."""
        for stream, ids in _ids_by_stream(received).items():
            pipe.xack(stream, self.group, *ids)

    def forget(self, received: Sequence[Received]) -> None:
        """Note that entries were acknowledged."""
        for entry in received:
            self._inflight.discard((entry.stream, entry.entry_id))
            metrics.STREAM_CONSUMED_TOTAL.labels(entry.stream, self.group).inc()

    def close(self) -> None:
        """Close the connection; pending entries stay ours for the next start."""
        self._client.close()

    def _guarded(self, block_ms: int, count: int) -> list[Received]:
        try:
            return self._read(block_ms, count)
        except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError):
            # A reply may have been lost on the way: what it delivered is pending and must be read again.
            self._ready = False
            raise
        except redis.exceptions.ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
            # Redis lost its data: make the groups again, and read from the start of what there is.
            self._ready = False
            return []

    def _read(self, block_ms: int, count: int) -> list[Received]:
        if not self._ready:
            self._prepare()
        if self._backlog:
            pending = self._read_backlog(count)
            if pending:
                return pending
        if time.monotonic() >= self._next_claim:
            self._next_claim = time.monotonic() + self._dead_after_ms / 2_000
            self._claim_from_dead()
        if self._claimed:
            return self._take_claimed(count)
        block = None if block_ms <= 0 else min(block_ms, _MAX_BLOCK_MS)
        self._is_waiting = block is not None
        try:
            return self._decode(self._new_entries(count, block))
        finally:
            self._is_waiting = False

    def _new_entries(self, count: int, block: int | None) -> list[Any]:
        if not self._along:
            return list(self._ask(self._client, self._awaited, count, block) or [])
        # The server takes up the second command when the first has ended: one round trip.
        with self._client.pipeline(transaction=False) as pipe:
            self._ask(pipe, self._awaited, count, block)
            self._ask(pipe, self._along, count, None)
            awaited, along = pipe.execute()
        return [*(along or []), *(awaited or [])]

    def _ask(self, client: Any, streams: Sequence[str], count: int, block: int | None) -> Any:
        new = dict.fromkeys(streams, ">")
        return client.xreadgroup(self.group, self.name, new, count=count, block=block)

    def _prepare(self) -> None:
        for stream in self.streams:
            with contextlib.suppress(redis.exceptions.ResponseError):
                self._client.xgroup_create(stream, self.group, id=self._start, mkstream=True)
        self._backlog = dict.fromkeys(self.streams, "0")
        # One thread uses the client, so that it has one connection.
        self._client_id = int(self._client.client_id())
        self._ready = True

    def _read_backlog(self, count: int) -> list[Received]:
        while self._backlog:
            reply = self._client.xreadgroup(self.group, self.name, dict(self._backlog), count=count)
            seen = {stream.decode(): entries for stream, entries in reply or []}
            for stream in list(self._backlog):
                entries = seen.get(stream)
                if entries:
                    self._backlog[stream] = entries[-1][0].decode()
                else:
                    del self._backlog[stream]
            found = self._decode(reply)
            if found:
                return found
        return []

    def _decode(self, reply: Any) -> list[Received]:
        found = []
        for raw_stream, entries in reply or []:
            stream = raw_stream.decode()
            for raw_id, fields in entries:
                key = (stream, raw_id.decode())
                if key in self._inflight:
                    continue
                if not fields:
                    self._lost(*key)
                    continue
                self._inflight.add(key)
                found.append(decode_entry(stream, raw_id, fields))
        return found

    def _lost(self, stream: str, entry_id: str) -> None:
        self._client.xack(stream, self.group, entry_id)
        metrics.STREAM_LOST_TOTAL.labels(stream, self.group).inc()
        self._log.error("pending_entry_lost", stream=stream, entry=entry_id, group=self.group)

    def _claim_from_dead(self) -> None:
        for stream in self.streams:
            for info in self._client.xinfo_consumers(stream, self.group):
                name = info["name"].decode()
                if name == self.name or info["idle"] < self._dead_after_ms:
                    continue
                if info["pending"]:
                    self._claim(stream, name)
                elif info["idle"] > _FORGET_CONSUMER_MS:
                    self._client.xgroup_delconsumer(stream, self.group, name)

    def _claim(self, stream: str, dead: str) -> None:
        # XAUTOCLAIM cannot choose a consumer, and would rob those that live but are slow.
        rows = self._client.xpending_range(
            stream, self.group, min="-", max="+", count=1_000, consumername=dead, idle=self._dead_after_ms
        )
        ids = [row["message_id"] for row in rows]
        if not ids:
            return
        taken = self._client.xclaim(stream, self.group, self.name, self._dead_after_ms, ids)
        found = self._decode([(stream.encode(), taken)])
        self._claimed.extend(found)
        metrics.STREAM_CLAIMED_TOTAL.labels(stream, self.group).inc(len(found))
        self._log.warning("entries_claimed", stream=stream, group=self.group, dead=dead, entries=len(found))

    def _take_claimed(self, count: int) -> list[Received]:
        return [self._claimed.popleft() for _ in range(min(count, len(self._claimed)))]


def _ids_by_stream(received: Sequence[Received]) -> dict[str, list[str]]:
    ids: dict[str, list[str]] = {}
    for entry in received:
        ids.setdefault(entry.stream, []).append(entry.entry_id)
    return ids
