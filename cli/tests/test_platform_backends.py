"""Servers and databases of runs, and what is read from them."""

import os
import signal
from decimal import Decimal

import psycopg2
import pytest
import redis

from ratchet.cli.errors import CommandError
from ratchet.cli.home import Home
from ratchet.cli.platform import runs
from ratchet.cli.platform.backends import Backends
from ratchet.cli.platform.collect import collect
from ratchet.cli.platform.progress import STATUS_KEY, ProgressReader
from ratchet.common import streams
from ratchet.common.db import Database
from ratchet.v1.control_pb2 import Watermark
from ratchet.v1.orders_pb2 import PortfolioSnapshot, Position

pytestmark = pytest.mark.integration


def databases(url):
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database ORDER BY 1")
        names = [name for (name,) in cursor.fetchall()]
    connection.close()
    return names


def test_embedded_servers_come_back_on_the_same_port(tmp_path, monkeypatch):
    monkeypatch.delenv("RATCHET_DATABASE_URL", raising=False)
    monkeypatch.delenv("RATCHET_REDIS_URL", raising=False)
    events = []
    backends = Backends(Home(tmp_path), "replay", events.append)
    backends.start()
    try:
        before = backends.embedded, backends.server_url, backends.redis_url
        for server in backends._servers.values():
            os.kill(server.pid, signal.SIGKILL)
        while any(backends.restarts.get(name, 0) < 1 for name in ("postgresql", "valkey")):
            backends._check_at = 0.0
            backends.tick()
        assert (backends.embedded, backends.server_url, backends.redis_url) == before
        assert "postgres" in databases(backends.server_url)
        assert redis.Redis.from_url(backends.redis_url).ping()
    finally:
        backends.stop()
    assert [event.text for event in events][-2:] == ["stopped", "stopped"]


def test_external_servers_are_used_as_given(tmp_path, monkeypatch):
    monkeypatch.setenv("RATCHET_DATABASE_URL", "postgresql://u:p@db:5432/given?sslmode=require")
    monkeypatch.setenv("RATCHET_REDIS_URL", "redis://cache:6379/3")
    backends = Backends(Home(tmp_path), "replay", lambda _: None)
    backends.start()
    assert backends.embedded == {}
    assert backends.database_url("other") == "postgresql://u:p@db:5432/other?sslmode=require"
    assert backends.redis_url == "redis://cache:6379/3"
    backends.stop()


def test_old_replays_are_dropped_but_not_those_in_use(postgres_admin_url):
    names = [f"{runs.PREFIX}2020010{day}_000000_000000" for day in range(1, 6)]
    for name in names:
        runs.create_database(postgres_admin_url, name)
    runs.create_database(postgres_admin_url, names[0])
    oldest = psycopg2.connect(postgres_admin_url.rsplit("/", 1)[0] + "/" + names[0])
    try:
        dropped = runs.drop_old(postgres_admin_url, keep=2)
    finally:
        oldest.close()
    assert sorted(dropped) == names[1:3]
    left = [name for name in databases(postgres_admin_url) if name.startswith(runs.PREFIX)]
    assert left == [names[0], names[3], names[4]]
    runs.drop_old(postgres_admin_url, keep=0)


def test_only_our_keys_are_cleared(redis_url):
    client = redis.Redis.from_url(redis_url)
    client.mset({"ratchet:signals": "1", "ratchet:md:bars:crypto": "2", "somebody:else": "3"})
    assert runs.clear_streams(redis_url) == 2
    assert client.keys() == [b"somebody:else"]
    client.close()


def test_servers_that_are_away_are_named():
    with pytest.raises(CommandError, match="RATCHET_DATABASE_URL"):
        runs.create_database("postgresql://nobody@127.0.0.1:1/none", "x")
    with pytest.raises(CommandError, match="RATCHET_REDIS_URL"):
        runs.clear_streams("redis://127.0.0.1:1/0")


ORDER = """
INSERT INTO orders (client_order_id, portfolio, symbol, asset_class, side, type, time_in_force, qty, status,
    intent, created_ts, updated_ts)
VALUES (%s, 'main', 'BTC/USDT', 'crypto', 'buy', 'market', 'gtc', 0.5, 'filled', 'entry', %s, now())
"""
FILL = """
INSERT INTO fills (execution_id, client_order_id, portfolio, symbol, asset_class, side, qty, price,
    realized_pnl, ts)
VALUES (%s, %s, 'main', 'BTC/USDT', 'crypto', 'buy', 0.5, 30000.25, 0, %s)
"""
DECISION = """
INSERT INTO risk_decisions (proposal_id, ts, portfolio, symbol, asset_class, side, intent, approved, qty,
    price, reasons)
VALUES (%s, %s, 'main', 'NVDA', 'stock', 'buy', 'entry', false, 0, 1, %s)
"""
AT = "2024-01-02T03:00:00+00"


