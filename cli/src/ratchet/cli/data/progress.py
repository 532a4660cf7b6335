"""One progress bar per symbol."""

from collections.abc import Iterator
from contextlib import contextmanager

from ratchet.cli.data.pull import OnProgress, Progress


@contextmanager
def progress_bars() -> Iterator[OnProgress]:
    """Show how far each symbol of a pull is, on stderr so that output stays clean."""
    from rich.console import Console
    from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[bars]} bars"))
    tasks: dict[str, TaskID] = {}
    with RichProgress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as display:

        def show(progress: Progress) -> None:
            task = tasks.get(progress.symbol)
            if task is None:
                label = f"{progress.symbol} ({progress.source})"
                task = tasks[progress.symbol] = display.add_task(label, total=1.0, bars=0)
            display.update(task, completed=progress.ratio, bars=progress.bars)

        yield show
