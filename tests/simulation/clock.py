"""Time that moves only when somebody moves it."""

from threading import Event

SECOND = 1_000_000_000
# 2025-01-02T18:00Z
START = 1_735_840_800 * SECOND


class VirtualClock:
    """The port Clock; waiting costs no real time."""

    def __init__(self) -> None:
        self.ns = START

    def now_ns(self) -> int:
        """Return the time of day, ns since the epoch, UTC."""
        return self.ns

    def monotonic(self) -> float:
        """Return seconds that only grow."""
        return (self.ns - START) / SECOND

    def wait(self, stop: Event, seconds: float) -> bool:
        """Let the time pass."""
        self.pass_s(seconds)
        return stop.is_set()

    def pass_s(self, seconds: float) -> None:
        """Let the time pass."""
        self.ns += int(seconds * SECOND)
