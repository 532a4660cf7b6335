"""What runs from this home."""

import json
from dataclasses import asdict

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ratchet.cli.home import Home
from ratchet.cli.options import make_console
from ratchet.cli.platform.look import look
from ratchet.cli.platform.progress import Progress
from ratchet.cli.platform.state import PlatformState, ProcessState, read_state
from ratchet.cli.platform.view import STYLES, plain_line
from ratchet.cli.supervision import State

NOT_RUNNING = 3


def run_status(*, as_json: bool) -> int:
    """Print the state of the platform; return 0 when all is well, 1 when not, 3 when none runs."""
    home = Home.find()
    state = read_state(home)
    if state is None or not state.alive:
        print(json.dumps({"running": False}) if as_json else f"no platform runs from {home.root}")
        return NOT_RUNNING
    progress = look(home, state)
    if as_json:
        record = {"running": True, **asdict(state), "progress": asdict(progress)}
        print(json.dumps(record, indent=2, default=str))
    else:
        _print(make_console(), state, progress)
    well = all(process.state == State.READY and process.alive for process in state.services.values())
    return 0 if well and not progress.error else 1


def _print(console: Console, state: PlatformState, progress: Progress) -> None:
    console.print(f"[bold]data[/]      {state.data} [dim]{state.data_why}[/]")
    console.print(f"[bold]mode[/]      {state.mode}, database {state.database}, supervisor pid {state.pid}")
    embedded = ", ".join(f"{name} on {port}" for name, port in state.embedded.items()) or "external"
    console.print(f"[bold]servers[/]   {embedded}")
    console.print(f"[bold]progress[/]  {progress.state}: {plain_line(progress, None)}", soft_wrap=True)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("service", "pid", "state", "restarts", "ports", "reason"):
        table.add_column(column)
    for name, process in state.services.items():
        table.add_row(*_row(name, process))
    console.print(table)


def _row(name: str, process: ProcessState) -> tuple[Text | str, ...]:
    shown = process.state if process.alive or process.state == State.FAILED else "dead"
    ports = " ".join(f"{kind}:{port}" for kind, port in process.ports.items())
    style = STYLES.get(shown, "red")
    return (
        name,
        str(process.pid or "-"),
        Text(shown, style=style),
        str(process.restarts),
        ports,
        process.reason,
    )
