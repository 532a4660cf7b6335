"""Historical and latest data with unmodified alpaca-py clients: right, paged, never ahead of the clock."""

from datetime import UTC, datetime, timedelta

import pytest
from alpaca.common.exceptions import APIError
from alpaca.data.requests import (
    CryptoBarsRequest,
    CryptoLatestBarRequest,
    CryptoLatestQuoteRequest,
    CryptoLatestTradeRequest,
    CryptoSnapshotRequest,
    StockBarsRequest,
    StockLatestQuoteRequest,
    StockSnapshotRequest,
)
from alpaca.data.timeframe import TimeFrame, TimeFrameUnit

BTC, NVDA = "BTC/USDT", "NVDA"
MONDAY = datetime(2024, 1, 8, tzinfo=UTC)


def hours(count: int) -> timedelta:
    return timedelta(hours=count)


def test_bars_end_at_the_clock(desk):
    client = desk.crypto()
    request = CryptoBarsRequest(symbol_or_symbols=BTC, timeframe=TimeFrame.Hour, start=MONDAY)
    assert len(client.get_crypto_bars(request)[BTC]) == 1
    desk.advance(steps=5)
    bars = client.get_crypto_bars(request)[BTC]
    assert [bar.timestamp for bar in bars] == [MONDAY + hours(step) for step in range(6)]
    assert [bar.open for bar in bars] == [40_000 + 10 * step for step in range(6)]
    beyond = CryptoBarsRequest(
        symbol_or_symbols=BTC, timeframe=TimeFrame.Hour, start=MONDAY, end=MONDAY + hours(90)
    )
    assert len(client.get_crypto_bars(beyond)[BTC]) == 6


def test_start_and_end_are_both_included(desk):
    desk.advance(to="2024-01-09T00:00:00Z")
    request = CryptoBarsRequest(
        symbol_or_symbols=BTC, timeframe=TimeFrame.Hour, start=MONDAY + hours(3), end=MONDAY + hours(5)
    )
    bars = desk.crypto().get_crypto_bars(request)[BTC]
    assert [bar.timestamp for bar in bars] == [MONDAY + hours(step) for step in (3, 4, 5)]


def test_longer_bars_are_built_from_the_datasets(desk):
    desk.advance(to="2024-01-09T06:00:00Z")
    request = CryptoBarsRequest(
        symbol_or_symbols=BTC, timeframe=TimeFrame(4, TimeFrameUnit.Hour), start=MONDAY, end=MONDAY + hours(4)
    )
    first, second = desk.crypto().get_crypto_bars(request)[BTC]
    assert (first.timestamp, second.timestamp) == (MONDAY, MONDAY + hours(4))
    assert (first.open, first.high, first.low, first.close) == (40_000, 40_070, 39_960, 40_040)
    assert first.volume == 400
    daily = CryptoBarsRequest(symbol_or_symbols=BTC, timeframe=TimeFrame.Day, start=MONDAY)
    complete, forming = desk.crypto().get_crypto_bars(daily)[BTC]
    assert complete.close == 40_240
    assert (forming.timestamp, forming.volume) == (MONDAY + hours(24), 600)


def test_daily_bars_of_stocks_begin_at_midnight_in_new_york(desk):
    desk.advance(to="2024-01-09T22:00:00Z")
    request = StockBarsRequest(symbol_or_symbols=[NVDA], timeframe=TimeFrame.Day, start=MONDAY)
    bars = desk.stocks().get_stock_bars(request)[NVDA]
    assert [bar.timestamp.isoformat() for bar in bars] == [
        "2024-01-08T05:00:00+00:00",
        "2024-01-09T05:00:00+00:00",
    ]
    assert (bars[0].open, bars[0].close, bars[0].volume) == (500, 507, 7_000_000)


def test_pages_join_to_the_whole_over_symbols(desk):
    desk.advance(to="2024-01-09T22:00:00Z")
    query = {"timeframe": "1Hour", "start": "2024-01-08", "end": "2024-01-09"}
    whole = desk.get("/v2/stocks/bars", symbols="NVDA", **query).json()
    assert whole["next_page_token"] is None
    found, token = [], None
    while True:
        page = desk.get("/v2/stocks/bars", symbols="NVDA", limit=4, page_token=token, **query).json()
        found += page["bars"].get(NVDA, [])
        token = page["next_page_token"]
        if token is None:
            break
        assert len(page["bars"][NVDA]) == 4
    assert found == whole["bars"][NVDA]
    newest = desk.get("/v2/stocks/bars", symbols="NVDA", limit=1, sort="desc", **query).json()
    assert newest["bars"][NVDA] == found[-1:]


