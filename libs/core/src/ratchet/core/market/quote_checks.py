"""Which bids and asks can be believed."""

import numpy as np
from numpy.typing import NDArray

from ratchet.core.market.batch import Floats


def is_believable(bid: Floats, ask: Floats) -> NDArray[np.bool_]:
    """Return which pairs are: finite, not negative, and not crossed; a price of 0 is an empty side."""
    is_finite = np.isfinite(bid) & np.isfinite(ask)
    is_crossed = (bid > ask) & (ask > 0.0)
    return np.asarray(is_finite & (bid >= 0.0) & (ask >= 0.0) & ~is_crossed, dtype=np.bool_)


def spread_ratios(bid: Floats, ask: Floats) -> Floats:
    """Return (ask - bid) / mid; 2, the most there is, with one side empty, and NaN with both."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = (ask - bid) / ((ask + bid) / 2.0)
    return np.where((bid > 0.0) != (ask > 0.0), 2.0, ratios)
