"""Calendars against facts that traders know."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.core.sessions import get_calendar


def ns(text):
    return int(np.datetime64(text, "ns").astype(np.int64))


def test_unknown_calendar_is_named():
    with pytest.raises(ValueError, match=r"calendar 'MOON' is unknown; allowed: 24/7, FX"):
        get_calendar("MOON")


def test_time_outside_the_range_is_named():
    with pytest.raises(ValueError, match=r"1901-01-01.*outside calendar 24/7, which covers 1980-01-01"):
        get_calendar("24/7").is_open(ns("1901-01-01"))


@pytest.mark.parametrize(
    ("when", "is_open"),
    [
        ("2022-03-11T14:29:59", False),
        ("2022-03-11T14:30", True),  # winter: 09:30 New York
        ("2022-03-14T13:30", True),  # after the clock change
        ("2022-03-14T20:00", False),
        ("2022-07-04T15:00", False),  # Independence Day
        ("2022-11-25T17:59", True),  # the day after Thanksgiving closes at 13:00
        ("2022-11-25T18:00", False),
        ("2022-03-12T15:00", False),  # Saturday
    ],
)
def test_new_york_hours(when, is_open):
    calendar = get_calendar("XNYS")
    assert calendar.is_open(ns(when)) is is_open
    assert calendar.are_open(np.array([ns(when)])).tolist() == [is_open]


@pytest.mark.parametrize(
    ("when", "is_open"),
    [
        ("2022-01-07T21:59", True),
        ("2022-01-07T22:00", False),  # Friday 17:00 New York
        ("2022-01-09T21:59", False),
        ("2022-01-09T22:00", True),  # Sunday 17:00
        ("2022-07-10T21:00", True),  # in summer an hour earlier
        ("2022-01-12T22:00", True),  # the rollover does not close the market
    ],
)
def test_forex_week(when, is_open):
    assert get_calendar("FX").is_open(ns(when)) is is_open


@pytest.mark.parametrize(
    ("submitted", "expires"),
    [
        ("2022-03-11T15:00", "2022-03-11T21:00"),
        ("2022-03-11T21:00", "2022-03-14T20:00"),  # at the close: the next session's
        ("2022-03-12T12:00", "2022-03-14T20:00"),
        ("2022-11-25T14:00", "2022-11-25T18:00"),
    ],
)
def test_day_orders_expire_at_the_close_of_their_session(submitted, expires):
    assert get_calendar("XNYS").day_end(ns(submitted)) == ns(expires)


def test_clock_questions():
    calendar = get_calendar("XNYS")
    noon = ns("2022-03-11T17:00")
    assert calendar.next_open(noon) == ns("2022-03-14T13:30")
    assert calendar.next_close(noon) == ns("2022-03-11T21:00")
    assert calendar.session_close(ns("2022-03-12T00:00")) == ns("2022-03-14T20:00")
    session = calendar.session_of(noon)
    assert session is not None
    assert session.date == date(2022, 3, 11)
    assert calendar.session_of(ns("2022-03-12T12:00")) is None
    assert calendar.session_on(date(2022, 7, 4)) is None
    assert [s.date.day for s in calendar.sessions(date(2022, 7, 1), date(2022, 7, 6))] == [1, 5, 6]


@pytest.mark.parametrize(
    ("name", "start", "timeframe", "end"),
    [
        ("24/7", "2022-01-01T23:00", "1h", "2022-01-02T00:00"),
        ("24/7", "2022-01-01T00:00", "1d", "2022-01-02T00:00"),
        ("XNYS", "2022-03-11T20:30", "1h", "2022-03-11T21:00"),  # cut at the close
        ("XNYS", "2022-03-11T14:30", "1h", "2022-03-11T15:30"),
        ("XNYS", "2022-03-11T14:00", "1h", "2022-03-11T15:00"),  # straddles the open
        ("XNYS", "2022-11-25T00:00", "1d", "2022-11-25T18:00"),  # daily bars end at the session's close
        ("XNYS", "2022-11-25T05:00", "1d", "2022-11-25T18:00"),  # stamped at New York's midnight
        ("XNYS", "2022-11-25T14:30", "1d", "2022-11-25T18:00"),  # stamped at the open
        ("XNYS", "2022-03-07T00:00", "1w", "2022-03-11T21:00"),
        ("FX", "2022-01-07T21:00", "4h", "2022-01-07T22:00"),  # cut at the week's end
        ("FX", "2022-01-12T20:00", "4h", "2022-01-13T00:00"),  # but not at a rollover
        ("FX", "2022-01-12T22:00", "1d", "2022-01-13T22:00"),  # stamped at the rollover
        ("FX", "2022-01-12T00:00", "1d", "2022-01-12T22:00"),  # stamped with the trade date
    ],
)
def test_bar_ends(name, start, timeframe, end):
    assert get_calendar(name).bar_end(ns(start), timeframe) == ns(end)


@pytest.mark.parametrize(
    ("name", "start", "timeframe", "bucket"),
    [
        ("XNYS", "2022-03-11T15:25", "1h", "2022-03-11T14:30"),
        ("XNYS", "2022-03-11T20:55", "1h", "2022-03-11T20:30"),
        ("XNYS", "2022-03-11T20:55", "1d", "2022-03-11T00:00"),
        ("24/7", "2022-03-11T05:59", "4h", "2022-03-11T04:00"),
        ("FX", "2022-01-12T23:30", "1d", "2022-01-13T00:00"),
    ],
)
def test_buckets_start_at_the_session_open(name, start, timeframe, bucket):
    assert get_calendar(name).bucket_starts(np.array([ns(start)]), timeframe).tolist() == [ns(bucket)]


def test_market_time_counts_open_hours_only():
    calendar = get_calendar("XNYS")
    times = np.array([ns("2022-03-11T20:30"), ns("2022-03-11T23:00"), ns("2022-03-14T14:00")])
    half_hours = np.diff(calendar.open_time(times)) / 1.8e12
    assert half_hours.tolist() == [1.0, 1.0]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["24/7", "FX", "XNYS"]), st.integers(ns("1990-01-01"), ns("2035-01-01")))
def test_opens_and_closes_agree(name, ts):
    calendar = get_calendar(name)
    assert calendar.next_open(ts) > ts
    close = calendar.day_end(ts)
    assert close > ts
    assert calendar.is_open(close - 1)
    assert calendar.is_open(calendar.next_open(ts))
    session = calendar.session_of(ts)
    assert (session is not None) == calendar.is_open(ts)
    if session is not None:
        assert session.open <= ts < session.close == close
    end = calendar.bar_end(ts, "1h")
    assert ts < end <= ts + 3_600_000_000_000
