"""Live bids and asks, from Alpaca's and OANDA's streams as the paper exchange speaks them, to Redis."""

import socket
import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from ratchet.common.codec import decode_quotes
from ratchet.common.errors import ConfigError
from ratchet.common.streams import PORTFOLIO, SIGNALS, max_length, quotes_stream
from ratchet.common.timestamps import to_datetime, to_ns
from ratchet.core.assets import AssetClass, Registry
from ratchet.market_data.adapters.alpaca import alpaca_quotes
from ratchet.market_data.adapters.ccxt_quotes import _best, _quote, ccxt_quotes
from ratchet.market_data.adapters.oanda_quotes import oanda_quotes
from ratchet.market_data.quotes.conflator import Conflator
from ratchet.market_data.quotes.feed import QuoteFeed
from ratchet.market_data.quotes.interest import Interest
from ratchet.market_data.quotes.source import Quote
from ratchet.v1.market_data_pb2 import QuoteBatch
from ratchet.v1.orders_pb2 import Order, PortfolioSnapshot, Position
from ratchet.v1.signals_pb2 import Signal, SignalBatch

MINUTE = timedelta(minutes=1)


@pytest.fixture
def quoted(bus):
    """Return the newest row of each asset in a universe's stream: (event time, bid, ask)."""

    def read(universe="crypto"):
        found = {}
        for entry in bus.tail(quotes_stream(universe), "0"):
            batch = decode_quotes(entry.parse(QuoteBatch))
            rows = zip(batch.event_times.tolist(), batch.bid.tolist(), batch.ask.tolist(), strict=True)
            found.update(zip(batch.asset_ids.tolist(), rows, strict=True))
        return found

    return read


@pytest.fixture
def start_quotes(make_bus, registry, live_settings, in_thread):
    """Start a feed of quotes over sources as the service does."""

    def start(sources, **changes):
        feed = QuoteFeed(make_bus(), registry, sources, live_settings(**changes))
        ends.append(threading.Event())
        in_thread(feed.run, ends[-1])
        return feed

    ends = []
    yield start
    for end in ends:
        end.set()


@pytest.fixture
def tell(bus, registry):
    """Publish what a portfolio holds and works, or what was signalled."""

    def publish(*, held=(), working=(), signalled=()):
        def ids(symbols):
            return [registry.by_symbol(symbol).id for symbol in symbols]

        if signalled:
            signals = [Signal(asset_id=i) for i in ids(signalled)]
            bus.publish(SIGNALS, SignalBatch(universe="stock", ts_ns=5, signals=signals), ts=5)
            return
        snapshot = PortfolioSnapshot(
            portfolio="main",
            positions=[Position(asset_id=i) for i in ids(held)],
            open_orders=[Order(asset_id=i) for i in ids(working)],
        )
        bus.publish(PORTFOLIO, snapshot, ts=5)

    return publish


@pytest.fixture
def start_alpaca(start_feed, start_quotes, live_settings, eventually):
    """Bars and quotes over the same connections."""

    def start(**changes):
        running = start_feed()
        feed = start_quotes(alpaca_quotes(running.sources), **changes)
        eventually(lambda: running.feed.trouble() is None)
        return running, feed

    return start


def moved(exchange, condition):
    """Move the exchange's clock, a few steps a second, until a condition holds.

    A subscription takes effect in its own time, and the dataset is short.
    """
    due = time.monotonic()

    def check():
        nonlocal due
        if condition():
            return True
        if time.monotonic() >= due:
            due = time.monotonic() + 0.3
            exchange.advance(1)
        return False

    return check


def test_quotes_of_every_asset_come_with_their_own_time(
    exchange, registry, start_alpaca, quoted, published, eventually
):
    start_alpaca()
    btc, nvda = registry.by_symbol("BTC/USDT").id, registry.by_symbol("NVDA").id
    eventually(moved(exchange, lambda: btc in quoted() and nvda in quoted("stock")))
    exchange.advance(1)
    now = exchange.clock
    eventually(lambda: quoted().get(btc, (0,))[0] == to_ns(now))
    for universe, asset_id in (("crypto", btc), ("stock", nvda)):
        ts, bid, ask = quoted(universe)[asset_id]
        assert to_datetime(ts) == now
        assert 0 < bid < ask
    eventually(lambda: published() and published()[-1].ts == to_ns(now))
    close = published()[-1].close[0]
    _, bid, ask = quoted()[btc]
    assert bid < close < ask


