"""One supervised process: its life from start over readiness to its end, and when to start it again."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ratchet.common.embedded import launch

# The first end in a row is followed by a start at once, the second after this delay, and so on.
FIRST_DELAY_S = 0.2
LONGEST_DELAY_S = 15.0
STABLE_S = 20.0
FAILURES_BEFORE_READY = 4
FAILURES = 10
# A service ends with this code when its settings are wrong: another start cannot help.
EXIT_CONFIG = 2
PROBE_TIMEOUT_S = 2.0
# A process without /readyz counts as ready when it has lived for so long.
SETTLE_S = 2.0
LOG_LIMIT_BYTES = 20_000_000
LOG_FILES = 3


class State(StrEnum):
    """Where a process stands."""

    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    NOT_READY = "not ready"
    WAITING = "waiting to restart"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a process, worth one line."""

    name: str
    text: str
    bad: bool = False


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """What to start. `ready_port` is that of an HTTP server with /readyz, if it has one."""

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str]
    log: Path
    ready_port: int | None = None
    ports: Mapping[str, int] | None = None
    host: str = "127.0.0.1"


class Supervised:
    """Runs a ProcessSpec. Call `tick` often, always from the thread that called `start`."""

    def __init__(self, spec: ProcessSpec, emit: Callable[[Event], None]) -> None:
        self.spec = spec
        self.state = State.STOPPED
        self.restarts = 0
        self.reason = ""
        self._emit = emit
        self._child: subprocess.Popen[bytes] | None = None
        self._ended_fd: int | None = None
        self._failures = 0
        self._was_ready = self._ever_ready = False
        self._started_at = 0.0
        self._due_at = 0.0
        self._probe_at = 0.0

    @property
    def pid(self) -> int | None:
        """The process id while the process lives."""
        return self._child.pid if self._child is not None and self._child.poll() is None else None

    @property
    def ended_fd(self) -> int | None:
        """A file descriptor that is readable once the process has ended, where the system has that."""
        return self._ended_fd

    def start(self) -> None:
        """Start the process; it is sent SIGTERM when this thread ends."""
        rotate(self.spec.log)
        with self.spec.log.open("ab") as log:
            self._child = launch(self.spec.command, log=log, env={**os.environ, **self.spec.env})
        self._ended_fd = _ended_fd(self._child.pid)
        self.state, self.reason = State.STARTING, ""
        self._was_ready = False
        self._started_at = time.monotonic()
        self._probe_at = 0.0
        self._emit(Event(self.spec.name, f"started, pid {self._child.pid}"))

    def tick(self) -> None:
        """Look after the process once: notice its end, restart it when due, ask whether it is ready."""
        now = time.monotonic()
        if self.state in (State.STOPPED, State.FAILED):
            return
        if self.state is State.WAITING:
            self._start_when_due(now)
            return
        code = None if self._child is None else self._child.poll()
        if code is not None:
            self._ended(code, now)
            self._start_when_due(now)
        elif now >= self._probe_at:
            self._probe(now)

    def terminate(self) -> None:
        """Ask the process to end and do not start it again."""
        self.state = State.STOPPED
        self._close_ended_fd()
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the process and its group at once."""
        self._signal(signal.SIGKILL)

    def wait(self, timeout_s: float) -> int | None:
        """Wait for the end; return the exit code, or None when it still lives."""
        if self._child is None:
            return 0
        try:
            return self._child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def _signal(self, number: signal.Signals) -> None:
        if self._child is None:
            return
        # The whole group is killed even when its leader has ended: it may have left children.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if number is signal.SIGKILL:
                os.killpg(self._child.pid, number)
            elif self._child.poll() is None:
                os.kill(self._child.pid, number)

    def _start_when_due(self, now: float) -> None:
        if self.state is State.WAITING and now >= self._due_at:
            self.restarts += 1
            self.start()

    def _close_ended_fd(self) -> None:
        if self._ended_fd is not None:
            os.close(self._ended_fd)
            self._ended_fd = None

    def _ended(self, code: int, now: float) -> None:
        self._close_ended_fd()
        lived = now - self._started_at
        self._failures = 1 if self._was_ready and lived > STABLE_S else self._failures + 1
        limit = FAILURES if self._ever_ready else FAILURES_BEFORE_READY
        why = f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        if self._failures >= limit or code == EXIT_CONFIG:
            self.state = State.FAILED
            self.reason = f"{why}{last_error(self.spec.log)}"
            self._emit(Event(self.spec.name, f"FAILED: {self.reason} (log: {self.spec.log})", bad=True))
            return
        delay = _delay_s(self._failures)
        self.state, self.reason, self._due_at = State.WAITING, why, now + delay
        when = f"in {delay:g} s" if delay else "at once"
        self._emit(Event(self.spec.name, f"{why}, restart {when}", bad=True))

    def _probe(self, now: float) -> None:
        if self.spec.ready_port is not None:
            reason = probe(self.spec.host, self.spec.ready_port)
        else:
            reason = "" if now - self._started_at >= SETTLE_S else "has just been started"
        ready = reason == ""
        self._probe_at = now + (2.0 if ready else 0.2)
        self.reason = reason
        if ready and self.state is not State.READY:
            took = f" after {now - self._started_at:.1f} s" if not self._was_ready else " again"
            self._emit(Event(self.spec.name, f"ready{took}"))
            self.state, self._was_ready, self._ever_ready = State.READY, True, True
        elif not ready and self.state is State.READY:
            self.state = State.NOT_READY
            self._emit(Event(self.spec.name, f"not ready: {reason}", bad=True))


def _delay_s(failures: int) -> float:
    """Return how long to wait after so many ends in a row: one alone is an accident, and costs no time."""
    return min(LONGEST_DELAY_S, FIRST_DELAY_S * 2 ** (failures - 2)) if failures > 1 else 0.0


def _ended_fd(pid: int) -> int | None:
    """Return a descriptor that tells of a child's end; Linux has one, elsewhere it is looked for."""
    with contextlib.suppress(AttributeError, OSError):
        return os.pidfd_open(pid)
    return None


