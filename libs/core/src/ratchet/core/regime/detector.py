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

_DISTANCE, _SLOPE, _TREND, _WEEK, _DAY = (
    INDEX[name]
    for name in ("sma_200_distance", "ema_200_slope", "trend_t_168", "volatility_168", "volatility_24")
)


class RegimeConfig(BaseModel):
    """When a regime begins and ends; scores are in standard deviations of a driftless market."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enter_score: float = Field(default=0.75, gt=0)
    leave_score: float = Field(default=0.25, ge=0)
    # A day is a seventh of a week, so that the ratio cannot exceed the root of seven.
    stress_volatility_ratio: float = Field(default=2.0, gt=1, lt=2.6)

    @model_validator(mode="after")
    def _leave_below_enter(self) -> Self:
        if self.leave_score >= self.enter_score:
            raise ValueError(f"leave_score {self.leave_score} must be below enter_score {self.enter_score}")
        return self


@entry
def _score(
    distance: Floats, slope: Floats, trend: Floats, week: Floats, day: Floats, stress: float, score: Floats
) -> None:
    for i in range(score.size):
        score[i] = np.nan
        if week[i] > 0.0:
            # Under a driftless walk each term has a deviation of about one.
            by_distance = distance[i] / (week[i] * np.sqrt(200.0 / 3.0))
            by_slope = slope[i] / (week[i] * np.sqrt(24.0 / 2.0))
            score[i] = (by_distance + by_slope + trend[i]) / 3.0
            if day[i] > stress * week[i] and score[i] > 0.0:
                score[i] = 0.0
        elif week[i] == 0.0:
            score[i] = 0.0


@entry
def _turn(score: Floats, present: Mask, regime: Regimes, enter: float, leave: float) -> None:
    for i in range(score.size):
        if not present[i] or np.isnan(score[i]):
            continue
        if score[i] > enter:
            regime[i] = 1
        elif score[i] < -enter:
            regime[i] = -1
        elif regime[i] * score[i] < leave:
            regime[i] = 0


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
        self._score: Floats = np.zeros(n_assets)

    def update(self, table: Floats, present: Mask) -> Regimes:
        """Advance the present assets on the feature table [N, F]; return int8 [N], a live view."""
        if table.shape != (self._regime.size, len(FEATURES)):
            raise ValueError(f"table is {table.shape}, but must be {(self._regime.size, len(FEATURES))}")
        config, columns = self._config, table.T
        _score(
            columns[_DISTANCE],
            columns[_SLOPE],
            columns[_TREND],
            columns[_WEEK],
            columns[_DAY],
            config.stress_volatility_ratio,
            self._score,
        )
        _turn(self._score, present, self._regime, config.enter_score, config.leave_score)
        return self._regime

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Return a copy of the state."""
        return {"regime": self._regime.copy()}

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Continue from `state()`; ValueError when it is of another universe size."""
        if "regime" not in state or state["regime"].shape != self._regime.shape:
            raise ValueError(f"regime state must be an array of shape {self._regime.shape}")
        self._regime[:] = state["regime"]
