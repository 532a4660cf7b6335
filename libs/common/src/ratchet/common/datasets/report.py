"""How good the bars of a dataset are, symbol by symbol."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from ratchet.common.datasets.dataset import Dataset
from ratchet.core.assets import Registry
from ratchet.core.market import BarDefect

MIN_USABLE_SCORE = 0.5


@dataclass(frozen=True, slots=True)
class SymbolReport:
    """One symbol's bars as a replay would see them; first and last are ends of bars in ns UTC.

    `score` in [0, 1] is the share of expected bars that came and were good. Bars outside the calendar are
    counted among the defects, but were not expected.
    """

    symbol: str
    universe: str
    timeframe: str
    bars: int
    first: int
    last: int
    missing: int
    defects: dict[BarDefect, int]

    @property
    def score(self) -> float:
        """Share of expected bars that are good."""
        bad = sum(count for defect, count in self.defects.items() if defect is not BarDefect.OFF_CALENDAR)
        expected = self.bars + bad + self.missing
        return self.bars / expected if expected else 0.0

    @property
    def usable(self) -> bool:
        """Whether there is enough to trade on."""
        return self.bars >= 2 and self.score >= MIN_USABLE_SCORE


def check_dataset(dataset: Dataset, registry: Registry) -> list[SymbolReport]:
    """Judge every bar; return a report per symbol, sorted by symbol."""
    judged, quarantined = dataset.judge(registry)
    defects: dict[int, Counter[BarDefect]] = {}
    for bar in quarantined:
        defects.setdefault(bar.asset_id, Counter())[bar.reason] += 1
    missing = np.bincount(judged.bars.assets, weights=judged.missing, minlength=len(registry))
    good = judged.bars.take(judged.defects == BarDefect.NONE)
    order = np.argsort(good.assets, kind="stable")
    borders = np.searchsorted(good.assets[order], np.arange(len(registry) + 1)).tolist()
    reports = []
    for symbol in sorted({dataset.canonical(name, registry) for name in dataset.symbols}):
        asset = registry.by_symbol(symbol)
        rows = order[borders[asset.id] : borders[asset.id + 1]]
        first, last = (int(good.ends[rows[0]]), int(good.ends[rows[-1]])) if len(rows) else (0, 0)
        timeframe = good.timeframes[good.timeframe_codes[rows[0]]] if len(rows) else ""
        counts = dict(defects.get(asset.id, Counter()))
        gaps = int(missing[asset.id])
        reports.append(SymbolReport(symbol, asset.universe, timeframe, len(rows), first, last, gaps, counts))
    return reports
