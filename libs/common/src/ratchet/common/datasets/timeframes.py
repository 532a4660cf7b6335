"""Which timeframe a series of bars has: as column, file name or dataset.yaml says, else its median step."""

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ratchet.common.datasets.config import DatasetConfig
from ratchet.common.datasets.errors import DatasetError
from ratchet.common.datasets.readers import FileBars
from ratchet.common.datasets.symbols import canonical_symbol
from ratchet.core.timeframes import NS_PER_SECOND, timeframe_ns

_UNITS = (("w", 604800), ("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
_WORDS = {"daily": "1d", "hourly": "1h", "weekly": "1w"}
_IN_NAME = re.compile(r"(?:^|[_.\- ])([1-9][0-9]*)(s|min|m|h|d|w)(?=$|[_.\- ])")


def format_timeframe(length_ns: int) -> str | None:
    """Return the shortest spelling of a length, such as 1h, or None when it is no whole number of seconds."""
    if length_ns <= 0 or length_ns % NS_PER_SECOND:
        return None
    seconds = length_ns // NS_PER_SECOND
    unit, size = next((unit, size) for unit, size in _UNITS if seconds % size == 0)
    return f"{seconds // size}{unit}"


def timeframe_in_name(path: Path) -> str | None:
    """Return the timeframe that a file's name states, as in btc_1h.csv or us_daily.parquet."""
    stem = path.name.lower()
    match = _IN_NAME.search(stem)
    if match:
        return match[1] + ("m" if match[2] == "min" else match[2])
    parts = re.split(r"[_.\- ]", stem)
    return next((_WORDS[part] for part in parts if part in _WORDS), None)


def row_timeframes(bars: FileBars, config: DatasetConfig) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Return the timeframes of a file and each bar's index among them.

    A symbol's entry in dataset.yaml decides first, then the column, the file's name, dataset.yaml's default
    and last the median step between the symbol's bars.
    """
    names: dict[str, int] = {}
    stated = timeframe_in_name(bars.path) or config.timeframe
    fixed = [_fixed(symbol, config) for symbol in bars.symbols]
    if bars.timeframe_codes is None and stated is None and None in fixed:
        fixed = [own or inferred for own, inferred in zip(fixed, _infer(bars), strict=True)]
    chosen = [own or stated for own in fixed]
    by_symbol = np.array(
        [names.setdefault(name, len(names)) if name else -1 for name in chosen], dtype=np.int64
    )
    codes = by_symbol[bars.symbol_codes]
    if bars.timeframe_codes is not None:
        local = [names.setdefault(_valid(name, bars.path), len(names)) for name in bars.timeframes]
        own = np.array([name is not None for name in fixed])[bars.symbol_codes]
        codes = np.where(own, codes, np.array(local, dtype=np.int64)[bars.timeframe_codes])
    return tuple(names), codes


def _fixed(symbol: str, config: DatasetConfig) -> str | None:
    return config.timeframes.get(symbol) or config.timeframes.get(
        canonical_symbol(symbol, config.symbols, ())
    )


def _valid(name: str, path: Path) -> str:
    try:
        timeframe_ns(name)
    except ValueError as error:
        raise DatasetError(f"{path}: column timeframe: {error}") from None
    return name


def _infer(bars: FileBars) -> list[str]:
    order = np.lexsort((bars.starts, bars.symbol_codes))
    starts, symbols = bars.starts[order], bars.symbol_codes[order]
    borders = np.searchsorted(symbols, np.arange(len(bars.symbols) + 1))
    found: list[str | None] = []
    for first, last in pairwise(borders.tolist()):
        steps = np.diff(starts[first:last])
        steps = steps[steps > 0]
        middle = int(np.partition(steps, len(steps) // 2)[len(steps) // 2]) if len(steps) else 0
        found.append(format_timeframe(middle))
    known = [timeframe for timeframe in found if timeframe is not None]
    common = max(sorted(set(known)), key=known.count) if known else None
    unknown = [symbol for symbol, timeframe in zip(bars.symbols, found, strict=True) if timeframe is None]
    if common is None:
        raise DatasetError(
            f"{bars.path}: the timeframe of {unknown[0]} cannot be told from its bars; state it in a column "
            "timeframe, in the file's name (bars_1h.csv) or in dataset.yaml (timeframe: 1h)"
        )
    return [timeframe or common for timeframe in found]
