"""`ratchet doctor`: what is wrong with this machine or a running platform, and how to mend it."""

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from ratchet.cli.checks import machine, running
from ratchet.cli.checks.types import Level, Result
from ratchet.cli.home import Home
from ratchet.cli.options import make_console
from ratchet.cli.platform.state import PlatformState, read_state

STYLES = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "bold red"}


def run_doctor() -> int:
    """Print one line per check; return 1 when one failed."""
    home = Home.find()
    state = read_state(home)
    state = state if state is not None and state.alive else None
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("check", "", "found", "how to mend"):
        table.add_column(column, overflow="fold")
    worst = Level.OK
    for result in _results(home, state):
        worst = max(worst, result.level)
        table.add_row(
            result.name,
            Text(result.level.name.lower(), style=STYLES[result.level]),
            result.found,
            result.mend,
        )
    make_console().print(table)
    return 1 if worst is Level.FAIL else 0


def _results(home: Home, state: PlatformState | None) -> Iterator[Result]:
    for check in machine.CHECKS:
        yield check(home, state)
    if state is None:
        yield Result("platform", Level.OK, f"none runs from {home.root}", "start one with `ratchet up`")
        return
    for look in running.CHECKS:
        yield from look(home, state)
