"""The feature table: which groups there are, and the one kernel that advances them all.

To add a group: write its file, add it to `GROUPS` and call it in `step`.
"""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from ratchet.core.features.groups import (
    averages,
    channels,
    cross_section,
    directional,
    oscillators,
    returns,
    volatility,
    volume,
)
from ratchet.core.features.types import Counts, Mask
from ratchet.core.jit import entry
from ratchet.core.market.batch import Floats

GROUPS = (returns, averages, oscillators, volatility, directional, channels, volume)

FEATURES: tuple[str, ...] = (*(name for group in GROUPS for name in group.COLUMNS), *cross_section.COLUMNS)
INDEX: dict[str, int] = {name: column for column, name in enumerate(FEATURES)}

_IN_PRICE_OR_VOLUME_UNITS = {
    "momentum_10",
    "sma_20",
    "sma_50",
    "sma_200",
    "ema_12",
    "ema_26",
    "ema_50",
    "ema_200",
    "macd",
    "macd_signal",
    "macd_histogram",
    "atr_14",
    "obv",
}
MODEL_FEATURES: tuple[str, ...] = tuple(name for name in FEATURES if name not in _IN_PRICE_OR_VOLUME_UNITS)
"""What models see: the features that mean the same at any price, in this order."""

_R = tuple(sum(group.ROWS for group in GROUPS[:n]) for n in range(len(GROUPS) + 1))
_C = tuple(sum(len(group.COLUMNS) for group in GROUPS[:n]) for n in range(len(GROUPS) + 1))
_MOMENTUM, _DAY = INDEX["return_168"], INDEX["return_24"]
STATE_ROWS = _R[-1]


def source_digest(folder: Path) -> int:
    """Return a digest of a folder's sources, for the cache key of a kernel that they make up."""
    digest = sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.read_bytes())
    return int.from_bytes(digest.digest()[:7])


def _build(digest: int) -> Callable[[Floats, Mask, Counts, Floats, Floats], None]:
    @entry
    def step(bar: Floats, present: Mask, count: Counts, state: Floats, out: Floats) -> None:
        if digest < 0:  # never: its use makes the sources part of numba's cache key
            return
        returns.update(bar, present, count, state[: _R[1]], out, _C[0])
        averages.update(bar, present, count, state[_R[1] : _R[2]], out, _C[1])
        oscillators.update(bar, present, count, state[_R[2] : _R[3]], out, _C[2])
        volatility.update(bar, present, count, state[_R[3] : _R[4]], out, _C[3])
        directional.update(bar, present, count, state[_R[4] : _R[5]], out, _C[4])
        channels.update(bar, present, count, state[_R[5] : _R[6]], out, _C[5])
        volume.update(bar, present, count, state[_R[6] : _R[7]], out, _C[6])
        cross_section.update(present, out, _C[7], _MOMENTUM, _DAY)
        for i in range(present.size):
            if present[i]:
                count[i] += 1

    return step


step = _build(source_digest(Path(__file__).parent))
