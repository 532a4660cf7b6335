"""From the strategies' votes to directions that are held."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ratchet.core.features.types import Mask
from ratchet.core.market.batch import Floats
from ratchet.core.signals.config import ConsensusConfig

_LONG_AGO = np.iinfo(np.int32).max // 2


@dataclass(frozen=True, slots=True)
class Decision:
    """What to signal now: slots of assets, with direction and confidence of each."""

    slots: NDArray[np.intp]
    direction: NDArray[np.int8]
    confidence: Floats


class Consensus:
    """Weighs votes and keeps the stance of each asset: 1 long, -1 short or out, 0 none yet."""

    def __init__(self, n_assets: int, weights: Floats, config: ConsensusConfig) -> None:
        self._config = config
        self._weights = weights[:, None]
        self._stance = np.zeros(n_assets, dtype=np.int8)
        self._held = np.full(n_assets, _LONG_AGO, dtype=np.int32)
        self._quiet = np.full(n_assets, _LONG_AGO, dtype=np.int32)

    def update(self, direction: NDArray[np.int8], confidence: Floats, eligible: Mask) -> Decision:
        """Take votes [strategies, N] of the eligible assets and return what changed or is due again."""
        config = self._config
        np.minimum(self._held + eligible, _LONG_AGO, out=self._held)
        np.minimum(self._quiet + eligible, _LONG_AGO, out=self._quiet)
        score = self._score(direction, confidence)
        side = np.sign(score).astype(np.int8)
        strength = 0.5 + 0.5 * np.abs(score)
        backers = np.count_nonzero((direction == side) & (confidence > 0), axis=0)
        needed = np.where(self._stance == 0, config.enter_confidence, config.exit_confidence)
        needed[side > 0] = config.enter_confidence
        turn = eligible & (side != 0) & (side != self._stance) & (strength >= needed)
        turn &= (backers >= config.min_votes) & (self._held >= config.min_hold_bars)
        self._stance[turn] = side[turn]
        self._held[turn] = 0
        again = eligible & (side != 0) & (side == self._stance) & (self._quiet >= config.repeat_bars)
        again &= (strength >= needed) & (backers >= config.min_votes)
        slots = np.flatnonzero(turn | again)
        self._quiet[slots] = 0
        return Decision(slots, side[slots], strength[slots])

    def _score(self, direction: NDArray[np.int8], confidence: Floats) -> Floats:
        voted = self._weights * (confidence > 0)
        total = voted.sum(axis=0)
        signed: Floats = (self._weights * direction * confidence).sum(axis=0)
        return signed / np.where(total > 0, total, 1.0)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Return a copy of the state."""
        return {"stance": self._stance.copy(), "held": self._held.copy(), "quiet": self._quiet.copy()}

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Continue from `state()`."""
        self._stance[:] = state["stance"]
        self._held[:] = state["held"]
        self._quiet[:] = state["quiet"]
