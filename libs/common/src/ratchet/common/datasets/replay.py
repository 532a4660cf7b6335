"""Validated bars, merged over universes in event-time order and cut into batches."""

from collections.abc import Callable, Iterator
from dataclasses import InitVar, dataclass, field

import numpy as np
from numpy.typing import NDArray

from ratchet.common.datasets.columns import BarColumns, Floats, Ints
from ratchet.core.assets import Registry
from ratchet.core.market import BarBatch, BarDefect, Step


@dataclass(frozen=True, slots=True)
class QuarantinedBar:
    """A bar that is not traded on, and why; ts is its end and start its start in ns UTC."""

    asset_id: int
    symbol: str
    universe: str
    timeframe: str
    ts: int
    start: int
    reason: BarDefect
    open: float
    high: float
    low: float
    close: float
    volume: float


OnQuarantine = Callable[[QuarantinedBar], None]


@dataclass(slots=True)
class Judged:
    """Bars in event-time order with the validator's verdicts; universe is an index into the registry's."""

    bars: BarColumns
    universes: Ints
    defects: NDArray[np.uint8]
    quality: Floats
    missing: Ints


@dataclass(slots=True)
class Replay:
    """One pass over a dataset: iterate for the steps, each a tuple of batches with one event time.

    `bars` and `steps` count what will come. While iterating, `quality` holds each universe's score in [0, 1]
    at the step that was yielded last: the mean over the assets of that batch.
    """

    registry: Registry
    judged: InitVar[Judged]
    quarantined: list[QuarantinedBar]
    on_quarantine: OnQuarantine | None = None
    quality: dict[str, float] = field(default_factory=dict)
    bars: int = 0
    steps: int = 0
    first_ts: int = 0
    last_ts: int = 0
    _good: BarColumns = field(init=False)
    _borders: list[int] = field(init=False)
    _scores: list[float] = field(init=False)
    _codes: list[int] = field(init=False)

    def __post_init__(self, judged: Judged) -> None:
        good = judged.defects == BarDefect.NONE
        count = max(len(self.registry.universes), 1)
        _, rank = np.unique(judged.bars.ends, return_inverse=True)
        keys = rank * count + judged.universes
        self._good = judged.bars.take(np.flatnonzero(good)).freeze()
        good_keys = keys[good]
        first = _borders(good_keys)
        self._borders = [*first.tolist(), len(good_keys)]
        self._codes = judged.universes[good][first].tolist()
        self._scores = _mean_by_key(keys, judged.quality)[np.isin(np.unique(keys), good_keys)].tolist()
        self.bars = len(self._good)
        ends = self._good.ends
        self.steps = len(np.unique(ends))
        self.first_ts, self.last_ts = (int(ends[0]), int(ends[-1])) if len(ends) else (0, 0)

    @property
    def columns(self) -> BarColumns:
        """All good bars in event-time order (read-only)."""
        return self._good

    def __iter__(self) -> Iterator[tuple[BarBatch, ...]]:
        names = self.registry.universes
        borders, codes = self._borders, self._codes
        ends = self._good.ends[borders[:-1]].tolist()
        asset_ids = self._good.assets.astype(np.uint32)
        asset_ids.flags.writeable = False
        pending = iter(self.quarantined)
        bad = next(pending, None)
        sequence = first = 0
        while first < len(ends):
            ts, last = ends[first], first + 1
            while last < len(ends) and ends[last] == ts:
                last += 1
            while bad is not None and bad.ts <= ts:
                self._report(bad)
                bad = next(pending, None)
            sequence += 1
            step = Step(sequence, tuple(names[code] for code in codes[first:last]))
            yield tuple(
                self._batch(index, names[codes[index]], ts, step, asset_ids) for index in range(first, last)
            )
            first = last
        while bad is not None:
            self._report(bad)
            bad = next(pending, None)

    def _batch(
        self, index: int, universe: str, ts: int, step: Step, asset_ids: NDArray[np.uint32]
    ) -> BarBatch:
        rows = slice(self._borders[index], self._borders[index + 1])
        bars = self._good
        self.quality[universe] = self._scores[index]
        timeframe, start = bars.timeframes[bars.timeframe_codes[rows.start]], int(bars.starts[rows.start])
        opens, highs, lows, closes, volumes = bars.prices[:, rows]
        return BarBatch(
            universe, timeframe, ts, asset_ids[rows], opens, highs, lows, closes, volumes, step, start
        )

    def _report(self, bar: QuarantinedBar) -> None:
        if self.on_quarantine is not None:
            self.on_quarantine(bar)


def describe_bad(bars: BarColumns, defects: NDArray[np.uint8], registry: Registry) -> list[QuarantinedBar]:
    """Return the bars that have a defect, in the order given."""
    quarantined = []
    for row in np.flatnonzero(defects).tolist():
        asset = registry[int(bars.assets[row])]
        timeframe = bars.timeframes[bars.timeframe_codes[row]]
        where = (asset.id, asset.symbol, asset.universe, timeframe)
        times = (int(bars.ends[row]), int(bars.starts[row]))
        prices = bars.prices[:, row].tolist()
        quarantined.append(QuarantinedBar(*where, *times, BarDefect(int(defects[row])), *prices))
    return quarantined


def _borders(keys: Ints) -> Ints:
    return np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1]))) if len(keys) else keys


def _mean_by_key(keys: Ints, values: Floats) -> Floats:
    first = _borders(keys)
    if not len(first):
        return values
    return np.asarray(np.add.reduceat(values, first) / np.diff(np.append(first, len(keys))))
