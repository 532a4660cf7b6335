"""What is known about the platform that runs from a home: the lock, its state file, and stale processes."""

import contextlib
import fcntl
import json
import os
import signal
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from ratchet.cli.errors import BusyError
from ratchet.cli.home import Home, write_private


@dataclass(slots=True)
class ProcessState:
    """One process as last seen; `created` tells it from a later one with the same id."""

    pid: int | None
    created: float
    state: str
    restarts: int = 0
    reason: str = ""
    ports: dict[str, int] = field(default_factory=dict)

    @property
    def alive(self) -> bool:
        """Tell whether this very process lives."""
        return find(self.pid, self.created) is not None


@dataclass(slots=True)
class PlatformState:
    """The platform as last written by `ratchet up`."""

    pid: int
    created: float
    run: str
    mode: str
    data: str
    data_path: str
    data_why: str
    database: str
    embedded: dict[str, int]
    services: dict[str, ProcessState]

    @property
    def alive(self) -> bool:
        """Tell whether the process that supervises the platform lives."""
        return find(self.pid, self.created) is not None

    def write(self, home: Home) -> None:
        """Store the state for `ratchet status`, `down` and the next start."""
        write_private(state_path(home), json.dumps(asdict(self), indent=2))


def state_path(home: Home) -> Path:
    """Return where the state of a home lies."""
    return home.run / "state.json"


def read_state(home: Home) -> PlatformState | None:
    """Return the last state of a home, or None when there is none that can be read."""
    try:
        raw = json.loads(state_path(home).read_text())
        services = {name: ProcessState(**values) for name, values in raw.pop("services").items()}
        return PlatformState(**raw, services=services)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


@contextlib.contextmanager
def exclusive(home: Home) -> Iterator[None]:
    """Hold the home for one platform. Raises BusyError that says who holds it."""
    with (home.run / "up.lock").open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            state = read_state(home)
            who = f"pid {state.pid}, data {state.data}" if state and state.alive else "starting or stopping"
            raise BusyError(
                f"the platform runs already from {home.root} ({who}): "
                "see `ratchet status`, end it with `ratchet down`, or set RATCHET_HOME for a second one"
            ) from None
        yield


def is_held(home: Home) -> bool:
    """Tell whether a platform holds the home now."""
    path = home.run / "up.lock"
    if not path.exists():
        return False
    with path.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def own_created() -> float:
    """Return the creation time of this process."""
    return psutil.Process().create_time()


def created_of(pid: int | None) -> float:
    """Return the creation time of a process, or 0."""
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).create_time() if pid is not None else 0.0
    return 0.0


def find(pid: int | None, created: float) -> psutil.Process | None:
    """Return the live process with this id and creation time."""
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid) if pid else None
        if process and abs(process.create_time() - created) < 0.01:
            return process if process.status() != psutil.STATUS_ZOMBIE else None
    return None


def end_stale(state: PlatformState) -> list[str]:
    """Kill what a platform left behind that was killed itself; return the names."""
    ended = []
    for name, known in state.services.items():
        process = find(known.pid, known.created)
        if process is None:
            continue
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
            psutil.wait_procs([process], timeout=5.0)
            ended.append(name)
    return ended
