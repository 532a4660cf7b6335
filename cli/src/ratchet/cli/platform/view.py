"""The live terminal view of a run, and its plain form of one line per step of progress."""

import time
from collections.abc import Iterable

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ratchet.cli.platform.events import EventLog
from ratchet.cli.platform.progress import Progress
from ratchet.cli.supervision import State, Supervised

PLAIN_EVERY_S = 5.0
SHOWN_HOLDINGS = 8
STYLES = {
    State.READY: "green",
    State.FAILED: "bold red",
    State.NOT_READY: "yellow",
    State.WAITING: "yellow",
    "active": "green",
    "reduce_only": "yellow",
    "halted": "bold red",
}


class View:
    """Shows progress: a live view on a terminal, else a line now and then."""

    def __init__(self, console: Console, events: EventLog, title: str) -> None:
        self._events = events
        self._title = title
        self._live = (
            Live(console=console, refresh_per_second=4, transient=True) if console.is_terminal else None
        )
        self._plain_at = 0.0
        self._rate = Rate()

    def start(self) -> None:
        """Take the terminal."""
        if self._live:
            self._live.start()

    def stop(self) -> None:
        """Give the terminal back."""
        if self._live:
            self._live.stop()

    def update(self, progress: Progress, processes: Iterable[Supervised]) -> None:
        """Show a new look at the run."""
        rate = self._rate.of(progress.executed_seq)
        if self._live:
            self._live.update(_screen(self._title, progress, list(processes), rate))
        elif time.monotonic() >= self._plain_at:
            self._plain_at = time.monotonic() + PLAIN_EVERY_S
            self._events.note("progress", plain_line(progress, rate))


class Rate:
    """Steps per second, smoothed over the last looks."""

    def __init__(self) -> None:
        self._looks: list[tuple[float, int]] = []

    def of(self, seq: int) -> float:
        """Return the rate now that step `seq` is done."""
        self._looks = [*self._looks[-19:], (time.monotonic(), seq)]
        (first_at, first), (last_at, last) = self._looks[0], self._looks[-1]
        return max(0.0, (last - first) / (last_at - first_at)) if last_at > first_at else 0.0


def plain_line(progress: Progress, rate: float | None) -> str:
    """Return the progress in one line."""
    share = f" ({progress.seq / progress.total:.0%})" if progress.total else ""
    pace = f" · {rate:.0f} steps/s" if rate is not None else ""
    active = ", ".join(name for _, name, status in progress.phases if status == "active") or "none"
    return (
        f"step {progress.seq}/{progress.total or '?'}{share} {progress.event_time}{pace} · "
        f"equity {progress.equity:,.2f} · drawdown {progress.drawdown:.1%} · "
        f"{len(progress.holdings)} positions · {progress.orders} orders · {progress.fills} fills · "
        f"{progress.rejections} rejections · active: {active} · lag {progress.lag}"
        + (f" · trading {progress.trading_state}" if progress.trading_state != "active" else "")
        + (f" · {progress.error}" if progress.error else "")
    )


def process_table(processes: Iterable[Supervised]) -> Table:
    """Return the processes and their states as a table."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("service", "state", "pid", "restarts"):
        table.add_column(column)
    for process in processes:
        state = Text(str(process.state), style=STYLES.get(process.state, ""))
        table.add_row(process.spec.name, state, str(process.pid or "-"), str(process.restarts))
    return table


def _screen(title: str, progress: Progress, processes: list[Supervised], rate: float) -> RenderableType:
    head = Table.grid(padding=(0, 2))
    bar = ProgressBar(total=max(progress.total, 1), completed=progress.seq, width=40)
    head.add_row(bar, f"{progress.seq:,}/{progress.total:,}", progress.event_time, f"{rate:.0f} steps/s")
    figures = Table.grid(padding=(0, 3))
    figures.add_row(
        f"equity [bold]{progress.equity:,.2f}[/]",
        f"cash {progress.cash:,.2f}",
        f"drawdown {progress.drawdown:.2%}",
        Text(progress.trading_state, style=STYLES.get(progress.trading_state, "")),
    )
    figures.add_row(
        f"orders {progress.orders:,}",
        f"fills {progress.fills:,}",
        f"rejections {progress.rejections:,}",
        f"lag {progress.lag}",
    )
    lower = Table.grid(padding=(0, 4))
    lower.add_row(process_table(processes), _holdings(progress), _phases(progress))
    parts: list[RenderableType] = [head, figures, lower]
    if progress.error:
        parts.append(Text(progress.error, style="red"))
    return Panel(Group(*parts), title=title, border_style="dim")


def _holdings(progress: Progress) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("position")
    for column in ("quantity", "value", "unrealized"):
        table.add_column(column, justify="right")
    for holding in progress.holdings[:SHOWN_HOLDINGS]:
        style = "green" if holding.unrealized >= 0 else "red"
        unrealized = Text(f"{holding.unrealized:+,.2f}", style=style)
        table.add_row(holding.symbol, holding.qty, f"{holding.value:,.2f}", unrealized)
    return table


def _phases(progress: Progress) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("phase", "name", "status"):
        table.add_column(column)
    for phase, name, status in progress.phases:
        table.add_row(str(phase), name, Text(status, style=STYLES.get(status, "dim")))
    return table
