"""What the venue trades: the registry's forex and commodity assets under OANDA's names."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from ratchet.core.assets.types import Asset, AssetClass
from ratchet.core.fx.config import FxConfig

TRADED_CLASSES = frozenset({AssetClass.FOREX, AssetClass.COMMODITY})
_METALS = frozenset({"XAU", "XAG", "XPT", "XPD"})
# Currencies whose pip is the second digit.
_COARSE_QUOTES = frozenset({"JPY", "HUF", "THB"})


@dataclass(frozen=True, slots=True)
class Instrument:
    """One instrument; a pip is 10 ** pip_location, prices have display_precision digits."""

    asset_id: int
    name: str
    symbol: str
    type: str
    display_name: str
    base: str
    quote: str
    calendar: str
    pip_location: int
    display_precision: int
    margin_rate: Decimal
    maximum_order_units: Decimal
    trade_units_precision: int = 0
    minimum_trade_size: Decimal = Decimal(1)

    @property
    def pip(self) -> Decimal:
        """The price step that traders count in."""
        return Decimal(1).scaleb(self.pip_location)

    @property
    def tick(self) -> Decimal:
        """The finest price step."""
        return Decimal(1).scaleb(-self.display_precision)

    @property
    def maximum_trailing_distance(self) -> Decimal:
        """The greatest distance of a trailing stop: 10,000 pips."""
        return self.pip * 10_000

    @property
    def unit_step(self) -> Decimal:
        """The finest step of units."""
        return Decimal(1).scaleb(-self.trade_units_precision)


def instrument_of(asset: Asset, config: FxConfig) -> Instrument | None:
    """Return the instrument of an asset, None for one that this venue does not trade.

    The name is `rules.instrument`, else the symbol with an underscore. The margin rate is the configured
    one, else one over the asset's leverage, else the default.
    """
    name = str(asset.rules.get("instrument", asset.symbol.replace("/", "_")))
    base, _, quote = name.partition("_")
    if asset.asset_class not in TRADED_CLASSES or not base or not quote:
        return None
    kind = _type_of(asset, base)
    coarse = quote in _COARSE_QUOTES or kind == "CFD" or base in {"XAU", "XPT", "XPD"}
    leverage = Decimal(str(asset.leverage))
    margin = 1 / leverage if leverage > 1 else config.default_margin_rate
    return Instrument(
        asset_id=asset.id,
        name=name,
        symbol=asset.symbol,
        type=kind,
        display_name=str(asset.rules.get("name", name.replace("_", "/"))),
        base=base,
        quote=quote,
        calendar=asset.calendar,
        pip_location=-2 if coarse else -4,
        display_precision=3 if coarse else 5,
        margin_rate=config.margin_rates.get(name, margin),
        maximum_order_units=config.maximum_order_units,
    )


def _type_of(asset: Asset, base: str) -> str:
    if base in _METALS:
        return "METAL"
    return "CURRENCY" if asset.asset_class is AssetClass.FOREX else "CFD"


class Instruments:
    """The venue's list, in the registry's order."""

    def __init__(self, assets: Iterable[Asset], config: FxConfig) -> None:
        found = (instrument_of(asset, config) for asset in assets)
        self._by_name = {item.name: item for item in found if item is not None}
        self._by_asset = {item.asset_id: item for item in self._by_name.values()}

    def __iter__(self) -> Iterator[Instrument]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def __getitem__(self, name: str) -> Instrument:
        return self._by_name[name]

    def get(self, name: str) -> Instrument | None:
        """Return an instrument by OANDA's name."""
        return self._by_name.get(name)

    def of_asset(self, asset_id: int) -> Instrument | None:
        """Return the instrument of an asset."""
        return self._by_asset.get(asset_id)
