"""The port of live sources, and its errors.

UnavailableError
└── SourceUnavailableError    the source could not be asked: ask again
ConfigError
└── SourceRefusedError        the source said no: somebody must mend something
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from ratchet.common.errors import ConfigError, UnavailableError
from ratchet.core.assets import Asset

MINUTE = "1m"


class SourceUnavailableError(UnavailableError):
    """The source could not be asked; nothing is known about its bars."""


class SourceRefusedError(ConfigError):
    """The source answered that it will not; the message says what to mend."""


class MinuteBar(NamedTuple):
    """One asset's bar of one minute; start in ns UTC."""

    asset_id: int
    start: int
    open: float
    high: float
    low: float
    close: float
    volume: float


Deliver = Callable[[MinuteBar | None], None]


class LiveSource(Protocol):
    """Minute bars of one market, as they come and as they were."""

    name: str
    assets: tuple[Asset, ...]

    def start(self, deliver: Deliver) -> None:
        """Deliver bars from a thread of its own; None each time that it has (re)subscribed."""

    def trouble(self) -> str | None:
        """Return why no bars come, or None."""

    def newest(self) -> int:
        """Return the start of the newest bar of any asset (ns, UTC), 0 without one."""

    def history(self, assets: Sequence[Asset], since: int) -> list[MinuteBar]:
        """Return the finished bars that start at `since` (ns, UTC) or later, by time.

        Raises SourceUnavailableError or SourceRefusedError, as `newest` does.
        """

    def stop(self) -> None:
        """Stop delivering."""
