"""Trading again after a `kill -9`: the time until the next order, service by service, in live mode.

Ticks of four assets come every 50 ms and turn every other time, so that without a kill an order is never more
than a few ticks away. An order that was on its way when the exchange died keeps its own asset from new risk
for as long as a request may be under way (RATCHET_UNKNOWN_SETTLE_S, seven seconds); the others trade on.

The process that died is started again by the supervisor of `ratchet up`. The time counts from the kill to the
answer of the paper exchange to the first order after it. The baseline is a Python process that imports the
libraries that every service needs and ends, started in the same run.
"""

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

from benchmarks._live import LivePlatform, live_platform, warm_kernels
from benchmarks._universe import swinging
from ratchet.cli.platform.services import EXCHANGE

AIM = "an order within 2 s of the death of any service"
LIBRARIES = "fastapi, uvicorn, grpc, redis, psycopg2, pydantic_settings, structlog, numpy"
SERVICES = ("signal", "risk", "execution", EXCHANGE, "ml-inference", "phase-activation")
ASSETS = 4
PACE_S, QUIET_S, WITHIN_S = 0.05, 4.0, 60.0
Row = tuple[str, str, str, float]


def run(names: Sequence[str] = SERVICES) -> list[Row]:
    """Return one row a service, after a quiet time that gives the baseline."""
    warm_kernels()
    with live_platform(swinging(ASSETS, turning=ASSETS)) as platform:
        usual = _longest_gap_s(platform)
        return [_row(name, _killed_s(platform, name), _bare_start_s(), usual) for name in names]


def _row(name: str, seconds: float, bare: float, usual: float) -> Row:
    figure = f"{seconds:.2f} s (longest gap without a kill {usual:.2f} s)"
    return f"{name} killed", figure, f"bare start {bare:.2f} s", bare / seconds


def _bare_start_s() -> float:
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", f"import {LIBRARIES}"], check=True)
    return time.monotonic() - started


def _longest_gap_s(platform: LivePlatform) -> float:
    stamps = [time.monotonic_ns()]
    end = time.monotonic() + QUIET_S
    while time.monotonic() < end:
        _tick(platform)
        stamps += [stamp.at_ns for stamp in platform.stamps.take() if stamp.status == 200]
    gaps = [later - earlier for earlier, later in itertools.pairwise(stamps)]
    if not gaps:
        raise RuntimeError(f"no order within {QUIET_S} s, see {platform.folder / 'log'}")
    return max(gaps) / 1e9


def _killed_s(platform: LivePlatform, name: str) -> float:
    """Kill a service, return the seconds until a later order, and wait until all are ready again."""
    pid = platform.supervisor.processes[name].pid
    if pid is None:
        raise RuntimeError(f"{name} does not run")
    platform.stamps.take()
    killed = time.monotonic_ns()
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + WITHIN_S
    while True:
        _tick(platform)
        stamps = (stamp.at_ns for stamp in platform.stamps.take() if stamp.status == 200)
        after = [at for at in stamps if at > killed + _ON_ITS_WAY_NS]
        if after:
            break
        if time.monotonic() > deadline:
            raise RuntimeError(f"no order within {WITHIN_S} s of the death of {name}")
    seconds = (min(after) - killed) / 1e9
    end = time.monotonic() + QUIET_S
    while time.monotonic() < end or not platform.supervisor.ready:
        _tick(platform)
        platform.stamps.take()
    return seconds


# An order may have been with the exchange already when the service died.
_ON_ITS_WAY_NS = 20_000_000


def _tick(platform: LivePlatform) -> None:
    due = time.monotonic() + PACE_S
    platform.send()
    platform.supervisor.tick()
    while (left := due - time.monotonic()) > 0:
        # As `ratchet up` waits.
        platform.supervisor.wait(left)
        platform.supervisor.tick()


if __name__ == "__main__":
    for row in run(sys.argv[1:] or SERVICES):
        print(*row, sep=" | ")
