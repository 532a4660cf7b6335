"""An ASGI app served by uvicorn in a thread."""

import errno
import socket
import threading
from typing import Any

import uvicorn
from fastapi import FastAPI

from ratchet.common.errors import PortTakenError


class HttpServer:
    """Binds at once, serves from `start` until `stop`."""

    def __init__(self, app: FastAPI, host: str, port: int, *, variable: str, **options: Any) -> None:
        """PortTakenError names the address and the environment variable to change; options go to uvicorn."""
        self._socket = _bind(host, port, variable)
        self.port: int = self._socket.getsockname()[1]
        frugal: dict[str, Any] = {"ws": "none", "loop": "asyncio", "http": "h11"}
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=2,
            **{**frugal, **options},
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name=f"http-{self.port}", daemon=True)

    def start(self) -> None:
        """Serve in the background."""
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Stop serving and wait for the thread."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        self._socket.close()

    def _serve(self) -> None:
        self._server.run(sockets=[self._socket])


def _bind(host: str, port: int, variable: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        reason = (
            "is taken" if error.errno == errno.EADDRINUSE else f"cannot be listened on ({error.strerror})"
        )
        raise PortTakenError(
            f"port {port} on {host} {reason}; set {variable} to a free port (0 picks one)"
        ) from None
    return listener
