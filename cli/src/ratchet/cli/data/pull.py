"""Pulling public history into a dataset, with a cache that a later pull goes on from."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ratchet.cli.data.cache import NO_ROWS, Rows, SeriesCache, merge
from ratchet.cli.data.sources import (
    HistorySource,
    NoSuchSymbolError,
    SourceError,
    SourceUnavailableError,
    Span,
)
from ratchet.cli.errors import CommandError
from ratchet.core.timeframes import timeframe_ns

NAME = "pulled"
DEFAULT_CRYPTO = ("BTC/USDT", "ETH/USDT")
DEFAULT_OTHERS = ("NVDA", "TSLA", "AMD", "TQQQ", "SOXL", "UVXY")
_NS_PER_MS = 1_000_000
_SAVE_EVERY_PAGES = 10


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one symbol is; times are starts of bars in ms UTC."""

    symbol: str
    source: str
    bars: int
    at: int
    span: Span

    @property
    def ratio(self) -> float:
        """Share of the span that is there, in [0, 1]."""
        return min(max((self.at - self.span.since) / max(self.span.until - self.span.since, 1), 0.0), 1.0)


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class PullRequest:
    """What to pull; the span is starts of bars in ms UTC, `until` no later than the last finished bar.

    Without all of the `required` symbols no dataset is written. `give_up_at` (time.monotonic) ends the pull;
    what is there by then stays in the cache.
    """

    symbols: tuple[str, ...]
    timeframe: str
    span: Span
    name: str = NAME
    required: tuple[str, ...] = ()
    give_up_at: float = float("inf")


@dataclass(slots=True)
class PullResult:
    """Bars per symbol, the source of each, and why symbols are missing."""

    path: Path
    sources: dict[str, str] = field(default_factory=dict)
    bars: dict[str, int] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


Choose = Callable[[str], Sequence[HistorySource]]


def pull(request: PullRequest, sources: Choose, on_progress: OnProgress | None = None) -> PullResult:
    """Pull every symbol from the first of its sources that answers, and write the dataset.

    What is in the cache is not asked for again, and what was pulled before an interruption is kept. Symbols
    that no source gave are named in the result; CommandError when there are none at all.
    """
    from ratchet.common.datasets.store import target_folder

    result = PullResult(target_folder(request.name))
    pulled: dict[str, Rows] = {}
    for symbol in request.symbols:
        rows = _pull_symbol(request, symbol, sources(symbol), result, on_progress)
        if len(rows):
            pulled[symbol] = rows
    lacking = {symbol: why for symbol, why in result.failures.items() if symbol in request.required}
    if lacking or not pulled:
        reasons = "; ".join(f"{symbol}: {why}" for symbol, why in (lacking or result.failures).items())
        raise CommandError(f"{'not everything' if lacking else 'nothing'} could be pulled: {reasons}")
    result.bars = {symbol: len(rows) for symbol, rows in pulled.items()}
    _write(request, pulled, result)
    return result


def finished_until(now_ms: int, timeframe: str) -> int:
    """Return the end of the last finished bar of a timeframe in ms UTC."""
    step = timeframe_ns(timeframe) // _NS_PER_MS
    return now_ms // step * step


def _pull_symbol(
    request: PullRequest, symbol: str, sources: Sequence[HistorySource], result: PullResult,
    on_progress: OnProgress | None,
) -> Rows:  # fmt: skip
    problems = []
    for source in sources:
        rows, problem = _pull_from(source, request, symbol, on_progress)
        if len(rows):
            result.sources[symbol] = source.name
            if problem:
                result.failures[symbol] = f"incomplete, run the pull again: {problem}"
            return rows
        problems.append(problem or f"{source.name}: no bars in this span")
    result.failures[symbol] = "; ".join(problems)
    return NO_ROWS


def _pull_from(
    source: HistorySource, request: PullRequest, symbol: str, on_progress: OnProgress | None
) -> tuple[Rows, str]:
    from ratchet.common.datasets.home import data_home

    cache = SeriesCache.of(data_home(), source.name, symbol, request.timeframe)
    rows, span = cache.load(), request.span
    unsaved, problem = 0, ""
    try:
        for missing in _missing(rows, span, timeframe_ns(request.timeframe) // _NS_PER_MS):
            _check_time(request)
            for page in source.pages(symbol, request.timeframe, missing):
                rows = merge(rows, page)
                unsaved += 1
                if on_progress is not None:
                    on_progress(Progress(symbol, source.name, len(rows), int(page[-1, 0]), span))
                if unsaved >= _SAVE_EVERY_PAGES:
                    cache.save(rows)
                    unsaved = 0
                _check_time(request)
    except NoSuchSymbolError as error:
        # With bars in the cache the symbol exists: the source only has none of the missing ones.
        problem = "" if len(rows) else str(error)
    except SourceError as error:
        problem = str(error)
    finally:
        if unsaved:
            cache.save(rows)
    return rows[(rows[:, 0] >= span.since) & (rows[:, 0] < span.until)], problem


def _check_time(request: PullRequest) -> None:
    if time.monotonic() > request.give_up_at:
        raise SourceUnavailableError("the time limit for pulling has passed")


def _missing(rows: Rows, span: Span, step: int) -> list[Span]:
    if not len(rows):
        return [span]
    first, last = int(rows[0, 0]), int(rows[-1, 0])
    before = Span(span.since, min(first, span.until))
    after = Span(max(last + step, span.since), span.until)
    return [part for part in (before, after) if part.until - part.since >= step]


def _write(request: PullRequest, pulled: dict[str, Rows], result: PullResult) -> None:
    from ratchet.common.datasets.columns import BarColumns
    from ratchet.common.datasets.config import DatasetConfig
    from ratchet.common.datasets.store import NamedBars, save_dataset

    symbols = list(pulled)
    rows = np.concatenate(list(pulled.values()))
    assets = np.repeat(np.arange(len(symbols)), [len(part) for part in pulled.values()]).astype(np.int64)
    starts = rows[:, 0].astype(np.int64) * _NS_PER_MS
    codes = np.zeros(len(rows), dtype=np.int64)
    columns = BarColumns(
        assets, starts, starts, codes, (request.timeframe,), np.ascontiguousarray(rows[:, 1:].T)
    )
    origin = ", ".join(f"{symbol} {source}" for symbol, source in result.sources.items())
    config = DatasetConfig(name=request.name, source=f"public history: {origin}")
    save_dataset(result.path, NamedBars(symbols, columns), config)
