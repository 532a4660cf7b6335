"""Inside the platform: bars from the streams, watermarks after the commit, and no step twice."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests

from ratchet.common.bus import Bus
from ratchet.common.codec import encode_bars
from ratchet.common.db import Database
from ratchet.common.embedded import free_port
from ratchet.common.errors import CommitUnknownError, DatabaseUnavailableError, FencedError
from ratchet.common.leases import AdvisoryLeaderLock
from ratchet.common.streams import DEAD, WATERMARK, bars_stream
from ratchet.common.timestamps import to_datetime
from ratchet.core.exchange import OrderRequest
from ratchet.core.market import BarBatch
from ratchet.core.orders import OrderType, Side, TimeInForce
from ratchet.paper_exchange.auth import Credentials
from ratchet.paper_exchange.bars.sql import SqlHistory
from ratchet.paper_exchange.consumer import BarConsumer, OtherRunError
from ratchet.paper_exchange.store import Store
from ratchet.paper_exchange.venue import PaperVenue
from ratchet.v1.control_pb2 import Watermark

BTC, NVDA = "BTC/USDT", "NVDA"
DEADLINE_S = 60
Steps = list[tuple[BarBatch, ...]]


@pytest.fixture
def steps(paper_market: Any) -> Steps:
    return list(paper_market.replay)


@pytest.fixture
def database(postgres_url: str, paper_market: Any) -> Iterator[Database]:
    """A database whose bars market-data has stored ahead of the clock."""
    db = Database(postgres_url)
    columns, registry = paper_market.replay.columns, paper_market.platform.registry
    bars = zip(
        columns.assets.tolist(),
        columns.starts.tolist(),
        columns.ends.tolist(),
        columns.prices.T.tolist(),
        strict=True,
    )
    rows = [
        (asset.symbol, "1h", to_datetime(start), to_datetime(end), asset.asset_class.value, *prices)
        for asset, start, end, prices in ((registry[number], *rest) for number, *rest in bars)
    ]
    names = ["symbol", "timeframe", "ts", "event_ts", "asset_class", "open", "high", "low", "close", "volume"]
    with db.transaction() as cursor:
        cursor.execute("TRUNCATE bars")
        db.copy(cursor, "bars", names, rows)
    yield db
    db.close()


@pytest.fixture
def bus(redis_url: str) -> Iterator[Bus]:
    found = Bus(redis_url)
    yield found
    found.close()


@dataclass
class Life:
    """One life of the service, from start to crash."""

    venue: PaperVenue
    consumer: BarConsumer
    leader: AdvisoryLeaderLock
    bus: Bus

    def work_until(self, seq: int) -> None:
        """Consume until the step is announced, then fall dead."""
        stop = threading.Event()
        thread = threading.Thread(target=self.consumer.run, args=(stop,))
        thread.start()
        try:
            await_mark(self.bus, seq)
        finally:
            stop.set()
            thread.join(10)

    def end(self) -> None:
        self.leader.release()


@pytest.fixture
def born(paper_market: Any, database: Database, redis_url: str) -> Iterator[Callable[[], Life]]:
    """Return a function that starts the service anew on the same database and streams."""
    account, lives = f"main-{uuid4()}", []
    registry, config = paper_market.platform.registry, paper_market.platform.exchange

    def start() -> Life:
        leader = AdvisoryLeaderLock(database, f"paper:{account}", "1")
        assert leader.try_acquire()
        store = Store(database, account, registry, leader)
        bus = Bus(redis_url)
        venue = PaperVenue(
            registry,
            config,
            account,
            Credentials("k", "s"),
            store,
            lambda clock: SqlHistory(database, registry, clock),
        )
        consumer = BarConsumer(bus, venue, registry.universes, "1")
        venue.reload(consumer.last_announced())
        lives.append(Life(venue, consumer, leader, bus))
        return lives[-1]

    yield start
    for life in lives:
        life.end()
        life.bus.close()


def publish(bus: Bus, batches: tuple[BarBatch, ...]) -> None:
    bus.publish_many([(bars_stream(batch.universe), encode_bars(batch), batch.ts) for batch in batches])


def marks(bus: Bus) -> list[Watermark]:
    return [entry.parse(Watermark) for entry in bus.tail(WATERMARK, "0")]


def await_mark(bus: Bus, seq: int) -> Watermark:
    last, over = "0", time.monotonic() + DEADLINE_S
    while time.monotonic() < over:
        for entry in bus.tail(WATERMARK, last, block_ms=200):
            last = entry.entry_id
            mark = entry.parse(Watermark)
            if mark.seq >= seq:
                return mark
    raise AssertionError(f"no watermark of step {seq}")


def request(symbol_id: int, **fields: Any) -> OrderRequest:
    plain: dict[str, Any] = {
        "client_order_id": str(uuid4()),
        "asset_id": symbol_id,
        "side": Side.BUY,
        "qty": Decimal("0.1"),
        "time_in_force": TimeInForce.GTC,
    }
    return OrderRequest(**plain | fields)


def test_each_step_is_announced_once_with_the_updates_so_far(born, bus, steps, paper_market):
    life = born()
    pair = paper_market.platform.registry.by_symbol(BTC).id
    for batches in steps[:3]:
        publish(bus, batches)
    life.work_until(3)
    order = life.venue.submit(request(pair))
    for batches in steps[3:20]:
        publish(bus, batches)
    life.work_until(20)
    assert [(mark.service, mark.seq) for mark in marks(bus)] == [
        ("paper-exchange", seq + 1) for seq in range(20)
    ]
    assert [mark.trade_updates for mark in marks(bus)] == [0] * 3 + [2] * 17
    assert [mark.ts_ns for mark in marks(bus)] == [batches[0].ts for batches in steps[:20]]
    filled = life.venue.order(order.id)
    assert filled is not None
    assert filled.filled_ts == steps[3][0].ts
    assert bus.lag(bars_stream("crypto"), "paper-exchange") == 0


def test_steps_that_change_nothing_write_nothing(born, bus, steps, database):
    life = born()
    for batches in steps[:12]:
        publish(bus, batches)
    life.work_until(12)
    assert database.query(
        "SELECT step_seq FROM paper.accounts WHERE account = %s", (life.venue.account,)
    ) == [(1,)]
    assert life.venue.place.step_seq == 12


def test_a_restart_stands_where_the_last_watermark_told(born, bus, steps, paper_market):
    life = born()
    stock = paper_market.platform.registry.by_symbol(NVDA).id
    for batches in steps[:24]:
        publish(bus, batches)
    life.work_until(24)
    place, equity = life.venue.place, []
    life.end()
    other = born()
    assert other.venue.place == place
    # The marks are back: a market order needs one.
    order = other.venue.submit(request(stock, qty=Decimal(10), time_in_force=TimeInForce.DAY))
    assert order.created_ts == place.clock
    with other.venue.exchange() as exchange:
        equity.append(exchange.account().equity)
    assert equity == [Decimal(100_000)]


def test_a_step_that_was_committed_but_not_announced_is_only_announced(born, bus, steps, paper_market):
    life = born()
    pair = paper_market.platform.registry.by_symbol(BTC).id
    publish(bus, steps[0])
    life.work_until(1)
    order = life.venue.submit(request(pair, qty=Decimal("0.3")))
    publish(bus, steps[1])
    life.venue.step(steps[1], 2)
    before = life.venue.order(order.id)
    life.end()
    other = born()
    other.work_until(2)
    assert other.venue.order(order.id) == before
    assert [mark.trade_updates for mark in marks(bus)] == [0, 2]
    with other.venue.exchange() as exchange:
        assert exchange.position(pair).qty == Decimal("0.3") * Decimal("0.9975")


def test_further_accounts_follow_the_steps_and_the_restart(born, bus, steps, paper_market):
    life = born()
    pair = paper_market.platform.registry.by_symbol(BTC).id
    publish(bus, steps[0])
    life.work_until(1)
    second, key = life.venue.accounts.create("second", Decimal(5_000), {})
    orders = [venue.submit(request(pair, qty=Decimal("0.05"))) for venue in (life.venue, second)]
    for batches in steps[1:9]:
        publish(bus, batches)
    life.work_until(9)
    # The platform's watermarks count the trade updates of its own account only.
    assert [mark.trade_updates for mark in marks(bus)] == [0] + [2] * 8
    life.end()
    other = born()
    found = other.venue.accounts.find(key.key_id, key.secret)
    assert found is not None
    assert found.place == other.venue.place
    filled = [venue.order(order.id) for venue, order in zip((other.venue, found), orders, strict=True)]
    assert [order.filled_ts for order in filled] == [steps[1][0].ts] * 2
    with found.exchange() as exchange:
        assert exchange.position(pair).mark == Decimal("40090")
        assert exchange.account().cash < 3_000


def test_bars_that_are_no_bars_are_put_aside_and_stop_nothing(born, bus, steps):
    life = born()
    bus.publish(bars_stream("crypto"), b"\xff\xff", ts=1)
    publish(bus, steps[0])
    life.work_until(1)
    assert len(bus.tail(DEAD, "0")) == 1
    assert life.venue.place.step_seq == 1


def test_the_streams_of_another_run_are_refused(born, bus, steps):
    life = born()
    life.venue.step(steps[0], 1)
    life.venue.set_clock(steps[1][0].ts - 1)
    publish(bus, tuple(_renumbered(batch, 1) for batch in steps[3]))
    with pytest.raises(OtherRunError, match="another run"):
        life.consumer.run(threading.Event())


def test_live_bars_are_matched_once_though_they_come_twice(born, bus, steps, paper_market):
    life = born()
    pair = paper_market.platform.registry.by_symbol(BTC).id
    live = [tuple(_renumbered(batch, 0) for batch in batches) for batches in steps[:3]]
    life.venue.step(live[0], 0)
    far = request(pair, qty=Decimal(2), type=OrderType.LIMIT, limit_price=Decimal(30_000))
    life.venue.submit(far)
    market = life.venue.submit(request(pair))
    life.venue.step(live[1], 0)
    filled = life.venue.order(market.id)
    life.end()
    other = born()
    assert other.venue.step(live[1], 0) == []
    assert other.venue.order(market.id) == filled
    assert other.venue.place.clock == live[1][0].ts


def test_one_account_has_one_writer(born, steps):
    life = born()
    life.venue.step(steps[0], 1)
    life.end()
    other = born()
    with pytest.raises(FencedError):
        life.venue.set_clock(steps[1][0].ts)
    assert other.venue.place.step_seq == 1


def test_what_a_crash_of_the_database_took_is_forgotten_in_memory_too(born, steps, paper_market, database):
    """Commits of requests do not wait for the disk: a server that is killed may have lost the last ones."""
    life = born()
    pair = paper_market.platform.registry.by_symbol(BTC).id
    life.venue.step(steps[0], 1)
    far = {"type": OrderType.LIMIT, "limit_price": Decimal(30_000)}
    kept = life.venue.submit(request(pair, **far))
    place = life.venue.place
    lost = life.venue.submit(request(pair, **far))
    told = life.venue.place.trade_updates
    database.query(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_locks WHERE locktype = 'advisory' AND granted "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    with database.transaction() as cursor:
        cursor.execute("DELETE FROM paper.trade_updates WHERE order_id = %s", (lost.id,))
        cursor.execute("DELETE FROM paper.orders WHERE order_id = %s", (lost.id,))
        cursor.execute(
            "UPDATE paper.accounts SET trade_updates = %s WHERE account = %s",
            (place.trade_updates, life.venue.account),
        )
    assert life.venue.order(lost.id) is None
    assert life.venue.order(kept.id) == kept
    again = life.venue.submit(request(pair, client_order_id=lost.client_order_id, **far))
    assert again.client_order_id == lost.client_order_id
    # Its listeners have seen the numbers of the lost ones.
    assert life.venue.place.trade_updates == told + 1
    life.venue.cancel(kept.id)


def _renumbered(batch: BarBatch, seq: int) -> BarBatch:
    return replace(batch, step=replace(batch.step, seq=seq))


class ServiceProcess:
    """The service as the supervisor starts it."""

    def __init__(self, database: str, redis: str, dataset: Path) -> None:
        # Below the range from which systems choose, so that nobody takes it during the restarts.
        self.port = free_port(20_000 + os.getpid() % 10_000)
        self.environment = {
            **os.environ,
            "RATCHET_DATABASE_URL": database,
            "RATCHET_REDIS_URL": redis,
            "RATCHET_DATASET": str(dataset),
            "RATCHET_PAPER_PORT": str(self.port),
            "RATCHET_PORTFOLIO": "killed",
            "RATCHET_ALPACA_KEY": "PKTEST",
            "RATCHET_ALPACA_SECRET": "secret-of-the-test",
            "RATCHET_LOG_LEVEL": "warning",
        }
        self.process = self.start()

    def start(self) -> "subprocess.Popen[bytes]":
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ratchet.paper_exchange"], env=self.environment
        )
        return self.process

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Ask until there is an answer, as a client with patience does."""
        headers = {"APCA-API-KEY-ID": "PKTEST", "APCA-API-SECRET-KEY": "secret-of-the-test"}
        over = time.monotonic() + DEADLINE_S
        while True:
            try:
                url = f"http://127.0.0.1:{self.port}{path}"
                return requests.request(method, url, json=body, headers=headers, timeout=10).json()
            except requests.RequestException:
                assert time.monotonic() < over, "the service does not answer"
                threading.Event().wait(0.1)

    def end(self) -> None:
        self.process.kill()
        self.process.wait(20)


