"""The validator quarantines what is wrong, and believes what the market confirms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.core.market import BarBatch, BarDefect, ValidationConfig
from ratchet.core.market.validation import BarValidator
from ratchet.core.sessions import get_calendar

HOUR = 3_600_000_000_000
START = int(np.datetime64("2022-03-01T00:00", "ns").astype(np.int64))


def bars(closes, hours=None, **columns):
    """Columns of one asset with one bar per hour; keywords replace a column."""
    closes = np.asarray(closes, dtype=float)
    hours = np.arange(1, len(closes) + 1) if hours is None else np.asarray(hours)
    prices = {"open": closes, "high": closes * 1.001, "low": closes * 0.999, "close": closes}
    prices = prices | {"volume": np.ones(len(closes))} | {k: np.asarray(v, float) for k, v in columns.items()}
    return np.zeros(len(closes), np.int64), START + hours * HOUR, prices


def judge(validator, columns, timeframe="1h"):
    assets, ends, prices = columns
    ordered = [prices[name] for name in ("open", "high", "low", "close", "volume")]
    return validator.validate_columns(assets, ends, [timeframe], None, ordered)


def reasons(result):
    return [BarDefect(code).name for code in result.defects if code]


def walk(size, seed=1, sigma=0.01):
    return 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, sigma, size)))


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("close", np.nan, "NOT_A_NUMBER"),
        ("high", np.inf, "NOT_A_NUMBER"),
        ("volume", np.nan, "NOT_A_NUMBER"),
        ("low", 0.0, "NON_POSITIVE_PRICE"),
        ("open", -1.0, "NON_POSITIVE_PRICE"),
        ("high", 99.0, "OHLC_INCONSISTENT"),
        ("low", 101.0, "OHLC_INCONSISTENT"),
        ("volume", -1.0, "NEGATIVE_VOLUME"),
    ],
)
def test_malformed_bars_are_named(column, value, reason):
    broken = np.array([100.0, value]) if column != "volume" else np.array([1.0, value])
    result = judge(BarValidator(["24/7"]), bars([100, 100], **{column: broken}))
    assert reasons(result)[-1:] == [reason]
    assert result.good.tolist()[-1] is False


def test_repeated_and_late_bars():
    result = judge(BarValidator(["24/7"]), bars([100, 101, 102, 103], hours=[1, 2, 2, 1]))
    assert [BarDefect(code).name for code in result.defects] == ["NONE", "NONE", "DUPLICATE", "OUT_OF_ORDER"]


def test_a_malformed_bar_may_be_corrected_by_a_second_of_the_same_time():
    result = judge(BarValidator(["24/7"]), bars([100, np.nan, 102], hours=[1, 2, 2]))
    assert [BarDefect(code).name for code in result.defects] == ["NONE", "NOT_A_NUMBER", "NONE"]


def test_bad_tick_is_quarantined_and_the_series_continues():
    closes = walk(60)
    closes[40] *= 10
    result = judge(BarValidator(["24/7"]), bars(closes))
    assert np.flatnonzero(result.defects).tolist() == [40]
    assert reasons(result) == ["SPIKE"]


def test_genuine_move_is_believed_at_the_second_bar():
    closes = walk(60)
    closes[40:] *= 0.5
    result = judge(BarValidator(["24/7"]), bars(closes))
    assert np.flatnonzero(result.defects).tolist() == [40]


def test_wick_far_outside_both_closes_is_a_spike():
    closes = walk(60)
    high = closes * 1.001
    high[50] *= 3
    result = judge(BarValidator(["24/7"]), bars(closes, high=high))
    assert np.flatnonzero(result.defects).tolist() == [50]


def test_move_in_line_with_its_own_volatility_is_good():
    result = judge(BarValidator(["24/7"]), bars(walk(500, sigma=0.08)))
    assert result.good.all()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0.01, 1e6), min_size=5, max_size=80), st.integers(1, 5))
def test_no_run_of_spikes_is_longer_than_configured(closes, limit):
    config = ValidationConfig(max_spike_run_bars=limit, warmup_bars=1)
    result = judge(BarValidator(["24/7"], config), bars(closes))
    spikes = (result.defects == BarDefect.SPIKE).astype(int)
    longest = max((len(run) for run in "".join(map(str, spikes)).split("0")), default=0)
    assert longest <= limit


def test_frozen_price_becomes_stale_and_recovers():
    closes = np.r_[walk(20), np.full(20, 77.0), walk(5, seed=2)]
    config = ValidationConfig(stale_bars=6)
    result = judge(BarValidator(["24/7"], config), bars(closes, high=closes, low=closes))
    assert set(reasons(result)) == {"STALE_PRICE"}
    assert np.flatnonzero(result.defects).tolist() == list(range(26, 40))


def test_bars_outside_the_session_are_off_calendar():
    nine_thirty = int(np.datetime64("2022-03-01T14:30", "ns").astype(np.int64))
    assets, _, prices = bars([100, 100.5, 101])
    ends = np.array([nine_thirty, nine_thirty + HOUR, nine_thirty + 8 * HOUR])
    result = judge(BarValidator(["XNYS"]), (assets, ends, prices))
    assert [BarDefect(code).name for code in result.defects] == ["OFF_CALENDAR", "NONE", "OFF_CALENDAR"]


def test_nights_and_weekends_are_not_gaps_but_missing_bars_are():
    calendar = get_calendar("XNYS")
    friday = [f"2022-03-04T{hour}:30" for hour in (14, 15, 16, 17, 18, 19, 20)]
    monday = [f"2022-03-07T{hour}:30" for hour in (14, 15, 18)]
    starts = np.array([*friday, *monday], dtype="datetime64[ns]").astype(np.int64)
    assets, _, prices = bars(walk(10))
    result = judge(BarValidator(["XNYS"]), (assets, calendar.bar_ends(starts, "1h"), prices))
    assert result.good.all()
    assert result.missing.tolist() == [0] * 9 + [2]


def test_daily_bars_of_a_holiday_week_have_no_gap():
    calendar = get_calendar("XNYS")
    days = ["2022-11-22", "2022-11-23", "2022-11-25", "2022-11-28", "2022-11-30"]
    starts = np.array(days, dtype="datetime64[ns]").astype(np.int64)
    assets, _, prices = bars(walk(5))
    result = judge(BarValidator(["XNYS"]), (assets, calendar.bar_ends(starts, "1d"), prices), "1d")
    assert result.missing.tolist() == [0, 0, 0, 0, 1]


def test_quality_falls_with_defects_and_gaps_and_recovers():
    validator = BarValidator(["24/7", "24/7"])
    assert validator.quality([0, 1]) == 1.0
    hours = np.r_[1:50, 100:400]
    result = judge(validator, bars(walk(len(hours)), hours=hours))
    assert result.quality[48] == 1.0
    assert result.quality[49] < 0.6
    assert result.quality[49] < result.quality[-1] < 1.0
    assert validator.quality([0, 1]) == pytest.approx(result.quality[-1])
    assert validator.missing(0) == 50
    assert validator.counts(0)[BarDefect.NONE] == len(hours)


def _messy(seed, size=300):
    rng = np.random.default_rng(seed)
    hours = np.sort(rng.integers(1, size, size))
    closes = walk(size, seed) * np.where(rng.random(size) < 0.03, 7.0, 1.0)
    closes[rng.random(size) < 0.02] = np.nan
    return bars(closes, hours=hours)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 300))
def test_export_and_restore_continue_with_the_same_verdicts(seed, cut):
    assets, ends, prices = _messy(seed)

    def part(rows):
        return assets[rows], ends[rows], {name: column[rows] for name, column in prices.items()}

    whole = judge(BarValidator(["24/7"]), (assets, ends, prices))
    first, second = BarValidator(["24/7"]), BarValidator(["24/7"])
    head = judge(first, part(slice(None, cut)))
    second.restore_state(first.export_state())
    tail = judge(second, part(slice(cut, None)))
    for name in ("defects", "quality", "missing"):
        joined = np.r_[getattr(head, name), getattr(tail, name)]
        np.testing.assert_array_equal(joined, getattr(whole, name))


def test_a_batch_is_judged_like_its_columns():
    validator = BarValidator(["24/7"] * 3)
    close = np.array([10.0, 20.0, 30.0])
    batch = BarBatch(
        "crypto", "1h", START + HOUR, np.array([0, 1, 2], np.uint32), close, close * 1.1,
        np.array([9.0, 25.0, 29.0]), close, np.ones(3),
    )  # fmt: skip
    assert validator.validate(batch).good.tolist() == [True, False, True]


def test_state_of_another_size_is_refused():
    state = BarValidator(["24/7"]).export_state()
    with pytest.raises(ValueError, match=r"'last_end' has shape \(1,\); expected \(2,\)"):
        BarValidator(["24/7", "XNYS"]).restore_state(state)
