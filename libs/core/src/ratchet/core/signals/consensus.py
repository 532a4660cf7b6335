"""From the strategies' votes to directions that are held."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ratchet.core.features.types import Mask
from ratchet.core.jit import entry
from ratchet.core.market.batch import Floats
from ratchet.core.signals.config import ConsensusConfig

_LONG_AGO = np.iinfo(np.int32).max // 2
_STANCE, _HELD, _QUIET = range(3)


@dataclass(frozen=True, slots=True)
class Decision:
    """What to signal now: slots of assets, with direction and confidence of each."""

    slots: NDArray[np.intp]
    direction: NDArray[np.int8]
    confidence: Floats


@entry
def _weigh(
    direction: NDArray[np.int8],
    confidence: Floats,
    weights: Floats,
    score: Floats,
    backers: NDArray[np.int64],
) -> None:
    for i in range(score.size):
        total = signed = 0.0
        up = down = 0
        for row in range(weights.size):
            if confidence[row, i] > 0.0:
                total += weights[row]
                signed += weights[row] * direction[row, i] * confidence[row, i]
                up += direction[row, i] > 0
                down += direction[row, i] < 0
        score[i] = signed / total if total > 0.0 else 0.0
        backers[i] = up if signed > 0.0 else down


@entry
def _decide(
    score: Floats,
    backers: NDArray[np.int64],
    eligible: Mask,
    regime: NDArray[np.int8],
    state: NDArray[np.int32],
    late: NDArray[np.int32],
    thresholds: tuple[float, float, int, int, int, bool],
    side: NDArray[np.int8],
) -> None:
    enter, leave, min_votes, min_hold, repeat, gated = thresholds
    for i in range(score.size):
        side[i] = 0
        if not eligible[i]:
            continue
        for row in (_HELD, _QUIET):
            state[row, i] = min(state[row, i] + 1, _LONG_AGO)
        sign = 1 if score[i] > 0.0 else -1
        leaving = state[_STANCE, i] == -sign and sign < 0
        needed = leave if leaving else enter
        if score[i] == 0.0 or backers[i] < min_votes or 0.5 + 0.5 * abs(score[i]) < needed:
            continue
        if gated and sign * regime[i] < 0 and not leaving:
            continue
        turned = state[_STANCE, i] != sign
        if (turned and state[_HELD, i] < min_hold) or (not turned and state[_QUIET, i] < repeat):
            continue
        if turned:
            state[_STANCE, i] = sign
            state[_HELD, i] = 0
        state[_QUIET, i] = -late[i] if turned else 0
        side[i] = sign


class Consensus:
    """Weighs votes and keeps the stance of each asset: 1 long, -1 short or out, 0 none yet."""

    def __init__(
        self,
        n_assets: int,
        weights: Floats,
        config: ConsensusConfig,
        late: NDArray[np.int32] | None = None,
    ) -> None:
        """`late` is how many bars beyond `repeat_bars` each asset's first repetition waits [N].

        Assets that turn together are then repeated at different bars.
        """
        self._weights = weights
        self._late = np.zeros(n_assets, dtype=np.int32) if late is None else late
        self._thresholds = (
            config.enter_confidence,
            config.exit_confidence,
            config.min_votes,
            config.min_hold_bars,
            config.repeat_bars,
            config.respect_regime,
        )
        self._state = np.full((3, n_assets), _LONG_AGO, dtype=np.int32)
        self._state[_STANCE] = 0
        self._score: Floats = np.zeros(n_assets)
        self._backers = np.zeros(n_assets, dtype=np.int64)
        self._side = np.zeros(n_assets, dtype=np.int8)

    def update(
        self, direction: NDArray[np.int8], confidence: Floats, eligible: Mask, regime: NDArray[np.int8]
    ) -> Decision:
        """Take votes [strategies, N] of the eligible assets and return what changed or is due again."""
        _weigh(direction, confidence, self._weights, self._score, self._backers)
        _decide(
            self._score,
            self._backers,
            eligible,
            regime,
            self._state,
            self._late,
            self._thresholds,
            self._side,
        )
        slots = np.flatnonzero(self._side)
        return Decision(slots, self._side[slots], 0.5 + 0.5 * np.abs(self._score[slots]))

    @property
    def score(self) -> Floats:
        """The weighted vote in [-1, 1] of every asset at the last update, a live view [N]."""
        return self._score

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Return a copy of the state."""
        return {"stance": self._state.copy()}

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Continue from `state()`."""
        self._state[:] = state["stance"]
