"""Starting and ending the embedded servers' processes."""

import contextlib
import fcntl
import os
import pwd
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO

import psutil

LAUNCHER = Path(__file__).with_name("launcher.py")
ACCOUNTS = ("postgres", "nobody", "daemon")
LOG_LIMIT_BYTES = 5_000_000
CHOSEN_FROM, CHOSEN_BELOW, PORT_ATTEMPTS = 16_000, 32_000, 100


class EmbeddedServerError(RuntimeError):
    """An embedded server cannot be started or reached; the message says why and how to mend it."""


def free_port(preferred: int | None = None, host: str = "127.0.0.1") -> int:
    """Return `preferred` when it is free, else a random free port.

    It lies below those that the system gives to outgoing connections, one of which could otherwise take it
    before the server that it is meant for has been started.
    """
    anywhere = (CHOSEN_FROM + secrets.randbelow(CHOSEN_BELOW - CHOSEN_FROM) for _ in range(PORT_ATTEMPTS))
    for port in (preferred or next(anywhere), *anywhere):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind((host, port))
                return port
    raise EmbeddedServerError(f"no free port on {host}")


def launch(
    command: Sequence[str | Path],
    *,
    log: IO[bytes] | None = None,
    env: Mapping[str, str] | None = None,
    cwd: str | Path | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
    rights: Sequence[str] = (),
) -> subprocess.Popen[bytes]:
    """Start a program in its own process group that is sent `death_signal` when the calling thread ends.

    `rights` are the launcher's options from `unprivileged()`. Output goes to `log`, or nowhere.
    """
    out = subprocess.DEVNULL if log is None else log
    return subprocess.Popen(
        [*launcher_command(death_signal, rights), *map(str, command)],
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=subprocess.STDOUT,
        env=None if env is None else dict(env),
        cwd=cwd,
        start_new_session=True,
    )


def launcher_command(death_signal: signal.Signals, rights: Sequence[str]) -> list[str]:
    """Return the command line before the program itself."""
    options = [f"--signal={int(death_signal)}", f"--parent={os.getpid()}", *rights]
    return [sys.executable, "-I", "-S", str(LAUNCHER), *options, "--"]


@cache
def unprivileged() -> tuple[str, ...]:
    """Return the launcher's options under which a server that refuses root can run.

    A user namespace where the kernel allows one, else an existing account without rights.
    """
    if os.geteuid() != 0:
        return ()
    probe = [*launcher_command(signal.SIGTERM, ["--userns"]), sys.executable, "-I", "-S", "-c", ""]
    if subprocess.run(probe, check=False, capture_output=True).returncode == 0:
        return ("--userns",)
    for account in ACCOUNTS:
        with contextlib.suppress(KeyError):
            pwd.getpwnam(account)
            return ("--account", account)
    raise EmbeddedServerError(
        "PostgreSQL refuses to run as root, and there is neither a user namespace nor an account to use: "
        "run ratchet as a normal user, or set RATCHET_DATABASE_URL"
    )


def give_to_account(folder: Path, rights: Sequence[str]) -> None:
    """Hand a folder to the account of `rights`, if there is one."""
    if not rights or rights[0] != "--account":
        return
    account = pwd.getpwnam(rights[1])
    for path in (folder, *folder.rglob("*")):
        os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let one process at a time start or stop the server of a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "server.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def open_log(path: Path) -> IO[bytes]:
    """Open a log for appending; what is over 5 MB is first moved aside."""
    if path.exists() and path.stat().st_size > LOG_LIMIT_BYTES:
        path.replace(path.with_name(path.name + ".1"))
    return path.open("ab")


def log_tail(path: Path, lines: int = 3) -> str:
    """Return the last lines of a log in one line."""
    if not path.exists():
        return ""
    with path.open("rb") as handle:
        handle.seek(max(0, path.stat().st_size - 4096))
        text = handle.read().decode(errors="replace")
    return " | ".join(text.strip().splitlines()[-lines:])


def password_of(path: Path) -> str:
    """Return the generated password kept in a file of mode 0600."""
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as handle:
            handle.write(secrets.token_urlsafe(24))
    return path.read_text().strip()


def running(pid: int | None, name: str) -> psutil.Process | None:
    """Return the live process with this id if its program's name starts with `name`."""
    if pid is None:
        return None
    with contextlib.suppress(psutil.Error, ValueError):
        process = psutil.Process(pid)
        if process.name().startswith(name) and process.status() != psutil.STATUS_ZOMBIE:
            return process
    return None


def reap(child: subprocess.Popen[bytes] | None) -> None:
    """Take note of a child's end, so that it does not remain a zombie."""
    if child is None or child.poll() is not None:
        return
    with contextlib.suppress(psutil.NoSuchProcess):
        # The first thread of a killed process is a zombie already while others still end.
        if psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE:
            child.wait(10)


def end(process: psutil.Process, first: signal.Signals, timeout_s: float) -> None:
    """Ask a server to end, and kill it with its children when it has not done so in time."""
    children: list[psutil.Process] = []
    with contextlib.suppress(psutil.Error):
        children = process.children(recursive=True)
        process.send_signal(first)
    _, alive = wait_for([process], timeout_s)
    for straggler in [*alive, *(children if alive else [])]:
        with contextlib.suppress(psutil.Error):
            straggler.kill()
    wait_for(alive, 5.0)


def wait_for(
    processes: Sequence[psutil.Process], timeout_s: float
) -> tuple[list[psutil.Process], list[psutil.Process]]:
    """Wait until the processes have ended; return those gone and those alive."""
    return psutil.wait_procs(processes, timeout=timeout_s)


class Deadline:
    """Counts down the seconds left of a wait."""

    def __init__(self, timeout_s: float) -> None:
        self._end = time.monotonic() + timeout_s

    @property
    def passed(self) -> bool:
        """Tell whether the time is up."""
        return time.monotonic() >= self._end

    def pause(self, seconds: float = 0.02) -> None:
        """Sleep a little, never past the end."""
        time.sleep(max(0.0, min(seconds, self._end - time.monotonic())))
