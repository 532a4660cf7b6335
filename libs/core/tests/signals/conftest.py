"""A universe of three trending assets with gaps in their bars."""

from decimal import Decimal

import numpy as np
import pytest

from ratchet.core.assets import Asset, AssetClass
from ratchet.core.market import BarBatch, Step

HOUR = 3_600_000_000_000
START = 1_704_067_200_000_000_000
IDS = np.array([2, 5, 9], dtype=np.uint32)


def _asset(asset_id):
    return Asset(
        id=asset_id,
        symbol=f"C{asset_id}/USD",
        asset_class=AssetClass.CRYPTO,
        phase=0,
        venue="alpaca",
        universe="crypto",
        calendar="24/7",
        price_increment=Decimal("0.01"),
        qty_increment=Decimal("0.0001"),
        min_notional=Decimal(1),
        max_position_ratio=0.1,
        stop_loss_ratio=0.08,
    )


@pytest.fixture(scope="session")
def universe():
    """Three assets whose ids are not consecutive."""
    return tuple(_asset(int(asset_id)) for asset_id in IDS)


@pytest.fixture(scope="session")
def make_batches():
    """Return batches of long trends up and down with noise; a share of bars is missing."""

    def make(seed=0, bars=900, missing=0.05):
        rng = np.random.default_rng(seed)
        trend = 0.003 * np.sign(np.sin(np.arange(bars)[:, None] / 90 + np.array([0.0, 2.0, 4.0])))
        close = 100 * np.exp(np.cumsum(trend + rng.normal(0, 0.006, (bars, 3)), axis=0))
        open_ = np.vstack([close[:1], close[:-1]])
        high, low = np.maximum(open_, close) * 1.001, np.minimum(open_, close) * 0.999
        volume = rng.lognormal(5, 0.5, (bars, 3))
        result = []
        for t in range(bars):
            here = rng.random(3) >= missing
            columns = (column[t, here] for column in (open_, high, low, close, volume))
            result.append(
                BarBatch("crypto", "1h", START + t * HOUR, IDS[here], *columns, Step(t + 1, ("crypto",)))
            )
        return result

    return make
