"""Frames of the market data streams: msgpack in binary frames, or JSON text for clients that ask for none."""

import json
from typing import Any, Protocol

import msgpack

from ratchet.paper_exchange.wire.values import rfc3339

MSGPACK = "application/msgpack"


class Codec(Protocol):
    """Turns messages into a frame and back. A time is a field `t` in ns UTC."""

    def decode(self, frame: str | bytes) -> Any:
        """Parse a client's frame; ValueError when it is malformed."""

    def encode(self, messages: list[dict[str, Any]]) -> str | bytes:
        """Build a frame."""


class MsgpackCodec:
    """Binary frames whose times are msgpack timestamps (extension type -1)."""

    def decode(self, frame: str | bytes) -> Any:
        """Parse msgpack."""
        if isinstance(frame, str):
            raise ValueError("a msgpack stream takes binary frames")  # noqa: TRY004 - malformed, not mistyped
        try:
            return msgpack.unpackb(frame)
        except (msgpack.exceptions.UnpackException, msgpack.exceptions.ExtraData) as error:
            raise ValueError(str(error)) from error

    def encode(self, messages: list[dict[str, Any]]) -> bytes:
        """Build msgpack."""
        return bytes(
            msgpack.packb([_with_time(message, msgpack.Timestamp.from_unix_nano) for message in messages])
        )


class JsonCodec:
    """Text frames whose times are RFC 3339."""

    def decode(self, frame: str | bytes) -> Any:
        """Parse JSON."""
        return json.loads(frame)

    def encode(self, messages: list[dict[str, Any]]) -> str:
        """Build JSON."""
        return json.dumps([_with_time(message, rfc3339) for message in messages], separators=(",", ":"))


def codec_for(content_type: str) -> Codec:
    """Choose by the Content-Type header of the WebSocket request."""
    return MsgpackCodec() if content_type.startswith(MSGPACK) else JsonCodec()


def _with_time(message: dict[str, Any], convert: Any) -> dict[str, Any]:
    return {**message, "t": convert(message["t"])} if "t" in message else message
