"""Supervises the processes of a platform: starts, restarts, and an end that leaves nothing behind."""

import select
import time
from collections.abc import Callable, Iterable

from ratchet.cli.supervision.process import Event, ProcessSpec, State, Supervised, rotate

GRACE_S = 15.0
ROTATE_EVERY_S = 30.0


class Supervisor:
    """Owns the processes. Call it from one thread: processes end with the thread that started them."""

    def __init__(self, emit: Callable[[Event], None], changed: Callable[[], None] = lambda: None) -> None:
        self.processes: dict[str, Supervised] = {}
        self._emit = emit
        self._changed = changed
        self._rotate_at = 0.0
        self._seen: dict[str, tuple[State, int | None]] = {}

    def start(self, specs: Iterable[ProcessSpec]) -> None:
        """Start processes; those that run already are left alone."""
        for spec in specs:
            if spec.name not in self.processes:
                self.processes[spec.name] = Supervised(spec, self._emit)
                self.processes[spec.name].start()
        self._note_changes()

    def tick(self) -> None:
        """Look after every process once."""
        for process in self.processes.values():
            process.tick()
        now = time.monotonic()
        if now >= self._rotate_at:
            self._rotate_at = now + ROTATE_EVERY_S
            for process in self.processes.values():
                rotate(process.spec.log)
        self._note_changes()

    def wait(self, timeout_s: float) -> None:
        """Sleep, but no longer than until a process ends, so that the next `tick` starts it again."""
        ends = select.poll()
        for process in self.processes.values():
            if process.ended_fd is not None:
                ends.register(process.ended_fd, select.POLLIN)
        ends.poll(timeout_s * 1_000)

    @property
    def ready(self) -> bool:
        """Tell whether every process is ready."""
        return all(process.state is State.READY for process in self.processes.values())

    @property
    def failed(self) -> list[Supervised]:
        """The processes that were given up."""
        return [process for process in self.processes.values() if process.state is State.FAILED]

    @property
    def unready(self) -> list[Supervised]:
        """The processes that are not ready."""
        return [process for process in self.processes.values() if process.state is not State.READY]

    def stop(self, grace_s: float = GRACE_S) -> list[str]:
        """End every process, last started first; return the names of those that had to be killed."""
        processes = list(reversed(self.processes.values()))
        for process in processes:
            process.terminate()
        end = time.monotonic() + grace_s
        stubborn = [
            process for process in processes if process.wait(max(0.0, end - time.monotonic())) is None
        ]
        for process in processes:
            process.kill()
        for process in stubborn:
            process.wait(5.0)
            self._emit(Event(process.spec.name, f"did not end within {grace_s:g} s, killed", bad=True))
        self._note_changes()
        return [process.spec.name for process in stubborn]

    def _note_changes(self) -> None:
        now = {name: (process.state, process.pid) for name, process in self.processes.items()}
        if now != self._seen:
            self._seen = now
            self._changed()
