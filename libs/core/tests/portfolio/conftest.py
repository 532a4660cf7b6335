from decimal import Decimal

import numpy as np
import pytest

from ratchet.core.assets import Asset, AssetClass, Registry
from ratchet.core.market import BarBatch
from ratchet.core.orders import Fill, Side

CLASSES = (AssetClass.CRYPTO, AssetClass.CRYPTO, AssetClass.STOCK)


@pytest.fixture
def registry():
    return Registry(
        Asset(
            i,
            f"A{i}",
            kind,
            0,
            "alpaca",
            kind.value,
            "24/7",
            Decimal("0.01"),
            Decimal("0.001"),
            Decimal(1),
            0.1,
            0.08,
        )
        for i, kind in enumerate(CLASSES)
    )


@pytest.fixture
def fill():
    counter = iter(range(1_000_000))

    def make(asset_id, side, qty, price, ts=1, fee="0", in_base=False, execution_id=None):
        return Fill(
            execution_id or f"e-{next(counter)}",
            "c",
            asset_id,
            Side(side),
            Decimal(qty),
            Decimal(price),
            ts,
            Decimal(fee),
            in_base,
        )

    return make


@pytest.fixture
def bars():
    def make(ts, rows):
        """Build a batch from {asset_id: close} or {asset_id: (high, low, close)}."""
        ids = sorted(rows)
        table = [rows[i] if isinstance(rows[i], tuple) else (rows[i],) * 3 for i in ids]
        high, low, close = np.array(table, dtype=np.float64).T
        ids = np.array(ids, dtype=np.uint32)
        return BarBatch("u", "1h", ts, ids, close, high, low, close, np.ones(len(ids)))

    return make
