"""What every source of public history offers, and how it fails.

SourceError
├── SourceUnavailableError    it could not be asked, or asks us to wait: try again later, or another source
└── NoSuchSymbolError         it does not know the symbol
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from ratchet.cli.data.cache import Rows


class SourceError(Exception):
    """A source gave no bars."""


class SourceUnavailableError(SourceError):
    """The source could not be asked; nothing is known about its bars."""


class NoSuchSymbolError(SourceError):
    """The source has no such symbol."""


@dataclass(frozen=True, slots=True)
class Span:
    """Starts of bars in ms UTC, [since, until)."""

    since: int
    until: int


class HistorySource(Protocol):
    """Public bars of many symbols."""

    @property
    def name(self) -> str:
        """Short name, also of its cache folder."""

    def pages(self, symbol: str, timeframe: str, span: Span) -> Iterator[Rows]:
        """Yield the bars of a span page by page, in order; SourceError when it cannot."""
