"""dataset.yaml: what a folder of bars cannot say by itself."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from ratchet.common.datasets.errors import DatasetError
from ratchet.common.problems import problems, unknown_field
from ratchet.core.assets import AssetClass
from ratchet.core.timeframes import timeframe_ns

CONFIG_NAME = "dataset.yaml"


def _timeframe(value: str) -> str:
    timeframe_ns(value)
    return value


Timeframe = Annotated[str, AfterValidator(_timeframe)]
Overrides = dict[str, Any]


class DatasetConfig(BaseModel):
    """The content of dataset.yaml; every field is optional.

    Keys of `timeframes` are symbols or universes, of `calendars` symbols, universes or asset classes, of
    `resample` universes; symbols may be the source's or the registry's. `texts` is a file beside dataset.yaml
    with the columns ts, text and symbol, for sentiment. `start` and `end` (excluded) limit the event times.
    The override sections are merged over the platform's configuration.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str | None = None
    description: str = ""
    source: str = ""
    timeframe: Timeframe | None = None
    timeframes: dict[str, Timeframe] = Field(default_factory=dict)
    resample: Timeframe | dict[str, Timeframe] | None = None
    calendars: dict[str, str] = Field(default_factory=dict)
    symbols: dict[str, str] = Field(default_factory=dict)
    asset_class: AssetClass | None = None
    asset_classes: dict[str, AssetClass] = Field(default_factory=dict)
    universes: dict[str, str] = Field(default_factory=dict)
    texts: str | None = None
    start: datetime | date | None = None
    end: datetime | date | None = None
    phases: Overrides | None = None
    risk: Overrides | None = None
    exits: Overrides | None = None
    strategies: Overrides | None = None
    exchange: Overrides | None = None
    execution: Overrides | None = None
    oanda: Overrides | None = None
    assets: Any = None

    @property
    def start_ns(self) -> int | None:
        """First event time in ns UTC."""
        return _ns(self.start)

    @property
    def end_ns(self) -> int | None:
        """End of the event times (excluded) in ns UTC."""
        return _ns(self.end)


def load_config(folder: Path) -> DatasetConfig:
    """Read a folder's dataset.yaml, if it has one; DatasetError names each wrong field and value."""
    path = folder / CONFIG_NAME
    if not path.is_file():
        return DatasetConfig()
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if content is None:
        return DatasetConfig()
    if not isinstance(content, dict):
        raise DatasetError(f"{path}: must be a mapping of fields, found {type(content).__name__}")
    try:
        return DatasetConfig.model_validate(content)
    except ValidationError as error:
        raise DatasetError(f"{path}: {_describe(error)}") from None


def _describe(error: ValidationError) -> str:
    parts = []
    for path, problem in problems(error):
        field = ".".join(map(str, path))
        if problem["type"] == "extra_forbidden":
            parts.append(unknown_field(DatasetConfig, path))
        else:
            parts.append(f"{field} = {problem['input']!r}: {problem['msg'].removeprefix('Value error, ')}")
    return "; ".join(parts)


def _ns(moment: datetime | date | None) -> int | None:
    if moment is None:
        return None
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    elif moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp()) * 1_000_000_000
