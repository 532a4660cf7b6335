"""config/assets.yaml: the registry of assets, with the defaults of their classes."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ratchet.core.assets import Asset, AssetClass, Registry
from ratchet.core.phases import PhasesConfig

Increment = Annotated[Decimal, Field(gt=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
PositionRatio = Annotated[float, Field(gt=0, le=0.5, allow_inf_nan=False)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Rules(_Model):
    """An asset's special rules; `exchange` and `instrument` are the names that its venue uses."""

    name: str | None = None
    exchange: str | None = None
    instrument: str | None = None
    max_holding_days: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    stop_pips: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None


class ClassEntry(_Model):
    """Defaults of a class. `universe` is the class's own name unless given."""

    venue: Literal["alpaca", "ccxt", "oanda"]
    calendar: str
    universe: str | None = None
    price_increment: Increment
    qty_increment: Increment
    min_notional: Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]
    max_position_ratio: PositionRatio
    stop_loss_ratio: Fraction
    leverage: Annotated[float, Field(ge=1, le=100)] = 1.0
    shortable: bool = False
    rules: Rules = Rules()
    leading_indicators: tuple[str, ...] = ()
    sector: str = ""


class AssetEntry(ClassEntry):
    """One asset with every value filled in from its class."""

    asset_class: AssetClass = Field(alias="class")


class DataSourceEntry(_Model):
    """Where data comes from; `key_variables` name environment variables, never keys."""

    kind: Literal["replay", "stream", "history"]
    asset_classes: tuple[AssetClass, ...]
    key_variables: tuple[str, ...] = ()
    enabled: bool = True


class AssetsFile(_Model):
    """The whole file; assets keep the order in which they are written."""

    classes: dict[AssetClass, ClassEntry]
    assets: dict[str, AssetEntry]
    data_sources: dict[str, DataSourceEntry]


def with_class_defaults(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content with each asset completed from its class, where that is possible."""
    classes = content.get("classes")
    assets = content.get("assets")
    if not isinstance(classes, Mapping) or not isinstance(assets, Mapping):
        return dict(content)
    return {**content, "assets": {symbol: _completed(classes, entry) for symbol, entry in assets.items()}}


def build_registry(file: AssetsFile, phases: PhasesConfig, extra: Iterable[Any] = ()) -> Registry:
    """Return the configured assets in order, then `extra` dataset listings that are new, sorted by symbol."""
    entries = dict(file.assets)
    places: dict[str, tuple[str | None, str | None]] = {}
    for listing in sorted(extra, key=lambda item: item.symbol):
        places[listing.symbol] = (listing.universe, listing.calendar)
        if listing.symbol not in entries:
            defaults = file.classes[listing.asset_class].model_dump()
            entries[listing.symbol] = AssetEntry.model_validate({**defaults, "class": listing.asset_class})
    return Registry(
        _asset(number, symbol, entry, phases, *places.get(symbol, (None, None)))
        for number, (symbol, entry) in enumerate(entries.items())
    )


def _completed(classes: Mapping[str, Any], entry: Any) -> Any:
    if not isinstance(entry, Mapping):
        return entry
    defaults = classes.get(str(entry.get("class")), {})
    rules = {**(defaults.get("rules") or {}), **(entry.get("rules") or {})}
    return {**defaults, **entry, "rules": rules}


def _asset(
    number: int,
    symbol: str,
    entry: AssetEntry,
    phases: PhasesConfig,
    universe: str | None,
    calendar: str | None,
) -> Asset:
    phase = phases.phase_of(symbol, entry.asset_class)
    return Asset(
        id=number,
        symbol=symbol,
        asset_class=entry.asset_class,
        # An asset that no phase unlocks stays locked: it belongs to a phase that does not exist.
        phase=len(phases.phases) if phase is None else phase,
        venue=entry.venue,
        universe=universe or entry.universe or entry.asset_class.value,
        calendar=calendar or entry.calendar,
        price_increment=entry.price_increment,
        qty_increment=entry.qty_increment,
        min_notional=entry.min_notional,
        max_position_ratio=entry.max_position_ratio,
        stop_loss_ratio=entry.stop_loss_ratio,
        leverage=entry.leverage,
        shortable=entry.shortable,
        rules=entry.rules.model_dump(exclude_none=True),
        leading_indicators=entry.leading_indicators,
        sector=entry.sector,
    )
