"""The unit of market data: all bars of one universe, timeframe and end time, as columns."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
AssetIds = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Step:
    """Where an event stands in a replay; seq is 0 and universes is empty in live mode."""

    seq: int = 0
    universes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BarBatch:
    """Bars as equally long columns, sorted by asset id.

    `ts`, their event time, is their END and `start` their start, in ns since the epoch, UTC.
    """

    universe: str
    timeframe: str
    ts: int
    asset_ids: AssetIds
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    step: Step = field(default_factory=Step)
    start: int = 0

    def __len__(self) -> int:
        return len(self.asset_ids)
