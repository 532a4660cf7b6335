"""A dataset: a folder of bar files, or one file, with an optional dataset.yaml."""

from collections.abc import Container, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from ratchet.common.datasets.columns import BarColumns, Ints, concatenate
from ratchet.common.datasets.config import CONFIG_NAME, DatasetConfig, load_config
from ratchet.common.datasets.corporate_actions import is_corporate_actions
from ratchet.common.datasets.errors import DatasetError
from ratchet.common.datasets.home import find_dataset
from ratchet.common.datasets.option_quotes import is_option_quotes
from ratchet.common.datasets.prepare import prepare
from ratchet.common.datasets.readers import find_files, read_bars, read_symbols
from ratchet.common.datasets.replay import Judged, OnQuarantine, QuarantinedBar, Replay
from ratchet.common.datasets.symbols import Listing, canonical_symbol, guess_class
from ratchet.common.datasets.timeframes import row_timeframes
from ratchet.core.assets import AssetClass, Registry
from ratchet.core.market import BarBatch
from ratchet.core.timeframes import timeframe_ns

EQUITIES = frozenset((AssetClass.STOCK, AssetClass.LEVERAGED_ETF, AssetClass.SPECULATIVE))


@dataclass(frozen=True, slots=True)
class Series:
    """One symbol of a dataset as it lies in the files; first and last are starts of bars in ns UTC."""

    symbol: str
    timeframe: str
    bars: int
    first: int
    last: int


