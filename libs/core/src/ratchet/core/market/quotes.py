"""Best bids and offers of one universe at one time, as columns."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ratchet.core.market.batch import AssetIds, Floats, Step


@dataclass(frozen=True, slots=True)
class QuoteBatch:
    """Quotes as equally long columns, sorted by asset id, each asset at most once.

    `ts` is their event time in ns since the epoch, UTC; where they are the newest of several times, `times`
    holds each quote's own and `ts` the latest of them. Prices are per unit, sizes in units of the asset; a
    price of 0 means that this side has nobody. `last` is the last trade's price, NaN (or empty) where it is
    not known.
    """

    universe: str
    ts: int
    asset_ids: AssetIds
    bid: Floats
    ask: Floats
    bid_size: Floats
    ask_size: Floats
    last: NDArray[np.float64] = field(default_factory=lambda: np.empty(0, dtype=np.float64))
    step: Step = field(default_factory=Step)
    times: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def __len__(self) -> int:
        return len(self.asset_ids)

    @property
    def event_times(self) -> NDArray[np.int64]:
        """Event time of each quote."""
        return self.times if len(self.times) else np.full(len(self), self.ts, dtype=np.int64)