@pytest.fixture
def service(
    postgres_url: str, redis_url: str, database: Database, paper_dataset: Path
) -> Iterator[ServiceProcess]:
    found = ServiceProcess(postgres_url, redis_url, paper_dataset)
    yield found
    found.end()


def script(at: int) -> list[dict[str, Any]]:
    """Return the orders that are placed after a step: the same in both worlds."""
    pair = {"symbol": BTC, "side": "buy", "qty": "0.1", "type": "market", "time_in_force": "gtc"}
    if at % 7 == 3:
        return [pair | {"client_order_id": f"market-{at}"}]
    if at % 7 == 5:
        limit = f"{40_000 + 10 * at - 20}"
        return [pair | {"client_order_id": f"limit-{at}", "type": "limit", "limit_price": limit}]
    return []


@pytest.mark.integration
def test_killed_in_the_middle_it_trades_as_if_nothing_had_happened(service, bus, steps, desk):
    kills = {9, 10, 23}
    for batches in steps[:30]:
        seq = batches[0].step.seq
        publish(bus, batches)
        if seq in kills:
            service.end()
            service.start()
        await_mark(bus, seq)
        for body in script(seq):
            service.call("POST", "/v2/orders", body)
        if seq > 1:
            desk.advance(steps=1)
        for body in script(seq):
            assert desk.post("/v2/orders", body).status_code == 200
    for path in ("/v2/positions", "/v2/account/activities"):
        killed, undisturbed = service.call("GET", path), desk.get(path).json()
        assert len(killed) == len(undisturbed) > 0
        assert [_content(row) for row in killed] == [_content(row) for row in undisturbed]
    orders = service.call("GET", "/v2/orders?status=all&limit=500")
    assert [row["client_order_id"] for row in orders] == [
        row["client_order_id"] for row in desk.get("/v2/orders", status="all", limit=500).json()
    ]
    for field in ("cash", "equity", "last_equity"):
        assert service.call("GET", "/v2/account")[field] == desk.get("/v2/account").json()[field]


