"""Live bars are judged like any others: bad ones are kept aside, and nobody trades on them."""

import threading

import msgpack
import numpy as np
import pytest
from websockets.sync.server import serve

from ratchet.common import metrics
from ratchet.core.market import BarBatch
from ratchet.market_data.adapters.alpaca import VENUE
from ratchet.market_data.adapters.alpaca_stream import BarStream
from ratchet.market_data.publisher import LivePublisher
from ratchet.market_data.source import MinuteBar
from ratchet.market_data.store import BarStore

MINUTE = 60_000_000_000
NOON = 1_709_294_400_000_000_000


def batch(number, prices, lows=None):
    """A batch of as many pairs as there are prices, the number-th minute after noon."""
    close = np.array(prices, dtype=np.float64)
    low = close * 0.99 if lows is None else np.array(lows, dtype=np.float64)
    ids = np.arange(len(prices), dtype=np.uint32)
    ts = NOON + (number + 1) * MINUTE
    columns = (close, close * 1.01, low, close, np.ones(len(prices)))
    return BarBatch("crypto", "1m", ts, ids, *columns, start=ts - MINUTE)


@pytest.fixture
def make_publisher(make_bus, db, registry):
    def make(clock=lambda: 0.0):
        return LivePublisher(make_bus(), BarStore(db, registry, VENUE), registry, clock)

    return make


def test_a_bad_bar_is_kept_aside_and_the_rest_published(make_publisher, published, db):
    publisher = make_publisher()
    publisher.give_out([batch(0, [100.0, 50.0])])
    publisher.give_out([batch(1, [100.0, 50.0], lows=[99.0, 60.0]), batch(2, [-1.0, float("nan")])])
    assert [one.asset_ids.tolist() for one in published()] == [[0, 1], [0]]
    rows = db.query("SELECT symbol, reason, timeframe, source FROM bar_quarantine ORDER BY ts, symbol")
    assert rows == [
        ("ETH/USDT", "ohlc_inconsistent", "1m", "alpaca"),
        ("BTC/USDT", "non_positive_price", "1m", "alpaca"),
        ("ETH/USDT", "not_a_number", "1m", "alpaca"),
    ]
    assert db.query("SELECT count(*) FROM bars") == [(3,)]
    quality = db.query("SELECT score, bars, quarantined FROM data_quality ORDER BY ts")
    assert [row[1:] for row in quality] == [(2, 0), (1, 3)]
    assert quality[0][0] > quality[1][0]


def test_a_late_minute_is_kept_aside(make_publisher, db):
    publisher = make_publisher()
    publisher.refuse_late(MinuteBar(0, NOON, 1.0, 2.0, 0.5, 1.5, 3.0))
    publisher.give_out([batch(5, [100.0])])
    assert db.query("SELECT symbol, reason, close FROM bar_quarantine") == [("BTC/USDT", "out_of_order", 1.5)]


def test_a_restart_judges_as_if_there_had_been_none(make_publisher, registry, published, db):
    calm = [batch(number, [100.0 + 0.01 * (number % 3)]) for number in range(40)]
    make_publisher().give_out(calm)
    jump = batch(40, [148.0])
    # A validator that knows nothing of the calm before lets the jump pass.
    make_publisher().give_out([jump])
    assert published()[-1].ts == jump.ts
    db.execute("DELETE FROM bars WHERE event_ts = (SELECT max(event_ts) FROM bars)")
    restarted = make_publisher()
    assert restarted.resume([registry.by_symbol("BTC/USDT")], "1m") == jump.ts
    restarted.give_out([batch(41, [148.0])])
    assert db.query("SELECT reason FROM bar_quarantine") == [("spike",)]


def test_the_age_of_the_data_is_measured(make_publisher):
    publisher = make_publisher(clock=lambda: (NOON + MINUTE) / 1e9 + 7.5)
    publisher.give_out([batch(0, [100.0])])
    publisher.observe_age()
    assert metrics.DATA_AGE_SECONDS.labels("crypto")._value.get() == pytest.approx(7.5)


def test_a_stream_that_alpaca_ends_for_good_says_so(eventually):
    def refuse(connection):
        connection.send(msgpack.packb([{"T": "success", "msg": "connected"}]))
        connection.recv()
        connection.send(msgpack.packb([{"T": "error", "code": 409, "msg": "insufficient subscription"}]))

    with serve(refuse, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        stream = BarStream(crypto=True, url=url, key="k", secret="s", symbols=("BTC/USD",))
        stream.start(lambda _: None, lambda: None)
        eventually(lambda: stream.trouble == "the stream has ended: insufficient subscription")
        stream.stop()
        server.shutdown()
