"""Messages from the strategies to the trader."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from ratchet.core.market.batch import AssetIds, Floats, Step


@dataclass(frozen=True, slots=True)
class Signal:
    """One consensus decision: direction 1 (buy) or -1 (sell), confidence in [0, 1], price the close at ts."""

    id: UUID
    asset_id: int
    direction: int
    confidence: float
    price: float
    votes: Mapping[str, float] = field(default_factory=dict)
    model_version: str = ""
    features: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MarketContext:
    """What exits and sizing need of every asset in a batch; regime is 1 bull, -1 bear, 0 sideways.

    atr is in price units, volatility the standard deviation of returns per bar; NaN while warming up.
    technical (the strategies' weighted vote), model (twice its probability of a rise, less 1) and pattern
    (candlesticks) are in [-1, 1], bearish below 0; NaN where there is none.
    """

    asset_ids: AssetIds
    atr: Floats
    volatility: Floats
    regime: NDArray[np.int8]
    technical: Floats
    model: Floats
    pattern: Floats


@dataclass(frozen=True, slots=True)
class SignalBatch:
    """The decisions of one universe at one event time; it may hold none."""

    universe: str
    ts: int
    step: Step
    signals: tuple[Signal, ...]
    context: MarketContext
