"""Redis Streams: at-least-once messages, consumer groups, dead letters.

A message is published with fields `p` (protobuf), `id` (event id), `ts` (event time, ns) and `tp` (W3C
traceparent). Redis being away is waited out: publishing and reading resume where they were.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

import redis
import redis.exceptions
from pydantic import SecretStr
from redis.backoff import NoBackoff
from redis.retry import Retry

from ratchet.common import metrics, tracing
from ratchet.common.consumer import Consumer
from ratchet.common.errors import BusUnavailableError
from ratchet.common.logging import get_logger
from ratchet.common.received import Received, decode_entry
from ratchet.common.streams import UNREAD_LENGTH, max_length

T = TypeVar("T")
# redis-py types every answer as perhaps awaitable.
Client = Any
_LOST = (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError)
_PASSING = (
    "MISCONF",
    "command not allowed when used memory",
    "OOM",
    "LOADING",
    "MASTERDOWN",
    "You can't write",
)
_FIRST_BACKOFF_S, _LAST_BACKOFF_S = 0.05, 2.0
# Longer than any BLOCK that we ask for, so that a healthy silence is never taken for a dead server.
_SOCKET_TIMEOUT_S = 10.0
MAX_BLOCK_MS = 2_000


class Message(Protocol):
    """What can be published: any protobuf message."""

    def SerializeToString(self) -> bytes:  # noqa: N802 - protobuf's name
        """Return the wire format."""


class Bus:
    """Publishes to and reads from streams; safe for threads."""

    def __init__(
        self,
        url: str | SecretStr,
        *,
        stop: threading.Event | None = None,
        on_activity: Callable[[], None] = lambda: None,
    ) -> None:
        """Do not connect yet; `stop` ends waiting for a lost server, each read calls `on_activity`."""
        self._url = url.get_secret_value() if isinstance(url, SecretStr) else url
        self._stop = stop or threading.Event()
        self.on_activity = on_activity
        self._log = get_logger("bus")
        self.repeats = 0
        """How many commands were sent again, having perhaps been carried out before."""
        self.redis: Client = self.new_client()
        self._consumers: list[Consumer] = []
        self._published: set[str] = set()

    def new_client(self, *, single_connection: bool = False) -> Client:
        """Return a client of its own for blocking reads; a single connection is not safe for threads."""
        return redis.Redis.from_url(
            self._url,
            protocol=2,
            socket_timeout=_SOCKET_TIMEOUT_S,
            socket_connect_timeout=5.0,
            socket_keepalive=True,
            retry=Retry(NoBackoff(), 0),
            single_connection_client=single_connection,
        )

    def publish(
        self, stream: str, message: Message | bytes, *, ts: int, event_id: str = "", tp: str = ""
    ) -> str:
        """Append one message; return its entry id. `ts` is the event time in ns."""
        fields = _fields(message, ts, event_id, tp)
        entry = self.retrying(lambda: self.redis.xadd(stream, fields, maxlen=max_length(stream)))
        self._count(stream)
        return _text(entry)

    def publish_stored(self, entries: Sequence[tuple[str, bytes, int, str, str]]) -> None:
        """Append (stream, payload, ts, event id, traceparent) in their order, in one round trip."""

        def send() -> None:
            with self.redis.pipeline(transaction=False) as pipe:
                for stream, payload, ts, event_id, tp in entries:
                    fields = _fields(payload, ts, event_id, tp)
                    pipe.xadd(stream, fields, maxlen=max_length(stream))
                pipe.execute()

        self.retrying(send)
        for stream, *_ in entries:
            self._count(stream)

    def publish_many(
        self,
        messages: Iterable[tuple[str, Message | bytes, int]],
        *,
        ack: tuple[Consumer, Sequence[Received]] | None = None,
    ) -> list[str]:
        """Append (stream, message, ts) in one transaction; return the entry ids.

        `ack` acknowledges what the messages answer in the same transaction.
        """
        batch = [(stream, _fields(message, ts, "", "")) for stream, message, ts in messages]

        def send() -> list[Any]:
            with self.redis.pipeline(transaction=True) as pipe:
                for stream, fields in batch:
                    pipe.xadd(stream, fields, maxlen=max_length(stream))
                if ack:
                    ack[0].add_acks(pipe, ack[1])
                return list(pipe.execute())

        answers = self.retrying(send)
        for stream, _ in batch:
            self._count(stream)
        if ack:
            ack[0].forget(ack[1])
        return [_text(answer) for answer in answers[: len(batch)]]

    def consumer(
        self,
        group: str,
        streams: Sequence[str],
        *,
        name: str,
        start: str = "0",
        dead_after_s: float = 30.0,
        along: Sequence[str] = (),
    ) -> Consumer:
        """Return this process's member of a consumer group.

        Groups are made at `start` where they do not exist. `name` must be stable over restarts, so that
        entries that were delivered before a crash come first afterwards. Entries of members that did not
        ask for `dead_after_s` are taken over. Streams `along` are read with the others and not waited for.
        """
        consumer = Consumer(self, group, streams, name, start=start, dead_after_s=dead_after_s, along=along)
        self._consumers.append(consumer)
        return consumer

    def tail(
        self, stream: str, last_id: str, *, block_ms: int | None = None, count: int = 1_000
    ) -> list[Received]:
        """Return entries after `last_id` ("0" for all), without a group; wait up to `block_ms` for one."""
        block = None if block_ms is None else max(1, min(block_ms, MAX_BLOCK_MS))
        reply = self.retrying(lambda: self.redis.xread({stream: last_id}, count=count, block=block))
        self.on_activity()
        return [decode_entry(stream, *entry) for _, entries in reply or [] for entry in entries]

    def last(self, stream: str) -> Received | None:
        """Return the newest entry of a stream."""
        reply = self.retrying(lambda: self.redis.xrevrange(stream, count=1))
        return decode_entry(stream, *reply[0]) if reply else None

    def ping(self) -> str | None:
        """Return None if the server answers, else why not."""
        try:
            self.redis.ping()
        except redis.exceptions.RedisError as error:
            return str(error)
        return None

    def wait(self) -> bool:
        """Wait for the server; return False if the service was stopped before it answered."""
        try:
            self.retrying(self.redis.ping)
        except BusUnavailableError:
            return False
        return True

    def retrying(self, command: Callable[[], T]) -> T:
        """Run a command until it has an answer; BusUnavailableError only if the service is stopped meanwhile.

        A command whose answer was lost is sent again, so messages are delivered at least once.
        """
        backoff = _FIRST_BACKOFF_S
        while True:
            try:
                return command()
            except redis.exceptions.RedisError as error:
                if not _may_pass(error):
                    raise
                metrics.BUS_RECONNECTS_TOTAL.inc()
                self.repeats += 1
                self._log.warning("bus_unavailable", reason=str(error), retry_in_s=backoff)
                self.on_activity()
                if self._stop.wait(backoff):
                    raise BusUnavailableError(str(error)) from error
                backoff = min(backoff * 2, _LAST_BACKOFF_S)

    def trim(self, stream: str) -> int:
        """Delete what every group has acknowledged; return how many entries.

        A stream that no group reads keeps its newest UNREAD_LENGTH entries for those who tail it.
        """
        return self.retrying(lambda: self._trim(stream))

    def trim_published(self) -> None:
        """Trim every stream that this process has published to."""
        for stream in list(self._published):
            if max_length(stream) is None:
                self.trim(stream)

    def observe_lag(self) -> None:
        """Set ratchet_stream_lag for every group that this process reads in."""
        for consumer in list(self._consumers):
            for stream in consumer.streams:
                metrics.STREAM_LAG.labels(stream, consumer.group).set(self.lag(stream, consumer.group))

    def lag(self, stream: str, group: str) -> int:
        """Return how many entries a group has not acknowledged yet."""
        try:
            groups = self.redis.xinfo_groups(stream)
        except redis.exceptions.ResponseError:
            return 0
        for info in groups:
            if _text(info["name"]) == group:
                behind = info.get("lag")
                if behind is None:
                    behind = len(
                        self.redis.xrange(stream, f"({_text(info['last-delivered-id'])}", count=10_000)
                    )
                return int(behind) + int(info["pending"])
        return int(self.redis.xlen(stream))

    def close(self) -> None:
        """Close every connection."""
        for consumer in self._consumers:
            consumer.close()
        self.redis.close()

    def _count(self, stream: str) -> None:
        self._published.add(stream)
        metrics.STREAM_PUBLISHED_TOTAL.labels(stream).inc()

    def _trim(self, stream: str) -> int:
        try:
            groups = self.redis.xinfo_groups(stream)
        except redis.exceptions.ResponseError:
            return 0
        positions = []
        for info in groups:
            position = _text(info["last-delivered-id"])
            if info["pending"]:
                summary = self.redis.xpending(stream, _text(info["name"]))
                position = _text(summary["min"] or position)
            positions.append(position)
        if not positions:
            return int(self.redis.xtrim(stream, maxlen=UNREAD_LENGTH, approximate=True))
        oldest = min(positions, key=_order)
        return int(self.redis.xtrim(stream, minid=oldest, approximate=False))


def _fields(message: Message | bytes, ts: int, event_id: str, tp: str) -> dict[Any, Any]:
    if isinstance(message, bytes):
        payload, identity = message, event_id
    else:
        payload = message.SerializeToString()
        own = getattr(message, "id", "")
        identity = event_id or (own if isinstance(own, str) else "") or f"{type(message).__name__}:{ts}"
    return {"p": payload, "id": identity, "ts": ts, "tp": tp or tracing.traceparent()}


def _may_pass(error: redis.exceptions.RedisError) -> bool:
    """Return whether the server is away or cannot work (disk or memory full, loading, a replica)."""
    # A pipeline puts the command, which may hold anything, before the server's words.
    answer = str(error).rpartition("caused error: ")[2]
    return isinstance(error, _LOST) or answer.startswith(_PASSING)


def _order(entry_id: str) -> tuple[int, int]:
    milliseconds, _, sequence = entry_id.partition("-")
    return int(milliseconds), int(sequence or 0)


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


__all__ = ["Bus", "Consumer", "Message", "Received"]
