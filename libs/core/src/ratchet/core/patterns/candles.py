"""Reversal candlesticks, defined as in TA-Lib 0.6 with its default candle settings.

Reference: TA-Lib's CDLENGULFING, CDLHAMMER, CDLHANGINGMAN, CDLINVERTEDHAMMER, CDLSHOOTINGSTAR, CDLMORNINGSTAR
and CDLEVENINGSTAR (penetration 0.3). A body is short or long against the mean of the ten bodies before it, a
shadow very short below a tenth of the mean range, prices near within a fifth of the mean range of five bars.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ratchet.core.features.types import Counts, Mask
from ratchet.core.jit import entry, kernel
from ratchet.core.market.batch import Floats

CANDLES = (
    "engulfing", "hammer", "hanging_man", "inverted_hammer", "shooting_star", "morning_star", "evening_star",
)  # fmt: skip
"""Names of the patterns in the order of `detect`'s rows."""

_STRENGTH = np.array([0.8, 0.6, 0.6, 0.6, 0.6, 1.0, 1.0])
# The evening star looks at the bodies of ten bars before the bar before last.
_WINDOW = 13
_FADE = 0.5


@kernel
def _engulfing(o: Floats, c: Floats, n: int) -> int:
    white = c[n] >= o[n]
    if white == (c[n - 1] >= o[n - 1]):
        return 0
    above = max(o[n], c[n]) - max(o[n - 1], c[n - 1])
    below = min(o[n - 1], c[n - 1]) - min(o[n], c[n])
    if above < 0.0 or below < 0.0 or (above == 0.0 and below == 0.0):
        return 0
    return 1 if white else -1


@kernel
def _hammers(o: Floats, h: Floats, low: Floats, c: Floats, n: int, found: NDArray[np.int8]) -> None:
    body, spread = np.abs(c - o), h - low
    if body[n] >= body[n - 10 : n].sum() / 10.0:
        return
    very_short = 0.1 * spread[n - 10 : n].sum() / 10.0
    near = 0.2 * spread[n - 6 : n - 1].sum() / 5.0
    top, bottom = max(o[n], c[n]), min(o[n], c[n])
    if bottom - low[n] > body[n] and h[n] - top < very_short:
        found[1] = bottom <= low[n - 1] + near
        found[2] = -(bottom >= h[n - 1] - near)
    if h[n] - top > body[n] and bottom - low[n] < very_short:
        found[3] = top < min(o[n - 1], c[n - 1])
        found[4] = -(bottom > max(o[n - 1], c[n - 1]))


@kernel
def _star(o: Floats, c: Floats, n: int) -> int:
    body = np.abs(c - o)
    is_long = body[n - 2] > body[n - 12 : n - 2].sum() / 10.0
    is_short = body[n - 1] <= body[n - 11 : n - 1].sum() / 10.0
    if not (is_long and is_short and body[n] > body[n - 10 : n].sum() / 10.0):
        return 0
    first, last = c[n - 2] >= o[n - 2], c[n] >= o[n]
    reach = 0.3 * body[n - 2]
    gap_down = max(o[n - 1], c[n - 1]) < min(o[n - 2], c[n - 2])
    gap_up = min(o[n - 1], c[n - 1]) > max(o[n - 2], c[n - 2])
    if last and not first and gap_down and c[n] > c[n - 2] + reach:
        return 1
    if first and not last and gap_up and c[n] < c[n - 2] - reach:
        return -1
    return 0


@entry
def _shapes(bar: Floats, present: Mask, count: Counts, ring: Floats, found: NDArray[np.int8]) -> None:
    window = ring.shape[0]
    last = np.zeros((4, window))
    for i in range(present.size):
        if not present[i]:
            continue
        found[:, i] = 0
        for column in range(4):
            ring[count[i] % window, column, i] = bar[column, i]
        count[i] += 1
        if count[i] < window:
            continue
        # Oldest first; the last is the present bar.
        for j in range(window):
            last[:, j] = ring[(count[i] + j) % window, :, i]
        o, h, low, c = last[0], last[1], last[2], last[3]
        found[0, i] = _engulfing(o, c, window - 1)
        _hammers(o, h, low, c, window - 1, found[:, i])
        star = _star(o, c, window - 1)
        found[5, i] = star > 0
        found[6, i] = -(star < 0)


class CandlePatterns:
    """Follows the candlesticks of `n_assets`; not safe for use by several threads at once."""

    def __init__(self, n_assets: int) -> None:
        self._count: Counts = np.zeros(n_assets, dtype=np.int64)
        self._ring: Floats = np.zeros((_WINDOW, 4, n_assets))
        self._found = np.zeros((len(CANDLES), n_assets), dtype=np.int8)
        self._score: Floats = np.zeros(n_assets)

    @property
    def found(self) -> NDArray[np.int8]:
        """Each pattern [P, N] at the last bar: 1 bullish, -1 bearish, 0 absent; a live view."""
        return self._found

    def update(self, bar: Floats, present: Mask) -> Floats:
        """Advance the present assets by the bar [open, high, low, close, ...; N] and return the scores [N].

        A score in [-1, 1] is bearish below 0, bullish above; it halves with every bar without a pattern.
        """
        _shapes(bar, present, self._count, self._ring, self._found)
        fresh = np.clip(_STRENGTH @ self._found, -1.0, 1.0)
        faded = np.where(self._found.any(axis=0), fresh, self._score * _FADE)
        np.copyto(self._score, faded, where=present)
        return self._score

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Return a copy of the state; `restore` continues from it to the bit."""
        return {"count": self._count.copy(), "ring": self._ring.copy(), "score": self._score.copy()}

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Continue from `state()`; ValueError when it is of another universe size."""
        for name, own in (("count", self._count), ("ring", self._ring), ("score", self._score)):
            if name not in state or state[name].shape != own.shape:
                raise ValueError(f"pattern state {name!r} must be an array of shape {own.shape}")
            own[:] = state[name]


def detect(open_: Floats, high: Floats, low: Floats, close: Floats) -> NDArray[np.int8]:
    """Return the patterns [T, P] of one asset's history; columns are float64 [T]."""
    patterns, present = CandlePatterns(1), np.ones(1, dtype=np.bool_)
    result = np.zeros((close.size, len(CANDLES)), dtype=np.int8)
    for t in range(close.size):
        patterns.update(np.array([[open_[t]], [high[t]], [low[t]], [close[t]]]), present)
        result[t] = patterns.found[:, 0]
    return result
