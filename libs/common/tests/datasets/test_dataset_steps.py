"""Replay order, timeframes, resampling and quarantine."""

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.common.datasets import Dataset
from ratchet.common.datasets.symbols import canonical_symbol, guess_class
from ratchet.common.datasets.timeframes import format_timeframe, timeframe_in_name
from ratchet.core.timeframes import timeframe_ns


def ns(text):
    return int(np.datetime64(text, "ns").astype(np.int64))


def test_batches_of_all_universes_come_in_event_time_order(write_csv, series, make_registry):
    rows = series("BTCUSDT", "2022-03-11T13:00", 10, 60) + series("ETHUSDT", "2022-03-11T14:00", 4, 60)
    write_csv(rows, "crypto.csv")
    folder = write_csv(series("TSLA", "2022-03-11T14:30", 13, 30), "stocks_30m.csv")
    registry = make_registry(TSLA="stock", ETH__USDT="crypto", BTC__USDT="crypto")
    steps = list(Dataset.open(folder).steps(registry))
    assert [step[0].step.seq for step in steps] == list(range(1, len(steps) + 1))
    times = [step[0].ts for step in steps]
    assert times == sorted(set(times))
    assert times[0] == ns("2022-03-11T14:00")
    both = next(step for step in steps if step[0].ts == ns("2022-03-11T15:00"))
    assert [batch.universe for batch in both] == ["stock", "crypto"]
    assert both[0].step == both[1].step
    assert both[0].step.universes == ("stock", "crypto")
    assert both[1].asset_ids.tolist() == [1, 2]
    assert (both[0].timeframe, both[1].timeframe) == ("30m", "1h")
    assert (both[0].start, both[1].start) == (ns("2022-03-11T14:30"), ns("2022-03-11T14:00"))
    assert not both[1].close.flags.writeable


def test_start_and_end_limit_event_times(write_csv, series, make_registry):
    folder = write_csv(series("BTCUSDT", "2022-01-01T00:00", 48, 60), config="end: 2022-01-02")
    registry = make_registry(BTC__USDT="crypto")
    dataset = Dataset.open(folder)
    assert dataset.replay(registry).last_ts == ns("2022-01-01T23:00")
    replay = dataset.replay(registry, start=ns("2022-01-01T05:00"), end=ns("2022-01-01T07:00"))
    assert (replay.first_ts, replay.last_ts, replay.steps, replay.bars) == (
        ns("2022-01-01T05:00"), ns("2022-01-01T06:00"), 2, 2,
    )  # fmt: skip


def test_bad_bars_are_reported_in_time_and_never_replayed(write_csv, series, make_registry):
    rows = series("BTCUSDT", "2022-01-01T00:00", 60, 60)
    rows[30] = rows[30].replace(",", ",", 1).rsplit(",", 5)[0] + ",100,50,99,100,1"
    rows[40] = rows[39]
    seen, reported = [], []
    replay = Dataset.open(write_csv(rows)).replay(
        make_registry(BTC__USDT="crypto"), on_quarantine=reported.append
    )
    for (batch,) in replay:
        seen.append(batch.ts)
        if batch.ts == ns("2022-01-01T12:00"):
            assert reported == []
            assert replay.quality["crypto"] == 1.0
    assert [(bar.reason.name, bar.ts) for bar in reported] == [
        ("OHLC_INCONSISTENT", ns("2022-01-02T07:00")),
        ("DUPLICATE", ns("2022-01-02T16:00")),
    ]
    assert reported[0].symbol == "BTC/USDT"
    assert reported[0].high == 50.0
    assert len(seen) == 58
    assert ns("2022-01-02T07:00") not in seen
    assert 0.9 < replay.quality["crypto"] < 1.0