class Dataset:
    """Bars of many symbols; files are read when a call needs them, and not held."""

    def __init__(self, path: Path, files: list[Path], config: DatasetConfig) -> None:
        self.path, self.files, self.config = path, files, config

    @classmethod
    def open(cls, path: Path | str) -> "Dataset":
        """Open a folder, a file, or a dataset of the data home by name.

        DatasetError names what is wrong: an unknown name with the known ones, a folder without bars, a wrong
        field of dataset.yaml. Bars are read later, by the first call that needs them.
        """
        found = find_dataset(path)
        config = load_config(found if found.is_dir() else found.parent)
        texts = found / config.texts if config.texts else None
        return cls(found, _bar_files(found, texts), config)

    @property
    def name(self) -> str:
        """Name from dataset.yaml, else of the folder or file."""
        return self.config.name or self.path.name.split(".")[0]

    @property
    def config_file(self) -> Path:
        """Where its dataset.yaml lies, or would lie."""
        return (self.path if self.path.is_dir() else self.path.parent) / CONFIG_NAME

    @property
    def texts(self) -> Path | None:
        """The file of texts that dataset.yaml names, for sentiment."""
        return self.path / self.config.texts if self.config.texts else None

    @cached_property
    def symbols(self) -> tuple[str, ...]:
        """The source's symbols, sorted."""
        return tuple(sorted({symbol for file in self.files for symbol in read_symbols(file)}))

    def canonical(self, symbol: str, known: Container[str] = ()) -> str:
        """Return the registry's symbol for one of the source's."""
        return canonical_symbol(symbol, self.config.symbols, known)

    def listings(self, known: Container[str] = ()) -> tuple[Listing, ...]:
        """Return every symbol with its class, universe and calendar as the registry should know it.

        `known` are the symbols that the registry has already.
        """
        return tuple(self._listing(symbol, self.canonical(symbol, known)) for symbol in self.symbols)

    def timeframe(self, symbol: str) -> str:
        """Return a symbol's timeframe in the files; a symbol that changes it has its longest."""
        return self._series_of(symbol).timeframe

    def describe(self) -> tuple[Series, ...]:
        """Return timeframe, count and range of each of the source's symbols, sorted by symbol."""
        return tuple(self._series.values())

    def replay(
        self,
        registry: Registry,
        start: int | None = None,
        end: int | None = None,
        on_quarantine: OnQuarantine | None = None,
    ) -> Replay:
        """Return one pass over the bars whose event time (end of bar, ns UTC) lies in [start, end).

        start and end default to dataset.yaml's. DatasetError names symbols that the registry lacks and series
        that are coarser than their universe's decision timeframe.
        """
        judged, quarantined = self.judge(registry, start, end)
        return Replay(registry, judged, quarantined, on_quarantine)

    def judge(
        self, registry: Registry, start: int | None = None, end: int | None = None
    ) -> tuple[Judged, list[QuarantinedBar]]:
        """Return the bars of [start, end) with the validator's verdicts, and all that are quarantined."""
        start = self.config.start_ns if start is None else start
        end = self.config.end_ns if end is None else end
        return prepare(self._assigned(registry), self.config, registry, start, end)

    def steps(
        self,
        registry: Registry,
        start: int | None = None,
        end: int | None = None,
        on_quarantine: OnQuarantine | None = None,
    ) -> Iterator[tuple[BarBatch, ...]]:
        """Yield the batches of each event time, one per universe; see replay for the arguments."""
        return iter(self.replay(registry, start, end, on_quarantine))

    def read(self) -> BarColumns:
        """Return all bars as they lie in the files: assets are indices into `symbols`, ends are not known."""
        parts = []
        codes = {symbol: code for code, symbol in enumerate(self.symbols)}
        for file in self.files:
            bars = read_bars(file)
            names, timeframe_codes = row_timeframes(bars, self.config)
            local = np.array([codes[symbol] for symbol in bars.symbols], dtype=np.int64)
            symbols = local[bars.symbol_codes]
            prices = np.stack(bars.prices)
            parts.append(BarColumns(symbols, bars.starts, bars.starts, timeframe_codes, names, prices))
        return concatenate(parts) if len(parts) > 1 else parts[0]

    @cached_property
    def _series(self) -> dict[str, Series]:
        bars = self.read()
        lengths = np.array([timeframe_ns(name) for name in bars.timeframes], dtype=np.int64)
        order = np.argsort(bars.assets, kind="stable")
        borders = np.searchsorted(bars.assets[order], np.arange(len(self.symbols) + 1)).tolist()
        series = {}
        for code, symbol in enumerate(self.symbols):
            rows = order[borders[code] : borders[code + 1]]
            codes, starts = np.unique(bars.timeframe_codes[rows]), bars.starts[rows]
            longest = bars.timeframes[max(codes.tolist(), key=lambda code: lengths[code])]
            series[symbol] = Series(symbol, longest, len(rows), int(starts.min()), int(starts.max()))
        return series

    def _series_of(self, symbol: str) -> Series:
        for source in (symbol, *(source for source in self.symbols if self.canonical(source) == symbol)):
            if source in self._series:
                return self._series[source]
        raise DatasetError(f"{self.path}: has no symbol {symbol!r}; it has {_some(self.symbols)}")

    def _listing(self, source: str, symbol: str) -> Listing:
        config = self.config
        asset_class = self._stated_class(source, symbol) or guess_class(symbol)
        universe = config.universes.get(symbol) or config.universes.get(source)
        keys = (symbol, source, universe, asset_class.value)
        calendar = next((config.calendars[key] for key in keys if key in config.calendars), None)
        return Listing(source, symbol, asset_class, universe, calendar)

    def _assigned(self, registry: Registry) -> BarColumns:
        names = [self.canonical(symbol, registry) for symbol in self.symbols]
        unknown = [name for name in names if name not in registry]
        if unknown:
            raise DatasetError(f"{self.path}: symbols that the asset registry lacks: {_some(unknown)}")
        self._check_classes(names, registry)
        ids: Ints = np.array([registry.by_symbol(name).id for name in names], dtype=np.int64)
        bars = self.read()
        return replace(bars, assets=ids[bars.assets])

    def _check_classes(self, names: list[str], registry: Registry) -> None:
        for source, name in zip(self.symbols, names, strict=True):
            stated = self._stated_class(source, name)
            found = registry.by_symbol(name).asset_class
            if stated is not None and (stated in EQUITIES) != (found in EQUITIES):
                raise DatasetError(
                    f"{self.path}: {source} is {stated.value} here but {name} is {found.value} in the asset "
                    f"registry; give it another name in dataset.yaml (symbols: {{{source}: {source}.US}})"
                )

    def _stated_class(self, source: str, symbol: str) -> AssetClass | None:
        classes = self.config.asset_classes
        return classes.get(symbol) or classes.get(source) or self.config.asset_class


def _bar_files(path: Path, texts: Path | None) -> list[Path]:
    files = find_files(path)
    if path.is_file():
        return files
    return [
        file
        for file in files
        if file != texts and not is_corporate_actions(file) and not is_option_quotes(file)
    ]


def _some(names: tuple[str, ...] | list[str], limit: int = 12) -> str:
    rest = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + rest
