"""Assets on the wire, and the names by which clients may ask for them."""

from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Any
from uuid import UUID, uuid5

from ratchet.core.assets import Asset, AssetClass, Registry
from ratchet.core.exchange import EQUITIES
from ratchet.core.exchange.margin.rates import is_marginable, maintenance_rate
from ratchet.core.options import OccSymbol
from ratchet.paper_exchange.errors import NotFoundError
from ratchet.paper_exchange.wire.values import number

ASSET_NAMESPACE = UUID("0d4f4b1e-6a0f-5e0c-8a55-7a7d6b1c9f20")
CRYPTO, US_EQUITY, US_OPTION = "crypto", "us_equity", "us_option"
# Requirements are listed as those of a share at a usual price; cheap ones have higher ones.
_ORDINARY_PRICE = Decimal(100)
TRADED_CLASSES = EQUITIES | {AssetClass.CRYPTO}


def wire_class(asset: Asset) -> str:
    """Return Alpaca's asset class."""
    if asset.asset_class is AssetClass.OPTION:
        return US_OPTION
    return CRYPTO if asset.asset_class is AssetClass.CRYPTO else US_EQUITY


def is_crypto(asset: Asset) -> bool:
    """Return whether it trades around the clock, for cash, in fractions."""
    return asset.asset_class is AssetClass.CRYPTO


def position_symbol(asset: Asset) -> str:
    """Return the symbol as positions show it: crypto pairs lose their slash."""
    return asset.symbol.replace("/", "") if is_crypto(asset) else asset.symbol


def asset_uuid(asset: Asset) -> str:
    """Return the asset's id, the same on every machine."""
    if asset.asset_class is AssetClass.OPTION:
        return str(OccSymbol.parse(asset.symbol).to_uuid())
    return _uuid_of(asset.symbol)


@lru_cache(maxsize=10_000)
def _uuid_of(symbol: str) -> str:
    return str(uuid5(ASSET_NAMESPACE, symbol))


class Listing:
    """The assets that this venue trades (it has no forex and no commodities), by every name clients use."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.assets = tuple(asset for asset in registry if asset.asset_class in TRADED_CLASSES)

    @cached_property
    def _by_name(self) -> dict[str, Asset]:
        names: dict[str, Asset] = {}
        for asset in self.assets:
            for name in (asset.symbol, position_symbol(asset), asset_uuid(asset)):
                names.setdefault(name.upper(), asset)
        return names

    def find(self, name: str) -> Asset | None:
        """Return the asset of a symbol (BTC/USD or BTCUSD) or asset id, or None."""
        return self._by_name.get(name.strip().upper())

    def get(self, name: str) -> Asset:
        """Return the asset, or raise NotFoundError that names it."""
        asset = self.find(name)
        if asset is None:
            raise NotFoundError(f"asset not found for {name}")
        return asset


def exchange_of(asset: Asset) -> str:
    """Return the listing exchange: the asset's own rule, else the class's usual one; options have none."""
    if asset.asset_class is AssetClass.OPTION:
        return ""
    if is_crypto(asset):
        return "CRYPTO"
    listed = asset.rules.get("exchange")
    usual = "ARCA" if asset.asset_class is AssetClass.LEVERAGED_ETF else "NASDAQ"
    return listed if isinstance(listed, str) else usual


def asset_json(asset: Asset) -> dict[str, Any]:
    """Build the asset object."""
    crypto = is_crypto(asset)
    name = asset.rules.get("name")
    body: dict[str, Any] = {
        "id": asset_uuid(asset),
        "class": wire_class(asset),
        "exchange": exchange_of(asset),
        "symbol": asset.symbol,
        "name": name if isinstance(name, str) else asset.symbol,
        "status": "active",
        "tradable": asset.rules.get("tradable", True) is not False,
        "marginable": is_marginable(asset),
        "shortable": asset.shortable and is_marginable(asset),
        "easy_to_borrow": asset.shortable and is_marginable(asset),
        "fractionable": asset.qty_increment % 1 != 0,
        "attributes": [],
    }
    if crypto:
        body |= {
            "min_order_size": number(asset.qty_increment),
            "min_trade_increment": number(asset.qty_increment),
            "price_increment": number(asset.price_increment),
        }
    else:
        long, short = (maintenance_rate(asset, _ORDINARY_PRICE, is_long) * 100 for is_long in (True, False))
        body["maintenance_margin_requirement"] = float(long)
        body |= {"margin_requirement_long": number(long), "margin_requirement_short": number(short)}
    return body