def test_five_minute_stocks_become_hours_from_the_open(write_csv, series, make_registry):
    rows = series("TSLA", "2022-03-11T14:30", 78, 5) + series("TSLA", "2022-03-11T21:00", 4, 5)
    reported = []
    replay = Dataset.open(write_csv(rows, config="resample: 1h")).replay(
        make_registry(TSLA="stock"), on_quarantine=reported.append
    )
    bars = [batch for (batch,) in replay]
    assert [batch.ts for batch in bars] == [
        ns(f"2022-03-11T{clock}") for clock in ("15:30", "16:30", "17:30", "18:30", "19:30", "20:30", "21:00")
    ]
    assert [batch.volume[0] for batch in bars] == [
        sum(range(first + 1, min(first + 13, 79))) for first in range(0, 78, 12)
    ]
    assert {batch.timeframe for batch in bars} == {"1h"}
    assert bars[-1].start == ns("2022-03-11T20:30")
    assert [bar.reason.name for bar in reported] == ["OFF_CALENDAR"] * 4
    assert {bar.timeframe for bar in reported} == {"5m"}


def test_resampling_keeps_extremes_and_ends(write_csv, make_registry):
    rows = [
        "BTCUSDT,2022-01-01T00:00:00Z,10,12,9,11,1",
        "BTCUSDT,2022-01-01T00:30:00Z,11,15,11,14,2",
        "BTCUSDT,2022-01-01T01:00:00Z,14,14,8,9,3",
        "BTCUSDT,2022-01-01T01:30:00Z,9,10,9,10,4",
    ]
    folder = write_csv(rows, config="resample: {crypto: 2h}")
    ((batch,),) = Dataset.open(folder).steps(make_registry(BTC__USDT="crypto"))
    values = (batch.open[0], batch.high[0], batch.low[0], batch.close[0], batch.volume[0])
    assert values == (10, 15, 8, 10, 10)
    assert batch.ts == ns("2022-01-01T02:00")


def test_universe_of_two_timeframes_is_decided_in_the_longer(write_csv, series, make_registry):
    rows = series("BTCUSDT", "2022-01-01T00:00", 12, 5) + series("ETHUSDT", "2022-01-01T00:00", 3, 60)
    folder = write_csv(rows)
    dataset = Dataset.open(folder)
    assert (dataset.timeframe("BTCUSDT"), dataset.timeframe("ETH/USDT")) == ("5m", "1h")
    (first,), *rest = dataset.steps(make_registry(BTC__USDT="crypto", ETH__USDT="crypto"))
    assert len(first) == 2
    assert first.timeframe == "1h"
    assert len(rest) == 2


def test_symbol_that_changes_its_timeframe(write_csv, series, make_registry):
    write_csv(series("BTCUSDT", "2022-01-01T00:00", 24, 5), "old_5m.csv")
    folder = write_csv(series("BTCUSDT", "2022-01-01T02:00", 3, 60), "new_1h.csv")
    batches = [batch for (batch,) in Dataset.open(folder).steps(make_registry(BTC__USDT="crypto"))]
    assert [batch.ts for batch in batches] == [ns(f"2022-01-01T0{hour}:00") for hour in range(1, 6)]
    assert {batch.timeframe for batch in batches} == {"1h"}


def test_timeframe_by_column(write_csv, series, make_registry):
    rows = [f"{row},1d" for row in series("A", "2022-03-07T00:00", 5, 1440)]
    folder = write_csv(rows, header="symbol,ts,open,high,low,close,volume,timeframe")
    steps = list(Dataset.open(folder).steps(make_registry(A="stock")))
    assert [step[0].ts for step in steps] == [ns(f"2022-03-{day:02}T21:00") for day in range(7, 12)]
    assert steps[0][0].start == ns("2022-03-07")


def test_quality_and_summary(write_csv, series, make_registry):
    folder = write_csv(
        series("BTCUSDT", "2022-01-01T00:00", 5, 60), config="name: mine\nphases: {phases: []}"
    )
    dataset = Dataset.open(folder)
    assert (dataset.name, dataset.symbols, dataset.config.phases) == ("mine", ("BTCUSDT",), {"phases": []})
    (row,) = dataset.describe()
    assert (row.timeframe, row.bars, row.first, row.last) == (
        "1h", 5, ns("2022-01-01"), ns("2022-01-01T04:00"),
    )  # fmt: skip


def test_empty_window_has_no_steps(write_csv, series, make_registry):
    folder = write_csv(series("BTCUSDT", "2022-01-01T00:00", 5, 60))
    replay = Dataset.open(folder).replay(make_registry(BTC__USDT="crypto"), start=ns("2030-01-01"))
    assert (replay.bars, replay.steps, list(replay)) == (0, 0, [])