@pytest.fixture
def ledger(create_database):
    database = Database(create_database())
    with database.transaction() as cursor:
        for number in (1, 2):
            cursor.execute(ORDER, (f"order-{number}", AT))
            cursor.execute(FILL, (f"fill-{number}", f"order-{number}", AT))
        cursor.execute(DECISION, ("p1", AT, ["PHASE_LOCKED", "CONFIDENCE_TOO_LOW"]))
        cursor.execute(DECISION, ("p2", AT, ["PHASE_LOCKED"]))
        cursor.execute(
            "INSERT INTO cash_ledger (portfolio, ts, kind, amount, balance, reference) "
            "VALUES ('main', %s, 'deposit', 100000, 100000, 'start')",
            (AT,),
        )
        cursor.execute(
            "INSERT INTO cash_ledger (portfolio, ts, kind, amount, balance, reference) "
            "VALUES ('main', %s, 'trade', -30000.25, 69999.75, 'fill-1')",
            (AT,),
        )
        cursor.execute(
            "INSERT INTO positions (portfolio, symbol, asset_class, qty, avg_entry_price, updated_ts) "
            "VALUES ('main', 'BTC/USDT', 'crypto', 1, 30000.25, %s)",
            (AT,),
        )
        for hour, close in ((1, 29000.0), (2, 30100.75)):
            cursor.execute(
                "INSERT INTO bars VALUES ('BTC/USDT', '1h', %s, %s, 'crypto', 1, 1, 1, %s, 1)",
                (f"2024-01-02T0{hour}:00:00+00", f"2024-01-02T0{hour + 1}:00:00+00", close),
            )
        cursor.execute(
            "INSERT INTO phase_activation_log (event_id, ts, phase, from_status, to_status, actor, reason) "
            "VALUES ('e', %s, 0, 'locked', 'active', 'system', 'gate')",
            (AT,),
        )
        cursor.execute(
            "INSERT INTO phase_states (phase, name, status, since) VALUES (0, 'crypto', 'active', %s)", (AT,)
        )
        cursor.execute(
            "INSERT INTO asset_class_config (asset_class, phase) VALUES ('crypto', 0)",
        )
        cursor.execute(
            "INSERT INTO asset_registry (symbol, asset_id, asset_class, phase, venue, universe, calendar, "
            "price_increment, qty_increment, min_notional, max_position_ratio, stop_loss_ratio) "
            "VALUES ('BTC/USDT', 3, 'crypto', 0, 'alpaca', 'crypto', '24/7', 0.01, 0.0001, 1, 0.1, 0.08)"
        )
    yield database
    database.close()


def test_the_summary_is_collected_from_the_ledger(ledger):
    summary = collect(ledger, "main", 1.5, {"mode": "cluster"})
    assert (summary.orders, summary.fills, summary.rejections) == (2, 2, 2)
    assert (summary.equity_start, summary.equity_end) == (Decimal(100000), Decimal("100100.5"))
    assert summary.details["rejections"] == {"PHASE_LOCKED": 2}
    assert summary.bars == 2
    assert summary.phases[0]["status"] == "active"
    assert summary.phases[0]["changes"] == [{"day": "2024-01-02", "status": "active"}]
    assert summary.details["classes"]["crypto"]["fills"] == 2
    assert collect(ledger, "main", 9.9, {}).orders_digest == summary.orders_digest
    ledger.execute("UPDATE fills SET price = 30000.26 WHERE execution_id = 'fill-2'")
    assert collect(ledger, "main", 1.5, {}).orders_digest != summary.orders_digest


def test_progress_is_read_from_streams_and_ledger(ledger, redis_url):
    client = redis.Redis.from_url(redis_url)
    reader = ProgressReader(redis_url, ledger.url, "main")
    first = reader.read()
    assert (first.state, first.seq, first.error) == ("starting", 0, "")
    client.hset(STATUS_KEY, mapping={"state": "running", "seq": 20, "total": 100, "ts": 5})
    mark = Watermark(service="execution", seq=21, ts_ns=6)
    client.xadd(streams.WATERMARK, {"p": mark.SerializeToString()})
    position = Position(asset_id=3, qty="0.5", avg_entry_price="30000", mark=31000.0)
    snapshot = PortfolioSnapshot(equity="95000", cash="80000", peak_equity=100000.0, positions=[position])
    client.xadd(streams.PORTFOLIO, {"p": snapshot.SerializeToString()})
    ledger.execute("INSERT INTO trading_state (portfolio, state) VALUES ('main', 'halted')")
    client.xgroup_create(streams.PORTFOLIO, "risk", "0")
    seen = reader.read()
    assert (seen.seq, seen.total, seen.ts, seen.executed_seq) == (21, 100, 6, 21)
    assert (seen.equity, seen.drawdown, seen.trading_state) == (95000.0, pytest.approx(0.05), "halted")
    assert [(held.symbol, held.unrealized) for held in seen.holdings] == [("BTC/USDT", 500.0)]
    assert (seen.orders, seen.fills, seen.rejections, seen.lag) == (2, 2, 2, 1)
    assert not seen.finished
    client.hset(STATUS_KEY, "state", "done")
    assert reader.read().finished
    ledger.execute("INSERT INTO outbox (event_id, stream, ts, payload) VALUES ('e', 's', now(), '')")
    assert not reader.read().finished
    reader.close()
    client.close()


def test_what_was_seen_last_is_kept_while_a_server_is_away(ledger, redis_url):
    client = redis.Redis.from_url(redis_url)
    client.hset(STATUS_KEY, mapping={"state": "running", "seq": 20, "total": 100, "ts": 5})
    reader = ProgressReader(redis_url, ledger.url, "main")
    assert reader.read().seq == 20
    reader._database_url = "postgresql://nobody@127.0.0.1:1/none"
    reader._disconnect()
    away = reader.read()
    assert "refused" in away.error
    assert away.seq == 20
    assert not away.finished
    reader.close()
    client.close()
