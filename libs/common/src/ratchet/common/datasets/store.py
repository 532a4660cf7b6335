"""Writing datasets into the data home: whole or not at all."""

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from ratchet.common.datasets.columns import BarColumns
from ratchet.common.datasets.config import CONFIG_NAME, DatasetConfig
from ratchet.common.datasets.dataset import Dataset
from ratchet.common.datasets.errors import DatasetError
from ratchet.common.datasets.home import data_home
from ratchet.common.datasets.readers import PRICES

BARS_NAME = "bars.parquet"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class NamedBars:
    """Raw bars and the symbols that their asset indices stand for."""

    symbols: Sequence[str]
    columns: BarColumns


def import_dataset(source: Path | str, name: str | None = None, *, replace: bool = False) -> Path:
    """Copy a folder or file of bars into the data home, as parquet with a dataset.yaml; return its path.

    Every bar is kept, bad ones too: they are quarantined when the dataset is replayed. DatasetError names
    what is malformed, or that the name is taken.
    """
    dataset = Dataset.open(source)
    name = name or dataset.name
    target = target_folder(name)
    if target.exists() and not replace:
        raise DatasetError(
            f"dataset {name!r} exists already in {data_home()}: choose another name, or replace it"
        )
    config = dataset.config.model_copy(
        update={"name": name, "source": dataset.config.source or str(dataset.path)}
    )
    beside = {config.texts: dataset.texts} if config.texts and dataset.texts else {}
    return save_dataset(target, NamedBars(dataset.symbols, dataset.read()), config, beside)


def target_folder(name: str) -> Path:
    """Return where a dataset of this name lies; DatasetError when it cannot be a name."""
    if not _NAME.fullmatch(name):
        raise DatasetError(
            f"dataset name {name!r} is not allowed: letters, digits, dot, dash, underscore; at most 64"
        )
    return data_home() / name


def save_dataset(
    target: Path, bars: NamedBars, config: DatasetConfig, beside: Mapping[str, Path] | None = None
) -> Path:
    """Write bars and dataset.yaml, then put them in the target's place in one step.

    `beside` are further files to copy, by their paths within the dataset. DatasetError when the disk refuses.
    """
    fresh = target.with_name(f".{target.name}.{os.getpid()}.new")
    try:
        fresh.mkdir(parents=True, exist_ok=True)
        pq.write_table(_table(bars), fresh / BARS_NAME, compression="zstd")
        content = config.model_dump(mode="json", exclude_defaults=True)
        (fresh / CONFIG_NAME).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        for relative, path in (beside or {}).items():
            (fresh / relative).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, fresh / relative)
        _swap(fresh, target)
    except OSError as error:
        raise DatasetError(f"{target} cannot be written: {error}") from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return target


def _table(bars: NamedBars) -> pa.Table:
    columns = bars.columns.take(np.lexsort((bars.columns.starts, bars.columns.assets)))
    symbols = pa.DictionaryArray.from_arrays(
        pa.array(columns.assets.astype(np.int32)), pa.array(bars.symbols)
    )
    codes = pa.array(columns.timeframe_codes.astype(np.int8))
    timeframes = pa.DictionaryArray.from_arrays(codes, pa.array(columns.timeframes))
    prices = dict(zip(PRICES, map(pa.array, columns.prices), strict=True))
    starts = pa.array(columns.starts, pa.timestamp("ns", "UTC"))
    return pa.table({"symbol": symbols, "ts": starts, **prices, "timeframe": timeframes})


def _swap(fresh: Path, target: Path) -> None:
    old = target.with_name(f".{target.name}.{os.getpid()}.old")
    if target.exists():
        target.rename(old)
    fresh.rename(target)
    shutil.rmtree(old, ignore_errors=True)
