"""Ctrl-C and SIGTERM as a flag, so that every start and stop happens at a known place."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType


class Interrupted(Exception):  # noqa: N818 - not an error: somebody asked us to end
    """Somebody asked the platform to end."""


class Interrupt:
    """Remembers the first signal; a second one means that patience is over."""

    def __init__(self) -> None:
        self.number = 0
        self.count = 0

    @property
    def exit_code(self) -> int:
        """The conventional exit code of a process that this signal ended, or 0."""
        return 128 + self.number if self.number else 0

    def check(self) -> None:
        """Raise Interrupted after a signal."""
        if self.number:
            raise Interrupted

    def handle(self, number: int, _: FrameType | None) -> None:
        """Note a signal."""
        self.number = self.number or number
        self.count += 1


@contextlib.contextmanager
def interruptible() -> Iterator[Interrupt]:
    """Catch SIGINT, SIGTERM and SIGHUP until the end of the block."""
    interrupt = Interrupt()
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [(number, signal.signal(number, interrupt.handle)) for number in numbers]
    try:
        yield interrupt
    finally:
        for number, handler in before:
            signal.signal(number, handler)
