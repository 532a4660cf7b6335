"""The pip, in which forex distances are told."""

from decimal import Decimal

from ratchet.core.assets.types import Asset, AssetClass

_PIP = Decimal("0.0001")
_YEN_PIP = Decimal("0.01")


def pip_size(asset: Asset) -> Decimal | None:
    """Return the price of one pip: 0.01 of a yen-quoted pair, 0.0001 of another; None outside forex."""
    if asset.asset_class is not AssetClass.FOREX:
        return None
    return _YEN_PIP if asset.symbol.endswith("/JPY") else _PIP
