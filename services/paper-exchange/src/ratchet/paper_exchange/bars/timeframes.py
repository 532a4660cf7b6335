"""Alpaca's timeframes, and longer bars built from shorter ones."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np

from ratchet.common.timestamps import to_datetime, to_ns
from ratchet.core.timeframes import timeframe_ns
from ratchet.paper_exchange.bars.history import Bars, Times
from ratchet.paper_exchange.errors import InvalidError
from ratchet.paper_exchange.wire.values import NEW_YORK

_PATTERN = re.compile(r"(?P<amount>[1-9][0-9]?)(?P<unit>[Mm]in|T|Hour|H|Day|D|Week|W|Month|M)")
_UNITS = {"min": "Min", "T": "Min", "H": "Hour", "D": "Day", "W": "Week", "M": "Month"}
_LIMITS: dict[str, Callable[[int], bool]] = {
    "Min": lambda amount: amount <= 59,
    "Hour": lambda amount: amount <= 23,
    "Day": lambda amount: amount == 1,
    "Week": lambda amount: amount == 1,
    "Month": lambda amount: amount in (1, 2, 3, 4, 6, 12),
}
_MINUTE = 60_000_000_000


@dataclass(frozen=True, slots=True)
class BarSpec:
    """A timeframe such as 15Min, 1Hour, 1Day, 1Week or 3Month."""

    amount: int
    unit: str

    @classmethod
    def parse(cls, text: str) -> "BarSpec":
        """Parse Alpaca's text; InvalidError tells what is allowed."""
        match = _PATTERN.fullmatch(text)
        if match is not None:
            amount, unit = int(match["amount"]), _UNITS.get(match["unit"], match["unit"])
            if _LIMITS[unit](amount):
                return cls(amount, unit)
        allowed = (
            "1Min to 59Min, 1Hour to 23Hour, 1Day, 1Week or 1Month, 2Month, 3Month, 4Month, 6Month, 12Month"
        )
        raise InvalidError(f"timeframe {text!r} is invalid; allowed: {allowed}")

    @property
    def shortest_ns(self) -> int:
        """The least time that one bar spans."""
        days = {"Day": 1, "Week": 7, "Month": 28 * self.amount}
        if self.unit in days:
            return days[self.unit] * 1440 * _MINUTE
        return self.amount * (1 if self.unit == "Min" else 60) * _MINUTE

    def can_be_built_from(self, base: str) -> bool:
        """Return whether bars of the base timeframe add up to it."""
        length = timeframe_ns(base)
        return length <= self.shortest_ns and (self.unit == "Month" or self.shortest_ns % length == 0)

    def labels(self, starts: Times, crypto: bool) -> Times:
        """Return the start of the bar that each base bar belongs to (days are New York's for equities)."""
        if self.unit in ("Min", "Hour"):
            return np.asarray(starts - starts % self.shortest_ns)
        known: dict[date, int] = {}
        labels = np.empty(len(starts), dtype=np.int64)
        for row, start in enumerate(starts.tolist()):
            day = to_datetime(start).astimezone(UTC if crypto else NEW_YORK).date()
            label = known.get(day)
            if label is None:
                label = known[day] = self._label(day, crypto)
            labels[row] = label
        return labels

    def _label(self, day: date, crypto: bool) -> int:
        if self.unit == "Week":
            day -= timedelta(days=day.weekday())
        elif self.unit == "Month":
            day = day.replace(month=(day.month - 1) // self.amount * self.amount + 1, day=1)
        return to_ns(datetime(day.year, day.month, day.day, tzinfo=UTC if crypto else NEW_YORK))

    def floor(self, ts: int, crypto: bool) -> int:
        """Return the start of the bar that a time falls into."""
        return int(self.labels(np.array([ts], dtype=np.int64), crypto)[0])


def aggregate(bars: Bars, spec: BarSpec, crypto: bool) -> Bars:
    """Build longer bars; the last one is what there is of it so far."""
    if not len(bars):
        return bars
    labels = spec.labels(bars.starts, crypto)
    firsts = np.flatnonzero(np.append(True, labels[1:] != labels[:-1]))
    lasts = np.append(firsts[1:], len(labels)) - 1
    volume = np.add.reduceat(bars.volume, firsts)
    turnover = np.add.reduceat(bars.vwap * bars.volume, firsts)
    counts = lasts - firsts + 1
    mean = np.add.reduceat(bars.vwap, firsts) / counts
    vwap = np.divide(turnover, volume, out=mean, where=volume > 0)
    return Bars(
        labels[firsts],
        bars.ends[lasts],
        bars.open[firsts],
        np.maximum.reduceat(bars.high, firsts),
        np.minimum.reduceat(bars.low, firsts),
        bars.close[lasts],
        volume,
        np.asarray(vwap),
    )