@settings(max_examples=15, deadline=None)
@given(st.randoms(use_true_random=False))
def test_order_of_rows_and_format_of_files_do_not_matter(tmp_path_factory, random):
    rows = [
        [symbol, f"2022-01-01T{hour:02}:00:00Z", 100 + hour, 101 + hour, 99 + hour, 100.5 + hour, 1.0]
        for symbol in ("BTCUSDT", "ETHUSDT")
        for hour in range(12)
    ]
    random.shuffle(rows)
    names = ["symbol", "ts", "open", "high", "low", "close", "volume"]
    table = pa.table({name: [row[i] for row in rows] for i, name in enumerate(names)})
    folder = tmp_path_factory.mktemp("any-order")
    if random.random() < 0.5:
        pa_csv.write_csv(table, folder / "b.csv")
    else:
        pq.write_table(table, folder / "b.parquet")
    series = Dataset.open(folder).describe()
    assert [(item.symbol, item.timeframe, item.bars) for item in series] == [
        ("BTCUSDT", "1h", 12),
        ("ETHUSDT", "1h", 12),
    ]


@pytest.mark.parametrize(
    ("source", "known", "symbol"),
    [
        ("BTCUSDT", ["BTC/USDT"], "BTC/USDT"),
        ("BTC-USD", ["BTC/USDT"], "BTC/USDT"),
        ("BTCUSD", ["BTC/USDT"], "BTC/USDT"),
        ("BTC-USD", ["BTC/USD", "BTC/USDT"], "BTC/USD"),
        ("BTC_USDT", [], "BTC/USDT"),
        ("SOLUSDT", [], "SOL/USDT"),
        ("GBPJPY", [], "GBP/JPY"),
        ("GBPJPY=X", ["GBP/JPY"], "GBP/JPY"),
        ("XAGUSD", [], "XAG/USD"),
        ("NVDA", ["NVDA"], "NVDA"),
        ("NVDA", [], "NVDA"),
        ("BRK-B", [], "BRK-B"),
    ],
)
def test_symbol_spelling(source, known, symbol):
    assert canonical_symbol(source, {}, known) == symbol
    assert canonical_symbol(source, {source: "MINE"}, known) == "MINE"


@pytest.mark.parametrize(
    ("symbol", "kind"),
    [("BTC/USDT", "crypto"), ("GBP/JPY", "forex"), ("XAG/USD", "commodity"), ("NVDA", "stock")],
)
def test_class_by_form(symbol, kind):
    assert guess_class(symbol) == kind


def test_listings_follow_dataset_yaml(write_csv, series):
    config = "asset_classes: {TQQQ: leveraged_etf}\nuniverses: {NVDA: chips}\ncalendars: {crypto: 24/7}"
    rows = [row for name in ("TQQQ", "NVDA", "SOLUSDT") for row in series(name, "2022-03-11T14:30", 3, 60)]
    listings = {item.symbol: item for item in Dataset.open(write_csv(rows, config=config)).listings()}
    assert listings["TQQQ"].asset_class == "leveraged_etf"
    assert listings["NVDA"].universe == "chips"
    assert (listings["SOL/USDT"].asset_class, listings["SOL/USDT"].calendar) == ("crypto", "24/7")


@pytest.mark.parametrize(
    ("name", "timeframe"),
    [
        ("btc_1h.csv", "1h"), ("binance_spot_1h_2017_2025.parquet", "1h"), ("bars-5min.csv.gz", "5m"),
        ("us_daily_core.parquet", "1d"), ("NVDA.csv", None), ("m5stick.csv", None),
    ],
)  # fmt: skip
def test_timeframe_in_a_file_name(tmp_path, name, timeframe):
    assert timeframe_in_name(tmp_path / name) == timeframe


@settings(deadline=None)
@given(st.integers(1, 10_000_000))
def test_timeframes_are_spelled_back(seconds):
    spelled = format_timeframe(seconds * 1_000_000_000)
    assert timeframe_ns(spelled) == seconds * 1_000_000_000
