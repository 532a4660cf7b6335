"""Faults of the WebSocket connections themselves."""

from typing import Annotated, ClassVar

from pydantic import Field

from ratchet.paper_exchange.faults.base import STREAM_FIELDS, STREAM_MESSAGE_FIELDS, Fault

CloseCode = Annotated[int, Field(ge=1000, le=4999)]


class StreamClose(Fault):
    """The connections that are open now are closed."""

    name: ClassVar = "stream_close"
    fields: ClassVar = STREAM_FIELDS

    code: CloseCode = 1012


class StreamCloseOnMessage(Fault):
    """A connection is closed when it would be sent a message; the message is lost."""

    name: ClassVar = "stream_close_on_message"
    fields: ClassVar = STREAM_MESSAGE_FIELDS

    code: CloseCode = 1012


class StreamMute(Fault):
    """Connections stay open and answer pings and requests, but messages are not sent."""

    name: ClassVar = "stream_mute"
    fields: ClassVar = STREAM_MESSAGE_FIELDS


class StreamRefuse(Fault):
    """New connections are refused with an HTTP status."""

    name: ClassVar = "stream_refuse"
    fields: ClassVar = STREAM_FIELDS
    knows_account: ClassVar = False

    status: Annotated[int, Field(ge=400, le=599)] = 503
