"""The newest bid and ask of each asset, for those who price orders and judge spreads."""

from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from ratchet.core.execution import MarketView
from ratchet.core.market import QuoteBatch
from ratchet.core.market.batch import AssetIds, Floats
from ratchet.core.market.quote_checks import is_believable, spread_ratios
from ratchet.core.orders.money import from_float


class QuoteBoard:
    """Bids and asks of one registry; event time only, nothing grows. Bars alone leave it empty.

    A quote that is older than `max_age_ns` at the time of a decision prices nothing.
    """

    def __init__(self, size: int, max_age_ns: int) -> None:
        self._bid: Floats = np.zeros(size)
        self._ask: Floats = np.zeros(size)
        self._ts = np.zeros(size, dtype=np.int64)
        self._max_age_ns = max_age_ns

    def note(self, batch: QuoteBatch) -> AssetIds:
        """Take quotes that can be believed and are not older than what is known; return whose they are."""
        times = batch.event_times
        keep = is_believable(batch.bid, batch.ask) & (times >= self._ts[batch.asset_ids])
        ids = batch.asset_ids[keep]
        self._bid[ids], self._ask[ids], self._ts[ids] = batch.bid[keep], batch.ask[keep], times[keep]
        return ids

    def spreads(self, asset_ids: AssetIds) -> Floats:
        """Return the spreads over the mid; NaN where there is no quote."""
        return spread_ratios(self._bid[asset_ids], self._ask[asset_ids])

    def times(self, asset_ids: AssetIds) -> NDArray[np.int64]:
        """Return the quotes' event times (ns, UTC), 0 where there is none."""
        return self._ts[asset_ids]

    def view(self, asset_id: int, ts: int, last: Decimal | None) -> MarketView | None:
        """Return the market by its quote at `ts`, None without one that is young enough.

        `last` is the last close; without one, the middle or the only side stands for it.
        """
        at, bid, ask = int(self._ts[asset_id]), float(self._bid[asset_id]), float(self._ask[asset_id])
        if not (bid or ask) or abs(ts - at) > self._max_age_ns:
            return None
        known = [from_float(price) for price in (bid, ask) if price]
        return MarketView(
            at,
            last or sum(known, Decimal(0)) / len(known),
            known[0] if bid else None,
            known[-1] if ask else None,
        )
