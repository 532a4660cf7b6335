"""The port of live sources of bids and asks."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from ratchet.core.assets import Asset


class Quote(NamedTuple):
    """One asset's best bid and ask; ts is the venue's time (ns, UTC), a price of 0 an empty side."""

    asset_id: int
    ts: int
    bid: float
    ask: float
    bid_size: float = 0.0
    ask_size: float = 0.0


Deliver = Callable[[Quote], None]


class QuoteSource(Protocol):
    """Bids and asks of one market, as they come, of those assets that are wanted."""

    name: str
    assets: tuple[Asset, ...]

    def start(self, deliver: Deliver) -> None:
        """Deliver from a thread of its own from now on."""

    def want(self, assets: Sequence[Asset]) -> None:
        """Subscribe to these assets and to no others; called again and again, from any thread."""

    def trouble(self) -> str | None:
        """Return why no quotes come, or None."""

    def stop(self) -> None:
        """Stop delivering."""
