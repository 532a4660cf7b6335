"""Candles of any granularity from the bars that the clock has passed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from ratchet.common.timestamps import to_datetime, to_ns
from ratchet.core.fx import FxConfig, Instrument
from ratchet.core.fx.describe import price_text
from ratchet.core.fx.quotes import quoted
from ratchet.core.orders.money import from_float
from ratchet.core.sessions import get_calendar
from ratchet.core.timeframes import timeframe_ns
from ratchet.paper_exchange.bars.history import NS_PER_DAY, BarHistory, Bars, Times
from ratchet.paper_exchange.oanda.errors import OandaError, invalid
from ratchet.paper_exchange.oanda.times import TimeFormat
from ratchet.paper_exchange.wire.values import NEW_YORK

_SECOND = 1_000_000_000
_UNIT_S = {"S": 1, "M": 60, "H": 3_600}
GRANULARITIES: dict[str, int] = {
    **{f"S{n}": n * _SECOND for n in (5, 10, 15, 30)},
    **{f"M{n}": n * 60 * _SECOND for n in (1, 2, 4, 5, 10, 15, 30)},
    **{f"H{n}": n * 3_600 * _SECOND for n in (1, 2, 3, 4, 6, 8, 12)},
    "D": NS_PER_DAY,
    "W": 7 * NS_PER_DAY,
    "M": 28 * NS_PER_DAY,
}
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DEFAULT_COUNT, MAX_COUNT = 500, 5_000
_SIDES = {"M": "mid", "B": "bid", "A": "ask"}


@dataclass(frozen=True, slots=True)
class Alignment:
    """Where days and weeks begin: an hour of a zone, and a weekday (0 is Monday)."""

    hour: int = 17
    zone: ZoneInfo = NEW_YORK
    weekday: int = 4

    def day(self, ts: int) -> datetime:
        """Return the local start of the day that a time falls into."""
        local = to_datetime(ts).astimezone(self.zone)
        start = local.replace(hour=self.hour, minute=0, second=0, microsecond=0)
        return start if start <= local else start - timedelta(days=1)

    def start(self, ts: int, granularity: str) -> int:
        """Return the start (ns, UTC) of the candle that a time falls into."""
        length = GRANULARITIES[granularity]
        if length < 2 * 3_600 * _SECOND:
            return ts - ts % length
        day = self.day(ts)
        if length < NS_PER_DAY:
            first = to_ns(day)
            return first + (ts - first) // length * length
        if granularity == "W":
            day -= timedelta(days=(day.weekday() - self.weekday) % 7)
        elif granularity == "M":
            ahead = timedelta(hours=(24 - self.hour) % 24)
            trade_date = day + ahead
            day = trade_date.replace(day=1) - ahead
        return to_ns(day)


@dataclass(frozen=True, slots=True)
class CandleQuery:
    """What a client asks for; times in ns UTC, None where not given."""

    granularity: str = "S5"
    price: str = "M"
    count: int | None = None
    start: int | None = None
    end: int | None = None
    smooth: bool = False
    include_first: bool = True
    alignment: Alignment = Alignment()

    def check(self) -> None:
        """Raise OandaError for what OANDA refuses."""
        if self.granularity not in GRANULARITIES:
            raise invalid("granularity", self.granularity, ", ".join(GRANULARITIES))
        if not self.price or set(self.price) - set(_SIDES) or len(set(self.price)) != len(self.price):
            raise invalid("price", self.price, "some of M, B and A")
        if self.count is not None and self.start is not None and self.end is not None:
            raise OandaError("'count' cannot be specified when 'to' and 'from' parameters are set")
        if self.count is not None and self.count > MAX_COUNT:
            raise OandaError(f"Maximum value for 'count' exceeded: {self.count}; allowed: 1 to {MAX_COUNT}")
        if self.start is not None and self.end is not None:
            if self.end < self.start:
                raise OandaError("Invalid value specified for 'to': it is before 'from'")
            if (self.end - self.start) // GRANULARITIES[self.granularity] > MAX_COUNT:
                raise OandaError(
                    "Maximum value for 'count' exceeded: 'from' and 'to' span more than 5000 candles"
                )


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone; OandaError names an unknown one."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise invalid("alignmentTimezone", name, "a name such as America/New_York") from None


class Candles:
    """Builds candles over one history, never from a bar that ends after the clock."""

    def __init__(self, history: BarHistory, config: FxConfig) -> None:
        self._history = history
        self._config = config

    def query(
        self, instrument: Instrument, asked: CandleQuery, now: int, times: TimeFormat
    ) -> list[dict[str, Any]]:
        """Return the candles that have bars, oldest first; the last may be incomplete."""
        asked.check()
        base = self._history.timeframe(instrument.asset_id)
        if base is None:
            return []
        length = GRANULARITIES[asked.granularity]
        if length < timeframe_ns(base) or (length < NS_PER_DAY and length % timeframe_ns(base)):
            raise OandaError(
                f"Invalid value specified for 'granularity': {asked.granularity} cannot be built from "
                f"{instrument.name}'s bars of {base}; allowed: multiples of that"
            )
        last = now if asked.end is None else min(asked.end, now)
        if asked.start is None:
            # Twice the time covers weekends; where the bars are rarer than that, all are read.
            wanted = asked.count or DEFAULT_COUNT
            recent = last - 2 * wanted * length - 14 * NS_PER_DAY
            rows = self._rows(instrument, base, asked, max(recent, 0), last)
            if len(rows) < wanted and recent > 0:
                rows = self._rows(instrument, base, asked, 0, last)
        else:
            first = asked.alignment.start(asked.start, asked.granularity)
            rows = self._rows(instrument, base, asked, first, max(first, last))
            if not asked.include_first:
                rows = [row for row in rows if row[0] >= asked.start and row[0] != first]
        current = asked.alignment.start(now, asked.granularity)
        return self._json(instrument, self._counted(rows, asked), asked, current, times)

    def _rows(
        self, instrument: Instrument, base: str, asked: CandleQuery, first: int, last: int
    ) -> list[tuple[int, list[float], int]]:
        bars = self._history.load(instrument.asset_id, first - 2 * NS_PER_DAY, last)
        labels = self._labels(self._starts(bars, base, instrument), asked)
        inside = (labels >= first) & (labels < last)
        return self._merge(bars.take(inside), labels[inside])

    def _counted(self, rows: list[Any], asked: CandleQuery) -> list[Any]:
        count = asked.count or (
            MAX_COUNT if asked.start is not None and asked.end is not None else DEFAULT_COUNT
        )
        return rows[:count] if asked.start is not None else rows[-count:]

    def _starts(self, bars: Bars, base: str, instrument: Instrument) -> Times:
        """Return when bars really began: daily ones begin with their session, not at midnight."""
        if timeframe_ns(base) < NS_PER_DAY:
            return bars.starts
        calendar = get_calendar(instrument.calendar)
        found = (calendar.session_of(end - 1) for end in bars.ends.tolist())
        starts = [
            session.open if session is not None else start
            for session, start in zip(found, bars.starts.tolist(), strict=True)
        ]
        return np.array(starts, dtype=np.int64)

    def _labels(self, starts: Times, asked: CandleQuery) -> Times:
        length = GRANULARITIES[asked.granularity]
        if length < 2 * 3_600 * _SECOND:
            return np.asarray(starts - starts % length)
        labels = [asked.alignment.start(start, asked.granularity) for start in starts.tolist()]
        return np.array(labels, dtype=np.int64)

    def _merge(self, bars: Bars, labels: NDArray[np.int64]) -> list[tuple[int, list[float], int]]:
        if not len(labels):
            return []
        firsts = np.flatnonzero(np.append(True, labels[1:] != labels[:-1]))
        lasts = np.append(firsts[1:], len(labels)) - 1
        high, low = np.maximum.reduceat(bars.high, firsts), np.minimum.reduceat(bars.low, firsts)
        volume = np.add.reduceat(bars.volume, firsts)
        columns = np.stack([bars.open[firsts], high, low, bars.close[lasts]], axis=1)
        rows = zip(labels[firsts].tolist(), columns.tolist(), volume.tolist(), strict=True)
        return [(label, prices, max(int(amount), 1)) for label, prices, amount in rows]

    def _json(
        self,
        instrument: Instrument,
        rows: list[tuple[int, list[float], int]],
        asked: CandleQuery,
        current: int,
        times: TimeFormat,
    ) -> list[dict[str, Any]]:
        candles: list[dict[str, Any]] = []
        previous: float | None = None
        for label, prices, volume in rows:
            opened, high, low, close = prices
            if asked.smooth and previous is not None:
                opened, high, low = previous, max(high, previous), min(low, previous)
            previous = close
            candle = {"complete": label < current, "volume": volume, "time": times.text(label)}
            values = [from_float(value) for value in (opened, high, low, close)]
            candles.append(candle | self._prices(instrument, asked.price, values))
        return candles

    def _prices(self, instrument: Instrument, price: str, values: list[Decimal]) -> dict[str, Any]:
        quotes = [quoted(self._config, instrument, value, 0) for value in values]
        body = {}
        for letter in price:
            name = _SIDES[letter]
            texts = [
                price_text(instrument, getattr(quote, name).quantize(instrument.tick)) for quote in quotes
            ]
            body[name] = dict(zip("ohlc", texts, strict=True))
        return body
