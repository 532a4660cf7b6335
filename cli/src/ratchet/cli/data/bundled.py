"""Real bars that come with the installation: five US stocks, daily, 2000 to 2013, from bokeh-sampledata."""

import gzip
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ratchet.cli.errors import CommandError

NAME = "bundled-us-stocks"
PACKAGE = "bokeh-sampledata"
_FORMAT = 2
_DESCRIPTION = (
    "AAPL, FB, GOOG, IBM and MSFT, daily, 2000-03-01 to 2013-03-01. Prices are adjusted for splits and "
    "dividends relative to the last day: old prices are not those traded then, but returns are right."
)

# The plan of config/phases.yaml, fitted to what is here: two stocks earn the other three.
_GATE = [
    {"requirement": "profitable_days", "threshold": 30},
    {"requirement": "sharpe", "threshold": 1.5, "window_days": 60},
    {"requirement": "max_drawdown", "threshold": 0.15, "window_days": 60},
    {"requirement": "win_rate", "threshold": 0.5},
    {"requirement": "equity", "threshold": 3000},
    {"requirement": "data_source", "threshold": 1},
]
_FLOOR = [
    {"requirement": "sharpe", "threshold": -1.0, "window_days": 60},
    {"requirement": "max_drawdown", "threshold": 0.10, "window_days": 60},
]
PHASES: dict[str, Any] = {
    "phases": [
        {"phase": 0, "name": "first_stocks", "asset_classes": [], "symbols": ["IBM", "MSFT"]},
        {
            "phase": 1,
            "name": "more_stocks",
            "asset_classes": ["stock"],
            "symbols": ["AAPL", "FB", "GOOG"],
            "gate": _GATE,
            "floor": _FLOOR,
        },
    ]
}


def bundled_dataset() -> Path:
    """Return the bundled dataset, converting it on first use; CommandError if the package lacks its file."""
    from ratchet.common.datasets.config import CONFIG_NAME, load_config
    from ratchet.common.datasets.store import target_folder

    target = target_folder(NAME)
    source = f"{PACKAGE} {version(PACKAGE)}, format {_FORMAT}"
    if (target / CONFIG_NAME).is_file() and load_config(target).source == source:
        return target
    return _convert(_csv_path(), target, source)


def _csv_path() -> Path:
    # The file is read directly: importing the package would load every one of its data sets.
    spec = find_spec("bokeh_sampledata")
    origin = Path(spec.origin).parent if spec and spec.origin else Path()
    path = origin / "_data" / "stocks.csv.gz"
    if not path.is_file():
        raise CommandError(f"{PACKAGE} has no {path}; give a dataset with --data, or run `ratchet data pull`")
    return path


def _convert(path: Path, target: Path, source: str) -> Path:
    import numpy as np
    import pandas as pd

    from ratchet.common.datasets.columns import BarColumns
    from ratchet.common.datasets.config import DatasetConfig
    from ratchet.common.datasets.store import NamedBars, save_dataset
    from ratchet.core.assets import AssetClass

    with gzip.open(path, "rt", encoding="utf-8") as file:
        frame = pd.read_csv(file).sort_values(["Ticker", "Date"], ignore_index=True)
    factor = frame["Adj Close"] / frame["Close"]
    factor /= factor.groupby(frame["Ticker"]).transform("last")
    prices = [(frame[name] * factor).round(4) for name in ("Open", "High", "Low", "Close")]
    codes, symbols = pd.factorize(frame["Ticker"])
    starts = frame["Date"].to_numpy(dtype="datetime64[ns]").astype(np.int64)
    columns = BarColumns(
        codes.astype(np.int64),
        starts,
        starts,
        np.zeros(len(frame), dtype=np.int64),
        ("1d",),
        np.stack([*prices, (frame["Volume"] / factor).round()]),
    )
    config = DatasetConfig(
        name=NAME, description=_DESCRIPTION, source=source, asset_class=AssetClass.STOCK, phases=PHASES
    )
    return save_dataset(target, NamedBars(list(symbols), columns), config)
