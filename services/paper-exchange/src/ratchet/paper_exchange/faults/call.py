"""One HTTP request in the hands of a fault: the app's answer can be held, changed, replaced or lost."""

import asyncio
import json
import socket
import struct
from collections.abc import MutableMapping
from dataclasses import dataclass, replace
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

Headers = tuple[tuple[bytes, bytes], ...]
# SO_LINGER on with no time: closing sends RST instead of FIN.
_LINGER_RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP answer."""

    status: int
    headers: Headers
    body: bytes

    @classmethod
    def of_json(cls, status: int, content: dict[str, Any], headers: Headers = ()) -> "Answer":
        """Build a JSON answer."""
        return cls(status, ((b"content-type", b"application/json"), *headers), json.dumps(content).encode())

    @property
    def is_json(self) -> bool:
        """Whether the body is JSON."""
        return any(
            name == b"content-type" and value.startswith(b"application/json") for name, value in self.headers
        )

    def with_body(self, body: bytes, content_type: bytes | None = None) -> "Answer":
        """Return it with another body."""
        kept = ((name, value) for name, value in self.headers if name != b"content-length")
        headers = tuple(
            (name, content_type if name == b"content-type" and content_type else value)
            for name, value in kept
        )
        return replace(self, headers=headers, body=body)


class HttpCall:
    """A request and its connection."""

    def __init__(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send, raw_send: Send) -> None:
        """`raw_send` is the server's own, `send` the one that answers go through."""
        self._app = app
        self._scope = scope
        self._receive = receive
        self._send = send
        self._raw_send = raw_send

    async def handle(self) -> Answer:
        """Have the exchange handle the request, and keep its answer from the client."""
        started: MutableMapping[str, Any] = {"status": 500, "headers": []}
        body = bytearray()

        async def keep(message: Message) -> None:
            if message["type"] == "http.response.start":
                started.update(message)
            elif message["type"] == "http.response.body":
                body.extend(message.get("body", b""))

        await self._app(self._scope, self._receive, keep)
        headers = tuple((bytes(name).lower(), bytes(value)) for name, value in started["headers"])
        return Answer(int(started["status"]), headers, bytes(body))

    async def pass_on(self) -> None:
        """Have the exchange answer the client itself, as it likes."""
        await self._app(self._scope, self._receive, self._send)

    async def reply(self, answer: Answer) -> None:
        """Send an answer to the client."""
        headers = [(name, value) for name, value in answer.headers if name != b"content-length"]
        if answer.status >= 200 and answer.status != 204:
            headers.append((b"content-length", str(len(answer.body)).encode()))
        await self._send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": answer.body})

    async def wait(self, seconds: float) -> bool:
        """Say nothing for some time; return False if the client has left meanwhile."""
        try:
            async with asyncio.timeout(seconds):
                while (await self._receive())["type"] != "http.disconnect":
                    pass
        except TimeoutError:
            return True
        return False

    def reset(self) -> None:
        """Break the connection with a TCP reset: the client sees no answer at all."""
        # ASGI has no word for it; uvicorn's `send` is a method of the cycle that holds the transport.
        transport = self._raw_send.__self__.transport  # type: ignore[attr-defined]
        line = transport.get_extra_info("socket")
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
        transport.abort()
