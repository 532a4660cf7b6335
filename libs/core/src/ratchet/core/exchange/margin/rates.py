"""Margin rates of one asset: the share of a position's value that must be the trader's own money.

Sources: Regulation T (12 CFR 220.12: 50 % of a purchase or short sale); Alpaca's house maintenance: long
30 %, 100 % under 2.50 dollars, leveraged ETFs in proportion to their leverage; short the greater of 5 dollars
a share and 30 % from 5 dollars on, else the greater of 2.50 dollars a share and 100 % (FINRA rule 4210(c)).
"""

from decimal import Decimal

from ratchet.core.assets.types import Asset, AssetClass
from ratchet.core.exchange.config import EQUITIES
from ratchet.core.orders.types import Side

ONE = Decimal(1)
INITIAL = Decimal("0.5")
MAINTENANCE = Decimal("0.3")
_LOW_PRICE = Decimal("2.5")
_SHORT_PRICE = Decimal(5)


def is_marginable(asset: Asset) -> bool:
    """Say whether it can be bought on margin: US equities, unless their rules say otherwise."""
    return asset.asset_class in EQUITIES and asset.rules.get("marginable", True) is not False


def maintenance_rate(asset: Asset, price: Decimal, is_long: bool) -> Decimal:
    """Return the maintenance rate of a position at a price; a short's may exceed 1."""
    if not is_marginable(asset):
        return ONE
    return _scaled(asset, price, MAINTENANCE) if is_long else _short_rate(asset, price)


def initial_rate(asset: Asset, price: Decimal, is_long: bool) -> Decimal:
    """Return the rate of a position held overnight: Regulation T's half, or maintenance if more."""
    return max(INITIAL, maintenance_rate(asset, price, is_long))


def intraday_rate(asset: Asset, price: Decimal, is_long: bool, multiplier: int) -> Decimal:
    """Return the rate that binds buying power during the day under a multiplier of 1, 2 or 4."""
    if multiplier == 1 or not is_marginable(asset):
        return ONE
    base = ONE / multiplier
    if not is_long:
        return max(base, _short_rate(asset, price))
    special = _scaled(asset, price, MAINTENANCE)
    return base if special == MAINTENANCE else max(base, special)


def reserve_rate(asset: Asset, side: Side, price: Decimal, multiplier: int) -> Decimal:
    """Return the margin that an opening order holds back per unit of its value."""
    return intraday_rate(asset, price, side is Side.BUY, multiplier)


def _scaled(asset: Asset, price: Decimal, rate: Decimal) -> Decimal:
    if price < _LOW_PRICE:
        return ONE
    return min(ONE, rate * _leverage(asset))


def _short_rate(asset: Asset, price: Decimal) -> Decimal:
    if price >= _SHORT_PRICE:
        return max(_SHORT_PRICE / price, min(ONE, MAINTENANCE * _leverage(asset)))
    return max(_LOW_PRICE / price, ONE)


def _leverage(asset: Asset) -> Decimal:
    if asset.asset_class is not AssetClass.LEVERAGED_ETF:
        return ONE
    return max(ONE, Decimal(repr(asset.leverage)))