def test_what_is_held_worked_or_signalled_takes_the_room_there_is(
    exchange, registry, start_alpaca, quoted, tell, eventually
):
    ids = {symbol: registry.by_symbol(symbol).id for symbol in ("BTC/USDT", "ETH/USDT", "NVDA", "TQQQ")}
    start_alpaca(live_quote_symbols=1)
    eventually(moved(exchange, lambda: ids["BTC/USDT"] in quoted()))
    assert ids["ETH/USDT"] not in quoted()
    tell(working=["ETH/USDT"])
    eventually(moved(exchange, lambda: ids["ETH/USDT"] in quoted()))
    # Of the one that made room it is said that it is no longer quoted.
    eventually(lambda: quoted()[ids["BTC/USDT"]][1:] == (0.0, 0.0))
    before = quoted()[ids["BTC/USDT"]]
    exchange.advance(2)
    eventually(lambda: quoted()[ids["ETH/USDT"]][0] == to_ns(exchange.clock))
    assert quoted()[ids["BTC/USDT"]] == before
    tell(signalled=["NVDA"])
    eventually(moved(exchange, lambda: ids["NVDA"] in quoted("stock")))


def test_changing_the_quotes_fetches_no_bars_again(
    exchange, start_alpaca, tell, quoted, registry, published, eventually
):
    running, _ = start_alpaca(live_quote_symbols=1)
    eventually(lambda: all(market.fetch_at is None for market in running.feed._markets))
    fetched = []
    for source in running.sources:
        original = source.history
        source.history = lambda assets, since, ask=original: fetched.append(since) or ask(assets, since)
    tell(held=["ETH/USDT"])
    eventually(moved(exchange, lambda: registry.by_symbol("ETH/USDT").id in quoted()))
    count = len(published())
    exchange.advance(1)
    eventually(lambda: len(published()) == count + 1)
    assert fetched == []


def test_after_a_lost_connection_quotes_come_again(
    exchange, line, start_alpaca, registry, quoted, eventually
):
    btc = registry.by_symbol("BTC/USDT").id
    _, feed = start_alpaca()
    eventually(moved(exchange, lambda: btc in quoted()))
    line.cut()
    eventually(lambda: "connection" in (feed.trouble() or ""))
    line.is_open = True
    eventually(lambda: feed.trouble() is None)
    eventually(moved(exchange, lambda: quoted()[btc][0] == to_ns(exchange.clock)))


def test_quotes_that_are_refused_leave_the_bars_alone(
    small_exchange, registry, start_alpaca, quoted, published, eventually
):
    _, feed = start_alpaca()
    eventually(lambda: "symbol limit exceeded; lower RATCHET_LIVE_QUOTE_SYMBOLS" in (feed.trouble() or ""))
    eventually(moved(small_exchange, lambda: len(published()) >= 2))
    assert quoted() == {}


def test_forex_quotes_come_by_oandas_stream(
    forex_exchange, registry, start_quotes, live_settings, quoted, eventually
):
    settings = {
        "oanda_stream_url": forex_exchange.url,
        "oanda_token": "token-of-the-live-tests",
        "oanda_account": forex_exchange.oanda_account,
        "live_quote_interval_ms": 20,
    }
    [source] = oanda_quotes(registry, live_settings(**settings))
    feed = start_quotes([source], **settings)
    silver, pair = registry.by_symbol("XAG/USD").id, registry.by_symbol("GBP/JPY").id
    eventually(lambda: silver in quoted("commodity") and pair in quoted("forex"))
    forex_exchange.advance(3)
    eventually(lambda: quoted("commodity")[silver][0] == to_ns(forex_exchange.clock))
    _, bid, ask = quoted("commodity")[silver]
    assert 24 < bid < ask < 26
    # Without a price of the yen in dollars it cannot be traded now: nobody is there.
    assert quoted("forex")[pair][1:] == (0.0, 0.0)
    eventually(lambda: feed.trouble() is None)


def test_a_refused_token_is_told(forex_exchange, registry, start_quotes, live_settings, quoted, eventually):
    settings = {"oanda_stream_url": forex_exchange.url, "oanda_token": "wrong"}
    feed = start_quotes(oanda_quotes(registry, live_settings(**settings)), **settings)
    eventually(lambda: "OANDA answered 401" in (feed.trouble() or ""))
    assert "wrong" not in feed.trouble()


def test_without_a_token_there_are_no_forex_quotes(registry, live_settings):
    assert oanda_quotes(registry, live_settings(oanda_token="")) == []


