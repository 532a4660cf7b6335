"""What the local servers have in common that answer as venues document their APIs."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class FaultyVenue:
    """`faults` maps an operation to what goes wrong, once for each entry; `requests` starts with methods."""

    def __init__(self) -> None:
        self.faults: dict[str, list[str]] = {}
        self.requests: list[tuple[str, ...]] = []
        self.release = threading.Event()
        self.lock = threading.Lock()

    def fault(self, operation: str) -> str:
        """Return what goes wrong now, and forget it."""
        with self.lock:
            waiting = self.faults.get(operation, [])
            return waiting.pop(0) if waiting else ""

    def posts(self) -> int:
        """How many orders and the like were asked for."""
        return sum(1 for method, *_ in self.requests if method == "POST")


class VenueHandler(BaseHTTPRequestHandler):
    """Answers with JSON, breaks connections."""

    protocol_version = "HTTP/1.1"
    venue: Any
    retry_after = ""
    """What a refusal for the rate says, if anything."""

    def log_message(self, *_: Any) -> None:
        """Stay quiet."""

    def maybe_break(self, fault: str) -> bool:
        """Reset the connection, or hang until the test ends."""
        if fault == "hang":
            self.venue.release.wait(30)
        if fault in {"hang", "reset"}:
            self.close_connection = True
            return True
        return False

    def reply(self, status: int, body: Any, text: str | None = None) -> None:
        """Send JSON, or a page that is not the venue's."""
        data = (json.dumps(body) if text is None else text).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if text is None else "text/html")
        self.send_header("Content-Length", str(len(data)))
        if self.retry_after and status in {418, 429}:
            self.send_header("Retry-After", self.retry_after)
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def started(handler: type[VenueHandler], venue: FaultyVenue) -> Iterator[str]:
    """Serve a venue on a free port; yields its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (handler,), {"venue": venue}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        venue.release.set()
        server.shutdown()
        server.server_close()
        thread.join()
