"""A registry of two coins and a stock."""

from decimal import Decimal

import pytest

from ratchet.core.assets import Asset, AssetClass, Registry


def _asset(number: int, symbol: str, asset_class: AssetClass, phase: int, increment: str) -> Asset:
    return Asset(
        id=number, symbol=symbol, asset_class=asset_class, phase=phase, venue="alpaca",
        universe=asset_class.value, calendar="24/7" if phase == 0 else "XNYS",
        price_increment=Decimal("0.01"), qty_increment=Decimal(increment), min_notional=Decimal(1),
        max_position_ratio=0.1, stop_loss_ratio=0.08,
    )  # fmt: skip


@pytest.fixture
def registry() -> Registry:
    return Registry(
        [
            _asset(0, "BTC/USDT", AssetClass.CRYPTO, 0, "0.000000001"),
            _asset(1, "ETH/USDT", AssetClass.CRYPTO, 0, "0.000000001"),
            _asset(2, "NVDA", AssetClass.STOCK, 1, "0.000001"),
        ]
    )
