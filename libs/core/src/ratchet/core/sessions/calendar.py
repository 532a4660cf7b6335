"""A calendar as sorted arrays of sessions, so that questions about many bars are one vectorised search."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from ratchet.core.timeframes import timeframe_ns

NS_PER_DAY = 86_400_000_000_000
Times = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Session:
    """One trading day: its date in the market's own zone, and open and close in ns UTC (close excluded)."""

    date: date
    open: int
    close: int


class Calendar:
    """The sessions of one market; every time is int64 ns UTC and a session is the interval [open, close).

    A market that trades around the clock has contiguous sessions whose borders are its day rollover.
    Questions about a time outside the calendar's range raise ValueError.
    """

    def __init__(self, name: str, dates: Times, opens: Times, closes: Times, day_open_ns: int) -> None:
        """Take sorted session dates (midnight UTC), opens, closes; day_open_ns: length of a full session."""
        self.name = name
        self.dates, self.opens, self.closes = dates, opens, closes
        self.day_open_ns = day_open_ns
        for column in (dates, opens, closes):
            column.flags.writeable = False
        self._open_before = np.concatenate(([0], np.cumsum(closes - opens)))
        contiguous = np.append(opens[1:] == closes[:-1], False)
        last_of_run = np.flatnonzero(~contiguous)
        self._run_closes = closes[last_of_run[np.searchsorted(last_of_run, np.arange(len(opens)))]]
        self._open_list: list[int] = opens.tolist()
        self._close_list: list[int] = closes.tolist()

    def is_open(self, ts: int) -> bool:
        """Return whether the market trades at ts."""
        return self._close_list[self._index_at_or_before(ts)] > ts

    def are_open(self, times: Times) -> NDArray[np.bool_]:
        """Return is_open for each of many times."""
        self._check(times)
        index = np.searchsorted(self.opens, times, side="right") - 1
        return np.asarray(self.closes[index] > times)

    def session_of(self, ts: int) -> Session | None:
        """Return the session that contains ts, or None when the market is closed."""
        index = self._index_at_or_before(ts)
        return self._session(index) if self._close_list[index] > ts else None

    def session_on(self, day: date) -> Session | None:
        """Return the session of a trade date, or None on a holiday."""
        label = _midnight(day)
        index = int(np.searchsorted(self.dates, label))
        found = index < len(self.dates) and int(self.dates[index]) == label
        return self._session(index) if found else None

    def sessions(self, first: date, last: date) -> list[Session]:
        """Return the sessions whose trade dates lie in [first, last]."""
        lower = int(np.searchsorted(self.dates, _midnight(first)))
        upper = int(np.searchsorted(self.dates, _midnight(last), side="right"))
        return [self._session(index) for index in range(lower, upper)]

    def session_close(self, ts: int) -> int:
        """Return the close of the session that contains ts, or of the next one when the market is closed."""
        return self.next_close(ts)

    def next_open(self, ts: int) -> int:
        """Return the first session open after ts."""
        self._index_at_or_before(ts)
        return self._open_list[bisect_right(self._open_list, ts)]

    def next_close(self, ts: int) -> int:
        """Return the first session close after ts."""
        self._index_at_or_before(ts)
        return self._close_list[bisect_right(self._close_list, ts)]

    def day_end(self, ts: int) -> int:
        """Return when a DAY order expires that is submitted at ts.

        That is the close of the running session, or of the next one when the market is closed; at the
        close itself the session is over, so the order belongs to the next one.
        """
        return self.next_close(ts)

    def bar_end(self, start: int, timeframe: str) -> int:
        """Return the end of the bar that starts at `start` (see bar_ends)."""
        return int(self.bar_ends(np.array([start], dtype=np.int64), timeframe)[0])

    def bar_ends(self, starts: Times, timeframe: str) -> Times:
        """Return the ends of bars by their starts.

        Intraday: start plus length, cut at the market's close when the bar straddles it. Daily and longer:
        the close of the bar's last session, where a start at 00:00 UTC (or before the open) is a trade date;
        on a date without a session, start plus length.
        """
        length = timeframe_ns(timeframe)
        self._check(starts)
        if length >= NS_PER_DAY and not self._always_open:
            return self._session_bar_ends(starts, length)
        index = np.searchsorted(self.opens, starts, side="right") - 1
        inside = self.closes[index] > starts
        ends = starts + length
        return np.where(inside, np.minimum(ends, self._run_closes[index]), ends)

    def open_time(self, times: Times) -> Times:
        """Return how long the market was open before each time, in ns since the calendar's beginning."""
        self._check(times)
        index = np.searchsorted(self.opens, times, side="right") - 1
        elapsed = np.minimum(times, self.closes[index]) - self.opens[index]
        return np.asarray(self._open_before[index] + elapsed)

    def covers(self, ends: Times, timeframe: str) -> NDArray[np.bool_]:
        """Return which bars belong to the calendar, by their ends.

        An intraday bar does when the market was open for some of it, a longer one if it ends with a session.
        """
        length = timeframe_ns(timeframe)
        if length >= NS_PER_DAY and not self._always_open:
            self._check(ends)
            index = np.minimum(np.searchsorted(self.closes, ends), len(self.closes) - 1)
            return np.asarray(self.closes[index] == ends)
        return np.asarray(self.open_time(ends) > self.open_time(ends - length))

    def bar_open_ns(self, timeframe: str) -> int:
        """Return the market time that a whole bar spans: its length, or full sessions from a day on."""
        length = timeframe_ns(timeframe)
        if length < NS_PER_DAY or self._always_open:
            return length
        days = length // NS_PER_DAY
        return (days if days < 7 else days * 5 // 7) * self.day_open_ns

    def bucket_starts(self, starts: Times, timeframe: str) -> Times:
        """Return the start of the longer bar that each bar belongs to, counted from its session's open.

        Intraday buckets begin at open + n * length; daily ones are stamped 00:00 UTC of the trade date.
        The starts must lie within sessions.
        """
        length = timeframe_ns(timeframe)
        self._check(starts)
        index = np.searchsorted(self.opens, starts, side="right") - 1
        if length < NS_PER_DAY:
            opens = self.opens[index]
            return np.asarray(opens + (starts - opens) // length * length)
        days = length // NS_PER_DAY
        labels = self.dates[index]
        return np.asarray(labels - (labels // NS_PER_DAY % days) * NS_PER_DAY)

    @property
    def _always_open(self) -> bool:
        return bool(self._run_closes[0] == self.closes[-1])

    def _session_bar_ends(self, starts: Times, length: int) -> Times:
        at = np.searchsorted(self.opens, starts, side="right") - 1
        label = starts - starts % NS_PER_DAY
        inside = (self.closes[at] > starts) & (starts != label)
        first = np.where(inside, self.dates[at], label)
        last = np.searchsorted(self.dates, first + length) - 1
        return np.where(self.dates[last] >= first, self.closes[last], starts + length)

    def _session(self, index: int) -> Session:
        day = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=int(self.dates[index]) // NS_PER_DAY)
        return Session(day.date(), self._open_list[index], self._close_list[index])

    def _index_at_or_before(self, ts: int) -> int:
        if not self._open_list[0] <= ts < self._close_list[-1]:
            raise ValueError(self._out_of_range(ts))
        return bisect_right(self._open_list, ts) - 1

    def _check(self, times: Times) -> None:
        if len(times) and not (times.min() >= self.opens[0] and times.max() <= self.closes[-1]):
            outside = times[(times < self.opens[0]) | (times > self.closes[-1])]
            raise ValueError(self._out_of_range(int(outside[0])))

    def _out_of_range(self, ts: int) -> str:
        first, last = self._session(0), self._session(len(self.dates) - 1)
        return f"time {_iso(ts)} is outside calendar {self.name}, which covers {first.date} to {last.date}"


def _midnight(day: date) -> int:
    return (day - date(1970, 1, 1)).days * NS_PER_DAY


def _iso(ts: int) -> str:
    return str(np.datetime64(ts, "ns")) + "Z"
