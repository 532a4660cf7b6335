"""The newest market context of each asset, for orders that no signal has caused."""

from collections.abc import Iterable

import numpy as np

from ratchet.core.signals import MarketContext


class LatestContext:
    """ATR (price units) and volatility (per bar) by asset id; NaN before the first signal batch."""

    def __init__(self, size: int) -> None:
        self._atr = np.full(size, np.nan)
        self._volatility = np.full(size, np.nan)

    def note(self, contexts: Iterable[MarketContext]) -> None:
        """Take the columns of signal batches."""
        for context in contexts:
            self._atr[context.asset_ids] = context.atr
            self._volatility[context.asset_ids] = context.volatility

    def of(self, asset_id: int) -> tuple[float, float]:
        """Return (ATR, volatility)."""
        return float(self._atr[asset_id]), float(self._volatility[asset_id])
