"""The asset registry's types."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum


class AssetClass(StrEnum):
    """What is traded; a phase unlocks each class but options, which follow their underlying."""

    CRYPTO = "crypto"
    STOCK = "stock"
    LEVERAGED_ETF = "leveraged_etf"
    FOREX = "forex"
    COMMODITY = "commodity"
    SPECULATIVE = "speculative"
    OPTION = "option"


MARGIN_VENUES = frozenset({"oanda"})
"""Venues that settle profit and loss in the account currency; units are not paid for, only margin is held."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One tradable asset and its own rules.

    Ratios are fractions of equity (max_position_ratio) or of the entry price (stop_loss_ratio).
    `id` is the position in the registry, which is what batches carry; `sector` is empty where not known.
    """

    id: int
    symbol: str
    asset_class: AssetClass
    phase: int
    venue: str
    universe: str
    calendar: str
    price_increment: Decimal
    qty_increment: Decimal
    min_notional: Decimal
    max_position_ratio: float
    stop_loss_ratio: float
    leverage: float = 1.0
    shortable: bool = False
    rules: dict[str, object] = field(default_factory=dict)
    leading_indicators: tuple[str, ...] = ()
    sector: str = ""

    @property
    def is_margined(self) -> bool:
        """Whether cash moves by profit and loss alone: positions are worth what closing them would bring."""
        return self.venue in MARGIN_VENUES


class Registry:
    """Every known asset, in a fixed order: ids are 0..n-1 and stable for one configuration and dataset."""

    def __init__(self, assets: Iterable[Asset]) -> None:
        self._assets = tuple(assets)
        self._by_symbol = {asset.symbol: asset for asset in self._assets}
        if [asset.id for asset in self._assets] != list(range(len(self._assets))):
            raise ValueError("asset ids must be 0..n-1 in order")
        if len(self._by_symbol) != len(self._assets):
            raise ValueError("asset symbols must be unique")

    def __len__(self) -> int:
        return len(self._assets)

    def __iter__(self) -> Iterator[Asset]:
        return iter(self._assets)

    def __getitem__(self, asset_id: int) -> Asset:
        return self._assets[asset_id]

    def __contains__(self, symbol: object) -> bool:
        return symbol in self._by_symbol

    def has(self, asset_id: int) -> bool:
        """Say whether an id names something here."""
        return 0 <= asset_id < len(self._assets)

    def by_symbol(self, symbol: str) -> Asset:
        """Return the asset, or raise KeyError that names the symbol."""
        return self._by_symbol[symbol]

    @property
    def universes(self) -> tuple[str, ...]:
        """Names of the universes in order of first appearance."""
        return tuple(dict.fromkeys(asset.universe for asset in self._assets))

    def of_universe(self, universe: str) -> tuple[Asset, ...]:
        """Return the assets of one universe in id order."""
        return tuple(asset for asset in self._assets if asset.universe == universe)

    def of_class(self, asset_class: AssetClass) -> tuple[Asset, ...]:
        """Return the assets of one class in id order."""
        return tuple(asset for asset in self._assets if asset.asset_class == asset_class)
