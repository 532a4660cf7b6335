"""Pulling history, against local servers that answer as the public APIs do."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.cli.data.cache import SeriesCache, merge
from ratchet.cli.data.crypto import CcxtSource
from ratchet.cli.data.pull import PullRequest, finished_until, pull
from ratchet.cli.data.sources import NoSuchSymbolError, SourceError, SourceUnavailableError, Span
from ratchet.cli.data.yahoo import YahooSource, yahoo_symbol
from ratchet.cli.errors import CommandError
from ratchet.common.datasets import Dataset

HOUR = 3_600_000
START = 1_640_995_200_000  # 2022-01-01


@pytest.fixture
def binance(api):
    pauses = []
    source = CcxtSource("binance", urls={"public": f"{api.url}/api/v3"}, sleep=pauses.append)
    source._exchange.enableRateLimit = False
    source.pauses = pauses
    return source


def request_of(*symbols, bars=2500, **fields):
    return PullRequest(symbols, "1h", Span(START, START + bars * HOUR), **fields)


def klines(api):
    return [int(query["startTime"]) for path, query in api.requests if path.endswith("/klines")]


def test_pages_become_a_dataset(api, binance):
    seen = []
    result = pull(request_of("BTC/USDT", "ETH/USDT"), lambda symbol: [binance], seen.append)
    assert result.bars == {"BTC/USDT": 2500, "ETH/USDT": 2500}
    assert result.sources == {"BTC/USDT": "binance", "ETH/USDT": "binance"}
    assert klines(api) == [START, START + 1000 * HOUR, START + 2000 * HOUR] * 2
    assert [round(progress.ratio, 1) for progress in seen[:3]] == [0.4, 0.8, 1.0]
    btc, eth = Dataset.open("pulled").describe()
    assert (btc.symbol, btc.bars, btc.timeframe, btc.first) == ("BTC/USDT", 2500, "1h", START * 1_000_000)
    assert eth.bars == 2500


def test_a_later_pull_asks_only_for_what_is_new(api, binance):
    pull(request_of("BTC/USDT", bars=100), lambda symbol: [binance])
    api.requests.clear()
    result = pull(request_of("BTC/USDT", bars=130), lambda symbol: [binance])
    assert klines(api) == [START + 100 * HOUR]
    assert result.bars == {"BTC/USDT": 130}


def test_an_interrupted_pull_goes_on_where_it_ended(api, binance):
    def interrupt(progress):
        if progress.bars >= 2000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull(request_of("BTC/USDT", bars=5000), lambda symbol: [binance], interrupt)
    api.requests.clear()
    assert pull(request_of("BTC/USDT", bars=5000), lambda symbol: [binance]).bars == {"BTC/USDT": 5000}
    assert klines(api)[0] == START + 2000 * HOUR


def test_time_before_the_listing_is_skipped(api, binance):
    api.listed_ms = START + 1500 * HOUR
    assert pull(request_of("BTC/USDT"), lambda symbol: [binance]).bars == {"BTC/USDT": 1000}


def test_rate_limit_is_waited_out(api, binance):
    api.failures = [(429, {"code": -1003, "msg": "Too many requests"})] * 2
    assert pull(request_of("BTC/USDT", bars=10), lambda symbol: [binance]).bars == {"BTC/USDT": 10}
    assert binance.pauses == [0.5, 1.0]


def test_exchange_that_stays_away_leaves_the_next(api, binance):
    second = CcxtSource("binance", urls={"public": f"{api.url}/api/v3"}, sleep=lambda seconds: None)
    second._exchange.enableRateLimit = False
    second.name = "other"
    api.failures = [(503, {"code": -1001, "msg": "Internal error; unable to process your request."})] * 4
    result = pull(request_of("BTC/USDT", bars=10), lambda symbol: [binance, second])
    assert result.sources == {"BTC/USDT": "other"}


def test_blocked_country_is_not_asked_again(api, binance):
    api.failures = [(451, {"code": 0, "msg": "Service unavailable from a restricted location"})]
    with pytest.raises(SourceUnavailableError, match="451"):
        list(binance.pages("BTC/USDT", "1h", Span(START, START + HOUR)))
    assert len(api.requests) == 1


def test_unknown_symbols_and_timeframes_are_named(binance):
    span = Span(START, START + HOUR)
    with pytest.raises(NoSuchSymbolError, match="binance has no market DOGE/USDT"):
        list(binance.pages("DOGE/USDT", "1h", span))
    with pytest.raises(SourceError, match=r"binance has no bars of 7m; it has 1s, 1m"):
        list(binance.pages("BTC/USDT", "7m", span))
    with pytest.raises(SourceError, match="exchange 'mtgox' is unknown to ccxt; try binance"):
        CcxtSource("mtgox")
    with pytest.raises(CommandError, match=r"nothing could be pulled: DOGE/USDT: binance has no market"):
        pull(request_of("DOGE/USDT"), lambda symbol: [binance])


def test_an_incomplete_pull_is_kept_and_said(api, binance):
    pull(request_of("BTC/USDT", bars=10), lambda symbol: [binance])
    api.failures = [(503, {"code": -1001, "msg": "Internal error; unable to process your request."})] * 4
    result = pull(request_of("BTC/USDT", bars=20), lambda symbol: [binance])
    assert result.bars == {"BTC/USDT": 10}
    assert "incomplete, run the pull again" in result.failures["BTC/USDT"]


def test_damaged_cache_is_pulled_again(binance, data_folder):
    cache = SeriesCache.of(data_folder, "binance", "BTC/USDT", "1h")
    cache.path.parent.mkdir(parents=True)
    cache.path.write_bytes(b"not parquet")
    assert pull(request_of("BTC/USDT", bars=10), lambda symbol: [binance]).bars == {"BTC/USDT": 10}


def test_full_or_forbidden_disk_is_said(binance, data_folder):
    data_folder.mkdir()
    (data_folder / ".cache").write_text("a file where the folder should be")
    with pytest.raises(CommandError, match=r"BTC-USDT_1h.parquet cannot be written"):
        pull(request_of("BTC/USDT", bars=10), lambda symbol: [binance])


@pytest.fixture
def yahoo(api, tmp_path, monkeypatch):
    pauses = []
    source = YahooSource(tmp_path / "zones", sleep=pauses.append)
    for name, module in list(sys.modules.items()):
        if name.startswith("yfinance"):
            for constant in ("_BASE_URL_", "_QUERY1_URL_"):
                if hasattr(module, constant):
                    monkeypatch.setattr(module, constant, api.url)
    # Its cookie comes from a fixed public host, and the chart API works without one.
    monkeypatch.setattr(
        "yfinance.data.YfData._get_cookie_and_crumb", lambda self, timeout=30: (None, "basic")
    )
    source.pauses = pauses
    return source


def test_yahoo_bars_are_in_utc_without_empty_rows(api, yahoo):
    (rows,) = yahoo.pages("NVDA", "1h", Span(START, START + 48 * HOUR))
    nine_thirty = START + int(14.5 * HOUR)
    assert rows[:, 0].tolist() == [nine_thirty + offset * HOUR for offset in (0, 1, 24, 25, 26)]
    assert rows[0, 1:].tolist() == [10.0, 11.0, 9.0, 10.5, 1000.0]
    queries = [query for path, query in api.requests if path.endswith("/chart/NVDA")]
    assert (queries[-1]["interval"], int(queries[-1]["period1"])) == ("1h", START // 1000)


def test_yahoo_unknown_symbol(yahoo):
    with pytest.raises(SourceError, match="NOPE"):
        list(yahoo.pages("NOPE", "1h", Span(START, START + HOUR)))


def test_yahoo_rate_limit_is_waited_out(api, yahoo):
    list(yahoo.pages("AMD", "1h", Span(START, START + 24 * HOUR)))
    yahoo.pauses.clear()
    api.failures = [(429, {})] * 2
    assert len(list(yahoo.pages("AMD", "1h", Span(START, START + 48 * HOUR)))) == 1
    assert 2.0 in yahoo.pauses


def test_yahoo_timeframes_are_named(yahoo):
    with pytest.raises(SourceError, match=r"yahoo has no bars of 4h; it has 1m, 5m"):
        list(yahoo.pages("NVDA", "4h", Span(START, START + HOUR)))


@pytest.mark.parametrize(
    ("symbol", "spelled"),
    [("NVDA", "NVDA"), ("GBP/JPY", "GBPJPY=X"), ("BTC/USDT", "BTC-USD"), ("NG", "NG=F")],
)
def test_yahoo_spelling(symbol, spelled):
    assert yahoo_symbol(symbol) == spelled


def test_only_finished_bars_are_wanted():
    assert finished_until(START + HOUR - 1, "1h") == START
    assert finished_until(START + HOUR, "1h") == START + HOUR


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 50)), st.lists(st.integers(0, 50)))
def test_merge_is_sorted_and_prefers_the_new(old, new):
    def rows(starts, value):
        unique = sorted(set(starts))
        return (
            np.array([[start, value, value, value, value, value] for start in unique])
            .reshape(-1, 6)
            .astype(float)
        )

    merged = merge(rows(old, 1.0), rows(new, 2.0))
    assert merged[:, 0].tolist() == sorted(set(old) | set(new))
    assert all(row[1] == (2.0 if row[0] in new else 1.0) for row in merged)
