"""A message as it came out of a stream."""

from dataclasses import dataclass
from typing import Protocol, TypeVar

from ratchet.common import tracing

M = TypeVar("M", bound="Parsable")


class Parsable(Protocol):
    """A protobuf message class."""

    def ParseFromString(self, serialized: bytes, /) -> object:  # noqa: N802 - protobuf's name
        """Fill the message from the wire format."""


@dataclass(frozen=True, slots=True)
class Received:
    """One entry: `ts` is the event time in ns, `tp` the sender's traceparent."""

    stream: str
    entry_id: str
    payload: bytes
    ts: int
    event_id: str
    tp: str = ""

    def parse(self, kind: type[M]) -> M:
        """Return the message; google.protobuf.message.DecodeError if the payload is not one."""
        message = kind()
        message.ParseFromString(self.payload)
        return message

    def span(self, name: str) -> tracing.span:
        """Return the context in which this message is to be handled, for `with`."""
        return tracing.span(name, parent=self.tp, event_id=self.event_id, stream=self.stream)


def decode_entry(stream: str, entry_id: bytes, fields: dict[bytes, bytes]) -> Received:
    """Return the entry of a reply; missing fields are empty, so that a malformed one can be refused later."""
    ts = fields.get(b"ts", b"0")
    return Received(
        stream=stream,
        entry_id=entry_id.decode(),
        payload=fields.get(b"p", b""),
        ts=int(ts) if ts.lstrip(b"-").isdigit() else 0,
        event_id=fields.get(b"id", b"").decode("utf-8", "replace"),
        tp=fields.get(b"tp", b"").decode("ascii", "replace"),
    )
