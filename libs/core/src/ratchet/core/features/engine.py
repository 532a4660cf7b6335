"""The stateful feature engine of one universe."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ratchet.core.features.table import FEATURES, INDEX, MODEL_FEATURES, STATE_ROWS, step
from ratchet.core.features.types import Counts, Mask
from ratchet.core.market.batch import Floats

State = dict[str, NDArray[np.generic]]
_MODEL_COLUMNS = np.array([INDEX[name] for name in MODEL_FEATURES])


class FeatureEngine:
    """Updates all features of a universe of `n_assets` in one compiled call, at O(1) cost per bar.

    Not safe for use by several threads at once.
    """

    def __init__(self, n_assets: int) -> None:
        if n_assets < 1:
            raise ValueError(f"n_assets is {n_assets}, but a universe has at least 1 asset")
        self._n = n_assets
        self._bar: Floats = np.ones((5, n_assets))
        self._count: Counts = np.zeros(n_assets, dtype=np.int64)
        self._state: Floats = np.zeros((STATE_ROWS, n_assets))
        self._out: Floats = np.full((len(FEATURES), n_assets), np.nan)

    @property
    def table(self) -> Floats:
        """The latest features [N, F], a live view whose columns are contiguous."""
        return self._out.T

    @property
    def bars_seen(self) -> Counts:
        """How many bars each asset has had, a live view [N]."""
        return self._count

    def update(
        self, open_: Floats, high: Floats, low: Floats, close: Floats, volume: Floats, present: Mask
    ) -> Floats:
        """Advance the present assets by one bar and return the table [N, F], a live view.

        Columns are float64 [N]. An absent asset's state does not advance, its row keeps its last values
        and what the columns hold for it is ignored. Features are NaN until their windows are full. Prices
        must be finite and positive (market validation sees to that).
        """
        bar = self._bar
        bar[0], bar[1], bar[2], bar[3], bar[4] = open_, high, low, close, volume
        return self.update_bars(bar, present)

    def update_bars(self, bar: Floats, present: Mask) -> Floats:
        """Do the same on one array [5, N] of open, high, low, close and volume."""
        step(bar, present, self._count, self._state, self._out)
        return self._out.T

    def state(self) -> State:
        """Return a copy of the whole state; `restore` continues from it to the bit."""
        return {"count": self._count.copy(), "rows": self._state.copy(), "table": self._out.copy()}

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Continue from `state()`; ValueError when it is of another universe size or feature set."""
        for name, own in (("count", self._count), ("rows", self._state), ("table", self._out)):
            if name not in state or state[name].shape != own.shape:
                shape = state[name].shape if name in state else "missing"
                raise ValueError(f"feature state {name!r} is {shape}, but must be of shape {own.shape}")
        self._count[:] = state["count"]
        self._state[:] = state["rows"]
        self._out[:] = state["table"]


def compute_table(
    open_: Floats, high: Floats, low: Floats, close: Floats, volume: Floats, present: Mask | None = None
) -> Floats:
    """Return the features [T, N, F] of whole histories [T, N]; rows of absent bars keep the last values.

    `present` [T, N] defaults to where the close is not NaN.
    """
    steps, n_assets = close.shape
    here = ~np.isnan(close) if present is None else present
    engine = FeatureEngine(n_assets)
    result = np.empty((steps, n_assets, len(FEATURES)))
    for t in range(steps):
        result[t] = engine.update(open_[t], high[t], low[t], close[t], volume[t], here[t])
    return result


def model_rows(table: Floats, rows: NDArray[np.intp]) -> NDArray[np.float32]:
    """Return MODEL_FEATURES of some rows of a feature table [N, F] as float32 [rows, k]."""
    # The engine's table is stored feature by feature: whole columns first, which is one block each.
    columns = table.T[_MODEL_COLUMNS].astype(np.float32)
    return np.ascontiguousarray((columns if rows.size == len(table) else columns[:, rows]).T)
