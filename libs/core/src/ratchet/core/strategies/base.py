"""What a strategy sees and says."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from ratchet.core.features import FEATURES, INDEX
from ratchet.core.features.types import Mask
from ratchet.core.market.batch import Floats

Directions = NDArray[np.int8]


class StrategyParameters(BaseModel):
    """Base of a strategy's parameters: frozen, and an unknown name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


P = TypeVar("P", bound=StrategyParameters)


@dataclass(frozen=True, slots=True)
class StrategyContext:
    """One universe of N assets at one event time `ts` (ns, UTC); nothing in it is later than `ts`.

    `present` tells which assets have a bar now; the others show their last values. `previous` is what this
    strategy said at the asset's last bar, for hysteresis. `probability` is the model's for a rising price
    and `sentiment` the score in [-1, 1]; both are NaN where unknown and None when there is none at all.
    """

    ts: int
    present: Mask
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    table: Floats
    regime: NDArray[np.int8]
    previous: Directions
    probability: Floats | None = None
    sentiment: Floats | None = None

    def __getitem__(self, feature: str) -> Floats:
        """Return one feature of all assets [N]; KeyError names an unknown feature."""
        try:
            return self.table[:, INDEX[feature]]
        except KeyError:
            raise KeyError(f"no feature {feature!r}; there are {', '.join(FEATURES)}") from None


@dataclass(frozen=True, slots=True)
class StrategySignals:
    """A vote per asset: direction 1, -1 or 0 with a confidence in [0, 1].

    Direction 0 with a positive confidence is a vote for staying out; with confidence 0 it is an abstention,
    which does not count. NaN confidence is an abstention too.
    """

    direction: Directions
    confidence: Floats

    @classmethod
    def abstain(cls, n_assets: int) -> "StrategySignals":
        """Return no opinion on any asset."""
        return cls(np.zeros(n_assets, dtype=np.int8), np.zeros(n_assets))


class Strategy(ABC, Generic[P]):
    """A strategy over all assets of a universe at once; it keeps no state of its own.

    It has a `Parameters` class, the `name` under which it is registered and the features it explains
    itself by (`explains`).
    """

    name: ClassVar[str]
    Parameters: ClassVar[type[StrategyParameters]]
    explains: ClassVar[tuple[str, ...]] = ()

    def __init__(self, parameters: P) -> None:
        self.parameters = parameters

    @abstractmethod
    def generate_signals(self, ctx: StrategyContext) -> StrategySignals:
        """Return votes for all N assets of the context."""


@dataclass(frozen=True, slots=True)
class AssetView:
    """One asset of a context, for strategies that are written asset by asset."""

    ctx: StrategyContext
    index: int

    @property
    def close(self) -> float:
        """The last close."""
        return float(self.ctx.close[self.index])

    @property
    def regime(self) -> int:
        """1 bull, -1 bear, 0 sideways."""
        return int(self.ctx.regime[self.index])

    @property
    def previous(self) -> int:
        """The direction that this strategy took at the last bar."""
        return int(self.ctx.previous[self.index])

    def __getitem__(self, feature: str) -> float:
        """Return one feature; KeyError names an unknown one."""
        return float(self.ctx[feature][self.index])


class PerAssetStrategy(Strategy[P]):
    """Adapter for strategies written for one asset: implement `decide` and leave the arrays to this class."""

    @abstractmethod
    def decide(self, asset: AssetView) -> tuple[int, float]:
        """Return direction (1, -1, 0) and confidence in [0, 1] for one asset that has a bar now."""

    def generate_signals(self, ctx: StrategyContext) -> StrategySignals:
        """Call `decide` for each present asset."""
        votes = StrategySignals.abstain(ctx.present.size)
        for index in np.flatnonzero(ctx.present):
            votes.direction[index], votes.confidence[index] = self.decide(AssetView(ctx, int(index)))
        return votes
