"""Regime detection from trend strength, slope and volatility, with hysteresis."""

from collections.abc import Mapping
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from ratchet.core.features import FEATURES, INDEX
from ratchet.core.features.types import Mask
from ratchet.core.jit import entry
from ratchet.core.market.batch import Floats

BULL, SIDEWAYS, BEAR = 1, 0, -1
Regimes = NDArray[np.int8]

_INPUTS = tuple(
    INDEX[name]
    for name in ("sma_200_distance", "ema_200_slope", "trend_t_168", "volatility_168", "volatility_24")
)


class RegimeConfig(BaseModel):
    """When a regime begins and ends; scores are in standard deviations of a driftless market."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enter_score: float = Field(default=0.75, gt=0)
    leave_score: float = Field(default=0.25, ge=0)
    stress_volatility_ratio: float = Field(default=3.0, gt=1)

    @model_validator(mode="after")
    def _leave_below_enter(self) -> Self:
        if self.leave_score >= self.enter_score:
            raise ValueError(f"leave_score {self.leave_score} must be below enter_score {self.enter_score}")
        return self


@entry
def _advance(
    table: Floats, present: Mask, regime: Regimes, enter: float, leave: float, stress: float
) -> None:
    for i in range(present.size):
        if not present[i]:
            continue
        week = table[_INPUTS[3], i]
        score = 0.0
        if week > 0.0:
            # Under a driftless walk each term has a deviation of about one.
            distance = table[_INPUTS[0], i] / (week * np.sqrt(200.0 / 3.0))
            slope = table[_INPUTS[1], i] / (week * np.sqrt(24.0 / 2.0))
            score = (distance + slope + table[_INPUTS[2], i]) / 3.0
        if np.isnan(score):
            continue
        if table[_INPUTS[4], i] > stress * week and score > 0.0:
            score = 0.0
        if regime[i] * score < leave:
            regime[i] = 0
        if score > enter:
            regime[i] = 1
        elif score < -enter:
            regime[i] = -1


class RegimeDetector:
    """Holds the regime of each of `n_assets`; all are sideways until their features are valid.

    The score is the mean of the close's distance from SMA(200), the slope of EMA(200) over 24 bars, both in
    units of realised volatility, and the t-statistic of 168 returns. A regime is entered at `enter_score`
    and held down to `leave_score`; a bull market ends when short volatility exceeds
    `stress_volatility_ratio` times the long one.
    """

    def __init__(self, n_assets: int, config: RegimeConfig | None = None) -> None:
        self._config = config or RegimeConfig()
        self._regime: Regimes = np.zeros(n_assets, dtype=np.int8)

    def update(self, table: Floats, present: Mask) -> Regimes:
        """Advance the present assets on the feature table [N, F]; return int8 [N], a live view."""
        if table.shape != (self._regime.size, len(FEATURES)):
            raise ValueError(f"table is {table.shape}, but must be {(self._regime.size, len(FEATURES))}")
        config = self._config
        _advance(
            table.T,
            present,
            self._regime,
            config.enter_score,
            config.leave_score,
            config.stress_volatility_ratio,
        )
        return self._regime

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Return a copy of the state."""
        return {"regime": self._regime.copy()}

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Continue from `state()`; ValueError when it is of another universe size."""
        if "regime" not in state or state["regime"].shape != self._regime.shape:
            raise ValueError(f"regime state must be an array of shape {self._regime.shape}")
        self._regime[:] = state["regime"]