def test_latest_bar_quote_and_trade_stand_at_the_last_close(desk):
    desk.advance(steps=2)
    client = desk.crypto()
    bar = client.get_crypto_latest_bar(CryptoLatestBarRequest(symbol_or_symbols=BTC))[BTC]
    assert (bar.timestamp, bar.close) == (MONDAY + hours(2), 40_030)
    quote = client.get_crypto_latest_quote(CryptoLatestQuoteRequest(symbol_or_symbols=BTC))[BTC]
    assert quote.bid_price < 40_030 < quote.ask_price
    assert quote.timestamp == MONDAY + hours(3)
    trade = client.get_crypto_latest_trade(CryptoLatestTradeRequest(symbol_or_symbols=BTC))[BTC]
    assert (trade.price, trade.timestamp) == (40_030, MONDAY + hours(3))


def test_snapshots_show_this_day_and_the_one_before(desk):
    desk.advance(to="2024-01-09T15:30:00Z")
    snapshot = desk.stocks().get_stock_snapshot(StockSnapshotRequest(symbol_or_symbols=NVDA))[NVDA]
    assert snapshot.latest_trade.price == 508
    assert (snapshot.daily_bar.open, snapshot.previous_daily_bar.close) == (507, 507)
    pair = desk.crypto().get_crypto_snapshot(CryptoSnapshotRequest(symbol_or_symbols=BTC))[BTC]
    assert pair.previous_daily_bar.open == 40_000


def test_a_stock_without_bars_yet_has_no_data(desk):
    latest = desk.stocks().get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols=NVDA))
    assert latest == {}
    assert desk.get("/v2/stocks/bars", symbols="NVDA", timeframe="1Hour").json()["bars"] == {}


@pytest.mark.parametrize(
    ("path", "query", "words"),
    [
        ("/v2/stocks/bars", {"symbols": "ZZZZ", "timeframe": "1Hour"}, ["invalid symbol", "ZZZZ"]),
        ("/v2/stocks/bars", {"symbols": BTC, "timeframe": "1Hour"}, ["invalid symbol", BTC]),
        ("/v2/stocks/bars", {"symbols": NVDA, "timeframe": "7Weeks"}, ["timeframe '7Weeks'", "1Min"]),
        ("/v2/stocks/bars", {"symbols": NVDA, "timeframe": "1Min"}, ["1Min", "1h"]),
        ("/v2/stocks/bars", {"symbols": NVDA}, ["timeframe is required"]),
        ("/v2/stocks/bars", {"timeframe": "1Hour"}, ["symbols"]),
        (
            "/v2/stocks/bars",
            {"symbols": NVDA, "timeframe": "1Hour", "start": "soon"},
            ["start 'soon'", "RFC 3339"],
        ),
        ("/v2/stocks/bars", {"symbols": NVDA, "timeframe": "1Hour", "limit": 0}, ["limit", "greater than"]),
        ("/v2/stocks/bars", {"symbols": NVDA, "timeframe": "1Hour", "page_token": "x"}, ["page_token 'x'"]),
        (
            "/v2/stocks/trades",
            {"symbols": NVDA, "start": "2024-02-01", "end": "2024-01-01"},
            ["before start"],
        ),
    ],
)
def test_wrong_queries_are_refused_with_the_field_and_what_is_allowed(desk, path, query, words):
    desk.advance(to="2024-01-08T22:00:00Z")
    answer = desk.get(path, **query)
    body = answer.json()
    # The data API has a message and no code.
    assert (answer.status_code, list(body)) == (400, ["message"])
    for word in words:
        assert word in body["message"]


def test_data_needs_credentials(desk):
    desk.secret = "wrong"
    with pytest.raises(APIError) as caught:
        desk.stocks().get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols=NVDA))
    assert caught.value.status_code == 401
    assert "forbidden" in str(caught.value)
