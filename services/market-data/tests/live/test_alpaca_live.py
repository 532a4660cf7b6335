"""Live bars from Alpaca's API as the paper exchange speaks it: nothing is missed, nothing comes twice."""

import socket
from datetime import timedelta

import pytest

from ratchet.common.timestamps import to_datetime, to_ns
from ratchet.market_data.adapters import alpaca
from ratchet.market_data.adapters.alpaca import alpaca_sources
from ratchet.market_data.app import setup
from ratchet.market_data.settings import LiveSettings
from ratchet.market_data.source import SourceRefusedError, SourceUnavailableError

MINUTE = timedelta(minutes=1)


def times(batches):
    return [to_datetime(batch.ts) for batch in batches]


def expected(exchange, before, steps):
    """Return the event times of the steps after a moment."""
    return [before + MINUTE * number for number in range(1, steps + 1)]


def test_history_is_stored_and_new_bars_are_published(
    exchange, start_feed, published, stored, eventually, db
):
    exchange.advance(5)
    before = exchange.clock
    running = start_feed()
    eventually(lambda: stored() > 1 and stored("NVDA") > 1)
    eventually(lambda: running.feed.trouble() is None)
    assert published() == published("stock") == []
    newest = db.query("SELECT max(event_ts) FROM bars WHERE symbol = 'BTC/USDT'")[0][0]
    assert newest == before
    exchange.advance(4)
    eventually(lambda: len(published()) == 4 and len(published("stock")) == 4)
    for universe in ("crypto", "stock"):
        batches = published(universe)
        assert times(batches) == expected(exchange, before, 4)
        assert {(batch.timeframe, batch.ts - batch.start, batch.step.seq) for batch in batches} == {
            ("1m", 60_000_000_000, 0)
        }
    last = published()[-1]
    assert last.asset_ids.tolist() == [0, 1]
    stored_rows = db.query(
        "SELECT open, high, low, close, volume FROM bars WHERE symbol = 'ETH/USDT' AND event_ts = %s",
        (before + 4 * MINUTE,),
    )
    assert stored_rows == [
        tuple(float(column[1]) for column in (last.open, last.high, last.low, last.close, last.volume))
    ]
    assert running.feed.progress()["crypto"] == (before + 4 * MINUTE).isoformat()


def test_a_lost_connection_is_told_and_the_gap_fetched_once(
    exchange, line, start_feed, published, stored, eventually
):
    before = exchange.clock
    running = start_feed()
    eventually(lambda: stored() and running.feed.trouble() is None)
    exchange.advance(2)
    eventually(lambda: len(published()) == 2)
    line.cut()
    eventually(lambda: "stream: " in (running.feed.trouble() or ""))
    exchange.advance(5)
    line.is_open = True
    eventually(lambda: len(published()) == 7 and len(published("stock")) == 7)
    eventually(lambda: running.feed.trouble() is None)
    exchange.advance(2)
    eventually(lambda: len(published()) == 9)
    assert times(published()) == expected(exchange, before, 9)
    assert times(published("stock"))[:7] == expected(exchange, before, 7)


def test_a_restart_publishes_what_was_missed_and_nothing_twice(
    exchange, start_feed, published, stored, eventually
):
    before = exchange.clock
    first = start_feed()
    eventually(lambda: stored() and first.feed.trouble() is None)
    exchange.advance(3)
    eventually(lambda: len(published()) == 3)
    first.stop()
    exchange.advance(4)
    second = start_feed()
    eventually(lambda: len(published()) == 7)
    exchange.advance(1)
    eventually(lambda: len(published()) == 8)
    second.stop()
    assert times(published()) == expected(exchange, before, 8)


def test_minutes_become_bars_of_the_decision_timeframe(
    exchange, start_feed, published, stored, eventually, db
):
    exchange.advance(5 - exchange.clock.minute % 5)
    before = exchange.clock
    running = start_feed(live_timeframe="5m")
    eventually(lambda: stored() and running.feed.trouble() is None)
    exchange.advance(11)
    eventually(lambda: len(published()) == 2)
    first, second = published()
    assert times([first, second]) == [before + 5 * MINUTE, before + 10 * MINUTE]
    assert first.ts == second.start
    eventually(lambda: len(published("stock")) == 2)
    rows = db.query("SELECT DISTINCT timeframe FROM bars")
    assert rows == [("5m",)]


