"""What can be wrong with a bar, and the limits that decide it."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from ratchet.core.market.batch import Floats


class BarDefect(IntEnum):
    """Why a bar is quarantined; 0 is a good bar."""

    NONE = 0
    NOT_A_NUMBER = 1
    NON_POSITIVE_PRICE = 2
    OHLC_INCONSISTENT = 3
    NEGATIVE_VOLUME = 4
    DUPLICATE = 5
    OUT_OF_ORDER = 6
    OFF_CALENDAR = 7
    STALE_PRICE = 8
    SPIKE = 9


class ValidationConfig(BaseModel):
    """Limits of the bar validator; ratios are relative price moves, bars are of the asset's timeframe."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    spike_sigma: float = Field(default=10.0, gt=0)
    spike_min_ratio: float = Field(default=0.30, gt=0)
    wick_min_ratio: float = Field(default=0.40, gt=0)
    warmup_bars: int = Field(default=20, ge=1)
    warmup_min_ratio: float = Field(default=0.60, gt=0)
    max_spike_run_bars: int = Field(default=3, ge=1)
    volatility_decay: float = Field(default=0.94, gt=0, lt=1)
    stale_bars: int = Field(default=12, ge=2)
    quality_decay: float = Field(default=0.995, gt=0, lt=1)


@dataclass(frozen=True, slots=True)
class Validation:
    """The verdict on a run of bars, one entry per bar.

    `quality` is the asset's score in [0, 1] after that bar: the share of expected bars that arrived and were
    good, weighted towards the recent ones. `missing` counts the bars that the calendar expected before it.
    """

    defects: NDArray[np.uint8]
    quality: Floats
    missing: NDArray[np.int64]

    @property
    def good(self) -> NDArray[np.bool_]:
        """Mask of the bars that may be traded on."""
        return np.asarray(self.defects == BarDefect.NONE)
