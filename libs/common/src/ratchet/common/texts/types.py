"""The port of text sources, and its errors."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from ratchet.common.errors import ConfigError, UnavailableError


class SourceError(ConfigError):
    """A source cannot be read; the message names place, field, value and what is allowed."""


class SourceUnavailableError(UnavailableError):
    """A source could not be asked; try again later."""


@dataclass(frozen=True, slots=True)
class Text:
    """One text, its publication time (ns, UTC) and its symbols (none: found by cashtags)."""

    ts: int
    text: str
    symbols: tuple[str, ...] = ()


class TextSource(Protocol):
    """Delivers texts; `name` goes into the table and the metrics."""

    name: str

    def read(self, after: int) -> Iterator[Text]:
        """Yield texts published after an event time. Raises SourceError or SourceUnavailableError."""
