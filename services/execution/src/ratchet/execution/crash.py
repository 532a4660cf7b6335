"""Named points at which a test can have the process killed: RATCHET_CRASH_AT=<point>[:<n>].

At the n-th pass (the first by default) the process sends itself SIGKILL, as a power failure or the kernel
would. It is a facility of tests: execution refuses to start with it where real money is traded.
"""

import os
import signal
from collections.abc import Callable

POINTS = (
    "before_commit",
    "after_commit",
    "after_send",
    "before_record_answer",
    "mid_fill",
    "before_outbox_relay",
    "during_reconcile",
)
VARIABLE = "RATCHET_CRASH_AT"


class CrashPlan:
    """Counts passes of one point; `kill` does not return where it is real."""

    def __init__(self, text: str, kill: Callable[[], None]) -> None:
        self.point, self.left = parse(text)
        self._kill = kill

    def passed(self, point: str) -> None:
        """Note a pass."""
        if point != self.point:
            return
        self.left -= 1
        if self.left == 0:
            self._kill()


def parse(text: str) -> tuple[str, int]:
    """Return (point, n) of `<point>[:<n>]`, ("", 0) for nothing; ValueError names what is allowed."""
    if not text:
        return "", 0
    point, _, count = text.partition(":")
    if point not in POINTS or not (count or "1").isdigit() or int(count or "1") < 1:
        raise ValueError(
            f"{VARIABLE}={text!r}: allowed is <point> or <point>:<n>, n from 1, "
            f"with a point of {', '.join(POINTS)}"
        )
    return point, int(count or "1")


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


_plan: CrashPlan | None = None


def arm(text: str, kill: Callable[[], None] = _kill) -> None:
    """Take the plan; an empty one disarms."""
    global _plan
    _plan = CrashPlan(text, kill) if text else None


def crash_point(point: str) -> None:
    """Die here if that is the plan."""
    if _plan is not None:
        _plan.passed(point)
