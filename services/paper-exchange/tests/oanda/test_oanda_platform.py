"""The forex venue inside the platform: matched with each step, durable before it is announced."""

import threading
import time
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from ratchet.common.bus import Bus
from ratchet.common.codec import encode_bars
from ratchet.common.db import Database
from ratchet.common.errors import ConfigError
from ratchet.common.leases import AdvisoryLeaderLock
from ratchet.common.streams import WATERMARK, bars_stream
from ratchet.core.fx import FxOrderRequest, FxTimeInForce, OrderKind
from ratchet.core.market import BarBatch, Step
from ratchet.paper_exchange.auth import Credentials
from ratchet.paper_exchange.bars.sql import SqlHistory
from ratchet.paper_exchange.consumer import BarConsumer
from ratchet.paper_exchange.oanda.setup import platform_venue
from ratchet.paper_exchange.settings import PaperSettings
from ratchet.paper_exchange.store import Store
from ratchet.paper_exchange.venue import PaperVenue
from ratchet.v1.control_pb2 import Watermark

HOUR = 3_600_000_000_000
START = 1_735_840_800_000_000_000  # Thursday, 2025-01-02, 18:00 UTC
DEADLINE_S = 30


def bars(seq: int, asset_id: int) -> BarBatch:
    price, ts = 29.0 + seq / 10, START + seq * HOUR
    columns = [np.array([value]) for value in (price, price + 0.05, price - 0.05, price + 0.01, 1_000.0)]
    ids, step = np.array([asset_id], dtype=np.uint32), Step(seq, ("commodity",))
    return BarBatch("commodity", "1h", ts, ids, *columns, step=step, start=ts - HOUR)


@pytest.fixture
def platform(paper_market: Any) -> Any:
    whole = paper_market.platform
    return SimpleNamespace(venues=("alpaca", "oanda"), registry=whole.registry, oanda=whole.oanda)


@pytest.fixture
def lives(paper_market: Any, platform: Any, postgres_url: str, redis_url: str) -> Any:
    """Start the service's parts on one database and one pair of streams, as often as asked."""
    name, made = f"main-{uuid4()}", []
    registry = platform.registry
    settings = PaperSettings(oanda_token="token", oanda_account=name, mode="replay")

    def start() -> SimpleNamespace:
        db, bus = Database(postgres_url), Bus(redis_url)
        leader = AdvisoryLeaderLock(db, f"paper:{name}", "1")
        assert leader.try_acquire()

        def history(clock: Any) -> SqlHistory:
            return SqlHistory(db, registry, clock)

        config = paper_market.platform.exchange
        store = Store(db, name, registry, leader)
        venue = PaperVenue(registry, config, name, Credentials("k", "s"), store, history)
        oanda = platform_venue(settings, platform, db, leader, history)
        consumer = BarConsumer(bus, venue, ["commodity"], "1", oanda)
        place = venue.reload(consumer.last_announced())
        oanda.start(place.step_seq, place.clock)
        oanda.open()
        made.append(
            SimpleNamespace(db=db, bus=bus, leader=leader, venue=venue, oanda=oanda, consumer=consumer)
        )
        return made[-1]

    yield start
    for life in made:
        life.leader.release()
        life.bus.close()
        life.db.close()


def work_until(life: Any, seq: int) -> list[Watermark]:
    stop = threading.Event()
    thread = threading.Thread(target=life.consumer.run, args=(stop,))
    thread.start()
    over = time.monotonic() + DEADLINE_S
    try:
        while time.monotonic() < over:
            found = [entry.parse(Watermark) for entry in life.bus.tail(WATERMARK, "0", block_ms=50)]
            if found and found[-1].seq >= seq:
                return found
    finally:
        stop.set()
        thread.join(10)
    raise AssertionError(f"no watermark of step {seq}")


def test_the_watermark_covers_both_venues_and_a_restart_matches_nothing_twice(
    lives: Any, platform: Any
) -> None:
    silver = platform.registry.by_symbol("XAG/USD").id
    life = lives()
    # Funded before the first bar, so that execution finds its money.
    assert life.oanda.own.last_id == 2
    for seq in (1, 2):
        life.bus.publish(bars_stream("commodity"), encode_bars(bars(seq, silver)), ts=START)
    assert [dict(mark.venue_updates) for mark in work_until(life, 2)] == [{"oanda": 2}] * 2
    asked = FxOrderRequest(OrderKind.MARKET, "XAG_USD", Decimal(100), time_in_force=FxTimeInForce.FOK)
    life.oanda.own.change(lambda exchange, ts: exchange.submit(asked, ts))
    life.bus.publish(bars_stream("commodity"), encode_bars(bars(3, silver)), ts=START)
    # The order and its fill.
    assert work_until(life, 3)[-1].venue_updates["oanda"] == 4
    life.leader.release()
    again = lives()
    for seq in (3, 4, 5):
        again.bus.publish(bars_stream("commodity"), encode_bars(bars(seq, silver)), ts=START)
    # 17:00 in New York is 22:00 UTC, the end of the fourth bar: financing falls due, and is announced.
    mark = work_until(again, 5)[-1]
    assert mark.venue_updates["oanda"] == 5
    assert mark.activities_ts_ns == START + 4 * HOUR
    (held,) = again.oanda.own.store.query(
        "SELECT count(*) FROM paper.oanda_transactions WHERE account = %s AND type = 'ORDER_FILL'"
    )[0]
    assert held == 1


def test_a_token_is_needed_where_forex_is_traded(platform: Any) -> None:
    settings = PaperSettings(mode="replay")
    with pytest.raises(ConfigError, match="RATCHET_OANDA_TOKEN"):
        platform_venue(settings, platform, None, None, lambda _: None)  # type: ignore[arg-type]
    live = PaperSettings(mode="live")
    assert platform_venue(live, platform, None, None, lambda _: None) is None  # type: ignore[arg-type]
    own = PaperSettings(mode="replay", oanda_url="https://api-fxpractice.oanda.com", oanda_token="t")
    assert platform_venue(own, platform, None, None, lambda _: None) is None  # type: ignore[arg-type]
