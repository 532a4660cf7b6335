"""The platform's configuration: config/*.yaml, with a dataset's overrides merged over it."""

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from ratchet.common.assets_file import AssetsFile, build_registry, with_class_defaults
from ratchet.common.errors import ConfigError
from ratchet.common.problems import problems, unknown_field
from ratchet.core.assets import Registry
from ratchet.core.exits import ExitConfig
from ratchet.core.phases import PhasesConfig
from ratchet.core.risk import RiskConfig

if TYPE_CHECKING:
    from ratchet.common.datasets import Dataset
    from ratchet.core.exchange import ExchangeConfig
    from ratchet.core.execution import AlgorithmsConfig
    from ratchet.core.fx import FxConfig
    from ratchet.core.signals import StrategiesConfig

M = TypeVar("M", bound=BaseModel)

# The sections that each file holds.
FILES = {
    "assets.yaml": ("classes", "assets", "data_sources"),
    "risk.yaml": ("risk", "exits"),
    "phases.yaml": ("phases",),
    "strategies.yaml": ("strategies",),
    "exchange.yaml": ("exchange", "oanda"),
    "execution.yaml": ("execution",),
}
_OVERRIDES = ("phases", "risk", "exits", "strategies", "exchange", "oanda", "execution", "assets")


@dataclass(frozen=True)
class Platform:
    """What every service agrees on: the same folder and dataset give the same registry and limits.

    `strategies`, `exchange` and `algorithms` are read on first use, because most services need none of them
    and they are heavy to import; ConfigError may come from there. `check` reads everything.
    """

    registry: Registry
    risk: RiskConfig
    exits: ExitConfig
    phases: PhasesConfig
    assets: AssetsFile
    dataset: "Dataset | None"
    source: "_Source" = field(repr=False)

    @functools.cached_property
    def strategies(self) -> "StrategiesConfig":
        """The strategy set and its consensus."""
        from ratchet.core.signals import StrategiesConfig

        return self.source.section("strategies", StrategiesConfig)

    @functools.cached_property
    def exchange(self) -> "ExchangeConfig":
        """How the paper exchange fills and charges."""
        from ratchet.core.exchange import ExchangeConfig

        return self.source.section("exchange", ExchangeConfig)

    @functools.cached_property
    def oanda(self) -> "FxConfig":
        """How the forex venue fills, charges and finances."""
        from ratchet.core.fx import FxConfig

        return self.source.section("oanda", FxConfig)

    @functools.cached_property
    def algorithms(self) -> "AlgorithmsConfig":
        """Which orders are worked by which execution algorithm."""
        from ratchet.core.execution import AlgorithmsConfig

        return self.source.section("execution", AlgorithmsConfig)

    @functools.cached_property
    def venues(self) -> tuple[str, ...]:
        """The venues of what the dataset holds bars of, else of every asset, in one fixed order."""
        symbols = (
            {listing.symbol for listing in self.dataset.listings(set(self.assets.assets))}
            if self.dataset is not None
            else {asset.symbol for asset in self.registry}
        )
        return tuple(sorted({self.registry.by_symbol(symbol).venue for symbol in symbols}))

    @functools.cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the merged configuration and the registry: equal means that decisions are comparable."""
        symbols = [(asset.id, asset.symbol, asset.universe) for asset in self.registry]
        text = json.dumps([self.source.content, symbols], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def check(self) -> None:
        """Read every section; ConfigError names the first that is wrong."""
        _ = self.strategies, self.exchange, self.oanda, self.algorithms


def load_platform(config_dir: Path | str, dataset_dir: Path | str | None = None) -> Platform:
    """Read the configuration and, if given, the dataset (folder or name) with its overrides.

    ConfigError names file, key, value and what is allowed.
    """
    folder = Path(config_dir)
    dataset = None
    overrides: dict[str, Any] = {}
    if dataset_dir is not None:
        from ratchet.common.datasets import Dataset

        dataset = Dataset.open(dataset_dir)
        overrides = {
            name: value for name in _OVERRIDES if (value := getattr(dataset.config, name)) is not None
        }
    source = _Source(folder, _read_folder(folder), overrides, dataset.config_file if dataset else None)
    phases = source.section("phases", PhasesConfig)
    assets = source.assets()
    listings = dataset.listings(set(assets.assets)) if dataset else ()
    return Platform(
        registry=build_registry(assets, phases, listings),
        risk=source.section("risk", RiskConfig),
        exits=source.section("exits", ExitConfig),
        phases=phases,
        assets=assets,
        dataset=dataset,
        source=source,
    )


def deep_merge(base: Any, over: Any) -> Any:
    """Return `base` with mappings of `over` merged in at every depth; anything else is replaced."""
    if not isinstance(base, Mapping) or not isinstance(over, Mapping):
        return over
    return {
        **base,
        **{key: deep_merge(base[key], value) if key in base else value for key, value in over.items()},
    }


class _Source:
    """Merged sections, and where each value came from."""

    def __init__(
        self, folder: Path, files: Mapping[str, Any], overrides: Mapping[str, Any], dataset_file: Path | None
    ) -> None:
        self._folder = folder
        self._dataset_file = dataset_file
        self._overrides = overrides
        self.content = deep_merge(files, overrides)

    def section(self, name: str, model: type[M]) -> M:
        return self._validated((name,), self.content[name], model)

    def assets(self) -> AssetsFile:
        sections = {name: self.content[name] for name in FILES["assets.yaml"]}
        return self._validated((), with_class_defaults(sections), AssetsFile)

    def _validated(self, prefix: tuple[str, ...], content: Any, model: type[M]) -> M:
        try:
            return model.model_validate(content)
        except ValidationError as error:
            texts = (
                self._describe((*prefix, *path), problem, unknown_field(model, path) if path else "")
                for path, problem in problems(error)
            )
            raise ConfigError("; ".join(texts)) from None

    def _describe(self, path: tuple[int | str, ...], problem: Any, unknown: str) -> str:
        section = str(path[0]) if path else ""
        file = next((name for name, sections in FILES.items() if section in sections), "")
        origin = self._dataset_file if _holds(self._overrides, path) else self._folder / file
        key = ".".join(map(str, path))
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "missing":
            return f"{origin}: {key} is missing"
        if problem["type"] == "extra_forbidden":
            message = unknown
        shown = "" if isinstance(problem["input"], dict | list) else f"={problem['input']!r}"
        return f"{origin}: {key}{shown}: {message}"


def _holds(content: Any, path: tuple[int | str, ...]) -> bool:
    for key in path:
        try:
            content = content[key]
        except (KeyError, IndexError, TypeError):
            return False
    return bool(path)


def _read_folder(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise ConfigError(f"RATCHET_CONFIG_DIR={folder} is not a folder; it holds {', '.join(FILES)}")
    content: dict[str, Any] = {}
    for name, sections in FILES.items():
        loaded = _read_file(folder / name)
        unknown = [key for key in loaded if key not in sections]
        if unknown:
            raise ConfigError(
                f"{folder / name}: unknown section {unknown[0]!r}; allowed: {', '.join(sections)}"
            )
        content |= {section: loaded.get(section) or {} for section in sections}
    return content


def _read_file(path: Path) -> dict[str, Any]:
    try:
        loaded = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(loaded, dict):
        raise ConfigError(
            f"{path} must hold sections {', '.join(FILES[path.name])}, not {type(loaded).__name__}"
        )
    return loaded
