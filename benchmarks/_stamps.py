"""When a server answered a POST, told by the server itself over UDP: nobody has to wait or poll for it."""

import json
import select
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

HOST = "127.0.0.1"
PORT_VARIABLE = "BENCH_STAMPS"
Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Stamp:
    """One answer: monotonic time in ns at which its last byte was handed to the kernel, status, order id."""

    at_ns: int
    status: int
    order: str


class Stamps:
    """Receives what `Stamping` sends."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
        self._socket.bind((HOST, 0))
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]

    def take(self, wait_s: float = 0.0) -> list[Stamp]:
        """Return what has come; wait up to `wait_s` for the first."""
        select.select([self._socket], [], [], wait_s)
        found = []
        while True:
            try:
                found.append(Stamp(*json.loads(self._socket.recv(4_096))))
            except BlockingIOError:
                return found

    def close(self) -> None:
        """Stop receiving."""
        self._socket.close()


class Stamping:
    """An ASGI application that reports each answer of another to a POST of an order."""

    def __init__(self, app: Any, port: int, path: str) -> None:
        self._app = app
        self._address = (HOST, port)
        self._path = path
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._app, name)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Pass everything on, and report when an answer has gone out."""
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] != self._path:
            await self._app(scope, receive, send)
            return
        status = 0

        async def stamped(message: dict[str, Any]) -> None:
            nonlocal status
            await send(message)
            if message["type"] == "http.response.start":
                status = message["status"]
            elif not message.get("more_body"):
                self._report(time.monotonic_ns(), status, message.get("body", b""))

        await self._app(scope, receive, stamped)

    def _report(self, at_ns: int, status: int, body: bytes) -> None:
        order = str(json.loads(body).get("client_order_id", "")) if body.startswith(b"{") else ""
        self._socket.sendto(json.dumps([at_ns, status, order]).encode(), self._address)