def test_a_refused_key_is_a_visible_state(exchange, start_feed, live_settings, registry, eventually):
    running = start_feed(alpaca_secret="wrong")
    told = "crypto stream: auth failed; check RATCHET_ALPACA_KEY and RATCHET_ALPACA_SECRET"
    eventually(lambda: told in (running.feed.trouble() or ""))
    assert "wrong" not in running.feed.trouble()
    market, _ = alpaca_sources(registry, live_settings(alpaca_secret="wrong"))
    with pytest.raises(SourceRefusedError, match="check RATCHET_ALPACA_KEY"):
        market.newest()
    market.stop()


def test_the_service_is_not_ready_while_its_key_is_refused(exchange, line, start_service, eventually):
    service = start_service(
        "market-data",
        setup,
        environment={
            "RATCHET_ALPACA_KEY": "PKWRONG",
            "RATCHET_ALPACA_SECRET": "wrong-secret",
            "RATCHET_ALPACA_DATA_URL": exchange.url,
        },
        mode="live",
    )
    eventually(lambda: "auth failed" in (service.reasons().get("alpaca") or ""))
    assert service.ask("/admin/v1/progress")[0] == 200
    assert service.ask("/admin/v1/quarantine", role="")[0] == 401
    assert service.stop() == 0


def test_history_that_cannot_be_fetched_is_asked_for_again(
    exchange, line, start_feed, published, stored, eventually
):
    # REST goes through a line of its own, which is cut.
    from_rest = type(line)(int(exchange.url.rsplit(":", 1)[1]))
    from_rest.is_open = False
    try:
        running = start_feed(alpaca_data_url=f"http://127.0.0.1:{from_rest.port}")
        eventually(lambda: "data: ConnectionError" in (running.feed.trouble() or ""))
        assert stored() == 0
        from_rest.is_open = True
        eventually(lambda: stored() and running.feed.trouble() is None)
        running.stop()
    finally:
        from_rest.close()


def test_a_server_that_does_not_answer_is_given_up(registry, live_settings, monkeypatch):
    monkeypatch.setattr(alpaca, "_READ_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        market, _ = alpaca_sources(registry, live_settings(alpaca_data_url=url))
        with pytest.raises(SourceUnavailableError, match="crypto data: ReadTimeout"):
            market.newest()
        market.stop()


def test_only_assets_of_alpaca_are_asked_for(registry, live_settings):
    sources = alpaca_sources(registry, live_settings())
    assert [source.name for source in sources] == ["crypto", "stocks"]
    symbols = {asset.symbol for source in sources for asset in source.assets}
    assert {"BTC/USDT", "NVDA", "TQQQ"} <= symbols
    assert "GBP/JPY" not in symbols
    for source in sources:
        source.stop()


@pytest.mark.parametrize(("key", "secret", "name"), [("", "x", "KEY"), ("x", "", "SECRET")])
def test_live_data_needs_credentials(registry, live_settings, key, secret, name):
    with pytest.raises(SourceRefusedError, match=f"RATCHET_ALPACA_{name} is not set"):
        alpaca_sources(registry, live_settings(alpaca_key=key, alpaca_secret=secret))


@pytest.mark.parametrize(
    ("data_url", "given", "stream"),
    [
        ("https://data.alpaca.markets", "", "wss://stream.data.alpaca.markets"),
        ("https://data.sandbox.alpaca.markets/", "", "wss://stream.data.sandbox.alpaca.markets"),
        ("http://127.0.0.1:7100", "", "ws://127.0.0.1:7100"),
        ("http://127.0.0.1:7100", "ws://elsewhere:1/", "ws://elsewhere:1"),
    ],
)
def test_the_streams_address_follows_from_that_of_the_data(data_url, given, stream):
    assert LiveSettings(alpaca_data_url=data_url, alpaca_data_stream_url=given).data_stream_url == stream


@pytest.mark.parametrize("timeframe", ["30s", "1x", "90s"])
def test_a_wrong_timeframe_is_told_what_is_allowed(timeframe):
    with pytest.raises(ValueError, match="RATCHET_LIVE_TIMEFRAME"):
        LiveSettings(live_timeframe=timeframe)


def test_history_begins_at_the_time_that_is_asked_for(exchange, registry, live_settings):
    exchange.advance(6)
    market, _ = alpaca_sources(registry, live_settings())
    since = to_ns(exchange.clock - 3 * MINUTE)
    bars = market.history([registry.by_symbol("ETH/USDT")], since)
    assert [bar.start - since for bar in bars] == [0, 60_000_000_000, 120_000_000_000]
    assert market.newest() == bars[-1].start
    market.stop()