def probe(host: str, port: int) -> str:
    """Ask a service's /readyz; return an empty string when it is ready, else the reason."""
    connection = http.client.HTTPConnection(host, port, timeout=PROBE_TIMEOUT_S)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        body = response.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return f"no answer ({type(error).__name__})"
    finally:
        connection.close()
    return "" if response.status == http.client.OK else _reason(body) or f"HTTP {response.status}"


def _reason(body: str) -> str:
    try:
        checks = json.loads(body)["checks"]
        return "; ".join(f"{name}: {check['reason']}" for name, check in checks.items() if not check["ok"])
    except (ValueError, KeyError, TypeError):
        return body.strip()[:200]


def last_error(log: Path) -> str:
    """Return what the last lines of a log say about an error, with a leading colon, or nothing."""
    with contextlib.suppress(OSError), log.open("rb") as handle:
        handle.seek(max(0, log.stat().st_size - 8192))
        lines = handle.read().decode(errors="replace").splitlines()
        errors = (text for line in reversed(lines) if (text := _error_text(line)))
        text = next(errors, lines[-1].strip() if lines else "")
        return f": {text[:300]}" if text else ""
    return ""


def _error_text(line: str) -> str:
    try:
        entry = json.loads(line)
        if entry.get("level") in ("error", "critical"):
            return str(entry.get("reason") or entry.get("error") or entry.get("event"))
    except (ValueError, AttributeError):
        return line.strip() if line[:1].isalpha() and ("Error" in line or "error" in line) else ""
    return ""


def rotate(log: Path) -> None:
    """Keep a log under its limit: copy it aside and cut it, which works while a process appends to it."""
    if not log.exists() or log.stat().st_size <= LOG_LIMIT_BYTES:
        return
    with contextlib.suppress(OSError):
        _move_aside(log)


def _move_aside(log: Path) -> None:
    for number in range(LOG_FILES - 1, 0, -1):
        older = log.with_name(f"{log.name}.{number}")
        if older.exists():
            older.replace(log.with_name(f"{log.name}.{number + 1}"))
    shutil.copyfile(log, log.with_name(f"{log.name}.1"))
    os.truncate(log, 0)
