"""One line per event, on the terminal and in the platform's own log."""

import contextlib
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.text import Text

from ratchet.cli.supervision import Event
from ratchet.cli.supervision.process import rotate


class EventLog:
    """Prints events to a console and appends them to a file, stamped in UTC."""

    def __init__(self, console: Console, path: Path) -> None:
        self.console = console
        self._path = path

    def __call__(self, event: Event) -> None:
        """Write one event."""
        now = datetime.now(UTC)
        line = Text(f"{now:%H:%M:%S} ", style="dim")
        line.append(f"{event.name:<17}", style="bold")
        line.append(event.text, style="red" if event.bad else "")
        self.console.print(line, soft_wrap=True)
        rotate(self._path)
        # The platform outlives a full disk; its operator still sees the line.
        with contextlib.suppress(OSError), self._path.open("a", encoding="utf-8") as log:
            log.write(f"{now:%Y-%m-%dT%H:%M:%S.%f}Z {event.name}: {event.text}\n")

    def note(self, name: str, text: str, *, bad: bool = False) -> None:
        """Write one event by its parts."""
        self(Event(name, text, bad))