def _content(row: dict[str, Any]) -> dict[str, Any]:
    """Everything but the ids, which are those of the account."""
    return {field: value for field, value in row.items() if field not in ("id", "order_id", "group_id")}


def test_an_order_that_was_committed_without_an_answer_is_found_and_not_made_twice(born, steps, monkeypatch):
    life = born()
    life.venue.step(steps[0], 1)
    commit = life.venue.store.commit

    def commit_and_lose_the_answer(*arguments: Any, **options: Any) -> None:
        commit(*arguments, **options)
        raise CommitUnknownError("connection lost during COMMIT")

    monkeypatch.setattr(life.venue.store, "commit", commit_and_lose_the_answer)
    order = life.venue.submit(request(int(steps[0][0].asset_ids[0])))
    monkeypatch.undo()
    assert life.venue.order(order.id) == order
    assert life.venue.place.trade_updates == 1
    assert len(life.venue.step(steps[1], 2)) == 1


def test_a_commit_that_failed_leaves_no_trace(born, steps, monkeypatch):
    life = born()
    for number in (0, 1, 2):
        life.venue.step(steps[number], number + 1)
    place = life.venue.place

    def fail(*_: Any, **__: Any) -> None:
        raise DatabaseUnavailableError("gone")

    monkeypatch.setattr(life.venue.store, "commit", fail)
    order = request(int(steps[0][0].asset_ids[0]))
    with pytest.raises(DatabaseUnavailableError):
        life.venue.submit(order)
    monkeypatch.undo()
    # The steps that changed nothing are not forgotten either.
    with life.venue.exchange() as exchange:
        assert life.venue.place == place
        assert exchange.open_orders() == []
        assert exchange.account().buying_power == Decimal(400_000)
    assert life.venue.submit(order).client_order_id == order.client_order_id
