"""PostgreSQL and Redis of a platform: embedded, or external by RATCHET_DATABASE_URL and RATCHET_REDIS_URL."""

import os
import time
from collections.abc import Callable
from urllib.parse import urlsplit, urlunsplit

from ratchet.cli.home import Home
from ratchet.cli.supervision import Event
from ratchet.common.embedded import EmbeddedServerError, PostgresServer, ValkeyServer, free_port

POSTGRES_PORT = 7432
VALKEY_PORT = 7379
CHECK_EVERY_S = 0.5
RETRY_S = 5.0
RESTART_TIMEOUT_S = 30.0


class Backends:
    """Starts what is embedded, keeps it alive on the same ports, and stops it at the end."""

    def __init__(self, home: Home, mode: str, emit: Callable[[Event], None]) -> None:
        self._emit = emit
        self._check_at = 0.0
        self.external_database = os.environ.get("RATCHET_DATABASE_URL", "")
        self.external_redis = os.environ.get("RATCHET_REDIS_URL", "")
        self._servers: dict[str, PostgresServer | ValkeyServer] = {}
        self.restarts: dict[str, int] = {}
        self._home, self._mode = home, mode

    def start(self) -> None:
        """Start or adopt the embedded servers. Raises EmbeddedServerError."""
        if not self.external_database:
            self._start("postgresql", self._home.postgres(self._mode), POSTGRES_PORT)
        if not self.external_redis:
            self._start("valkey", self._home.valkey(self._mode), VALKEY_PORT)

    @property
    def server_url(self) -> str:
        """The URL of the server's given or maintenance database."""
        return self.external_database or self._servers["postgresql"].url

    def database_url(self, database: str) -> str:
        """Return the URL of a database of the server."""
        return urlunsplit(urlsplit(self.server_url)._replace(path=f"/{database}"))

    @property
    def redis_url(self) -> str:
        """The URL of Redis."""
        return self.external_redis or self._servers["valkey"].url

    @property
    def embedded(self) -> dict[str, int]:
        """The embedded servers and their ports."""
        return {name: server.port for name, server in self._servers.items() if server.port is not None}

    def tick(self) -> None:
        """Start an embedded server again that was killed, on the same port."""
        now = time.monotonic()
        if now < self._check_at:
            return
        self._check_at = now + CHECK_EVERY_S
        for name, server in self._servers.items():
            if server.pid is None:
                self._restart(name, server)

    def _restart(self, name: str, server: PostgresServer | ValkeyServer) -> None:
        self.restarts[name] = self.restarts.get(name, 0) + 1
        self._emit(Event(name, "ended, restarting", bad=True))
        try:
            server.start(RESTART_TIMEOUT_S)
        except (EmbeddedServerError, OSError) as error:
            # A full disk, most often: what was committed is safe, and services wait until there is room.
            self._check_at = time.monotonic() + RETRY_S
            self._emit(Event(name, f"{error}; next attempt in {RETRY_S:g} s", bad=True))
        else:
            self._emit(Event(name, f"ready again, pid {server.pid}"))

    def stop(self) -> None:
        """Stop the embedded servers."""
        for name, server in reversed(self._servers.items()):
            server.stop()
            self._emit(Event(name, "stopped"))

    def _start(self, name: str, server: PostgresServer | ValkeyServer, port: int) -> None:
        server.start(port=free_port(port))
        how = "adopted" if server.adopted else "started"
        self._servers[name] = server
        self._emit(Event(name, f"{how}, pid {server.pid}, port {server.port}"))
