"""Checks of a running platform: services, progress and stream lag."""

from collections.abc import Callable, Iterator

from ratchet.cli.checks.types import Level, Result
from ratchet.cli.home import Home
from ratchet.cli.platform.look import look
from ratchet.cli.platform.services import HOST
from ratchet.cli.platform.state import PlatformState
from ratchet.cli.supervision.process import probe

LAG_WARN, LAG_FAIL = 1_000, 100_000


def services(home: Home, state: PlatformState) -> Iterator[Result]:
    """Every process lives and is ready."""
    unwell = []
    for name, process in state.services.items():
        port = process.ports.get("admin")
        if not process.alive:
            reason = process.reason or process.state
            unwell.append(Result(name, Level.FAIL, reason, f"see {home.log / (name + '.log')}"))
        elif port is not None and (reason := probe(HOST, port)):
            unwell.append(
                Result(name, Level.WARN, f"not ready: {reason}", f"see {home.log / (name + '.log')}")
            )
    if unwell:
        yield from unwell
    else:
        yield Result("services", Level.OK, f"all {len(state.services)} are ready")


def flow(home: Home, state: PlatformState) -> Iterator[Result]:
    """Data flows: nothing is far behind, nothing was given up, trading is not halted."""
    progress = look(home, state)
    if progress.error:
        yield Result("progress", Level.FAIL, progress.error, "see the lines on database and redis")
        return
    yield Result("progress", Level.OK, f"{progress.state}, step {progress.seq}/{progress.total}")
    slowest = progress.lags[0] if progress.lags else None
    level = Level.FAIL if progress.lag >= LAG_FAIL else Level.WARN if progress.lag >= LAG_WARN else Level.OK
    found = (
        f"{slowest.entries} entries: {slowest.group} on {slowest.stream}" if slowest else "no consumer yet"
    )
    mend = (
        "" if level is Level.OK or slowest is None else f"see the log of the service of group {slowest.group}"
    )
    yield Result("stream lag", level, found, mend)
    if progress.trading_state != "active":
        yield Result(
            "trading", Level.WARN, f"trading is {progress.trading_state}", "`ratchet resume` lifts it"
        )


CHECKS: tuple[Callable[[Home, PlatformState], Iterator[Result]], ...] = (services, flow)