def test_only_the_newest_is_told_however_many_come(registry):
    conflator = Conflator(registry)
    btc, nvda = registry.by_symbol("BTC/USDT").id, registry.by_symbol("NVDA").id
    for ts, bid in [(1, 10.0), (5, 12.0), (3, 11.0)]:
        conflator.put(Quote(btc, ts, bid, bid + 1))
    conflator.put(Quote(btc, 9, 20.0, 19.0))
    conflator.put(Quote(nvda, 4, 1.0, 2.0))
    crypto, stock = conflator.drain()
    assert (crypto.universe, crypto.asset_ids.tolist(), crypto.bid.tolist()) == ("crypto", [btc], [12.0])
    assert (crypto.ts, stock.ts, stock.universe) == (5, 4, "stock")
    assert conflator.drain() == []
    conflator.keep_only({nvda})
    conflator.keep_only({nvda})
    [gone] = conflator.drain()
    assert (gone.asset_ids.tolist(), gone.bid.tolist(), gone.ask.tolist()) == ([btc], [0.0], [0.0])
    assert conflator.newest() == {"crypto": 5, "stock": 4}


def test_the_room_goes_to_needs_first_then_to_the_newest_signals(registry):
    interest, assets = Interest(), list(registry)[:5]
    assert [asset.id for asset in interest.choose(assets, 2)] == [0, 1]
    interest.note_signals([3, 4], 10)
    interest.note_signals([4], 20)
    assert [asset.id for asset in interest.choose(assets, 1)] == [4]
    interest.note_portfolio("main", [2])
    interest.note_portfolio("other", [1])
    assert [asset.id for asset in interest.choose(assets, 3)] == [1, 2, 4]
    interest.note_portfolio("main", [])
    assert [asset.id for asset in interest.choose(assets, 2)] == [1, 4]
    assert interest.choose(assets, 0) == ()


def test_streams_of_quotes_are_bounded(bus):
    stream = quotes_stream("crypto")
    most = max_length(stream)
    for number in range(3 * most):
        bus.publish(stream, QuoteBatch(universe="crypto", ts_ns=number), ts=number)
    # Redis trims whole nodes of its tree: by default a hundred entries.
    assert bus.redis.xlen(stream) <= most + 100


def at_ccxt(registry):
    """The same pairs, traded at an exchange behind ccxt."""
    return Registry(
        replace(asset, id=number, venue="ccxt")
        for number, asset in enumerate(registry)
        if asset.asset_class is AssetClass.CRYPTO
    )


def test_an_exchange_behind_ccxt_is_asked_for_its_quotes(
    exchange, registry, make_bus, live_settings, in_thread, quoted, eventually
):
    pairs = at_ccxt(registry)
    keys = live_settings()
    settings = live_settings(
        ccxt_exchange="alpaca",
        ccxt_url=exchange.url,
        ccxt_poll_s=0.05,
        ccxt_key=keys.alpaca_key,
        ccxt_secret=keys.alpaca_secret,
    )
    [source] = ccxt_quotes(pairs, settings)
    feed = QuoteFeed(make_bus(), pairs, [source], settings)
    in_thread(feed.run)
    btc = pairs.by_symbol("BTC/USDT").id
    eventually(lambda: btc in quoted())
    exchange.advance(1)
    now = to_ns(exchange.clock)
    eventually(lambda: quoted()[btc][0] == now)
    _, bid, ask = quoted()[btc]
    assert 0 < bid < ask
    eventually(lambda: feed.trouble() is None)


def test_an_exchange_that_does_not_answer_is_told(registry, live_settings, eventually):
    pairs = at_ccxt(registry)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    settings = live_settings(ccxt_exchange="binance", ccxt_url=url, ccxt_poll_s=0.05)
    [source] = ccxt_quotes(pairs, settings)
    assert source.trouble() is None
    source.want(source.assets)
    source.start(lambda _: None)
    eventually(lambda: "ccxt-binance: " in (source.trouble() or "") and "asked" not in source.trouble())
    source.stop()


def test_the_exchange_must_be_one_of_ccxts(registry, live_settings):
    with pytest.raises(ConfigError, match="RATCHET_CCXT_EXCHANGE=nowhere is not one"):
        ccxt_quotes(at_ccxt(registry), live_settings(ccxt_exchange="nowhere"))
    assert ccxt_quotes(registry, live_settings(ccxt_exchange="binance")) == []
    assert ccxt_quotes(at_ccxt(registry), live_settings()) == []


def test_the_first_level_of_a_book_is_the_quote():
    """An exchange that lists no tickers: its order books are read, and an empty side is empty."""
    book = {"bids": [["10.5", "3", 1]], "asks": [], "timestamp": 7}
    assert _quote(0, _best(book)) == Quote(0, 7_000_000, 10.5, 0.0, 3.0, 0.0)
