"""Migrations: complete, repeatable, safe side by side, and unforgiving of edited history."""

import threading
from pathlib import Path

import psycopg2
import pytest

from ratchet.common import migrate as migrations
from ratchet.common.db import Capability, Database
from ratchet.common.errors import MigrationError
from ratchet.common.settings import Settings

TABLES = {
    "asset_registry", "asset_class_config", "data_source_registry", "phase_activation_log", "phase_states",
    "phase_requirements", "economic_calendar", "bars", "bar_quarantine", "data_quality", "quotes", "trades",
    "option_quotes", "leading_indicators", "social_sentiment", "options_flow", "signals", "risk_decisions",
    "predictions", "portfolio_snapshots", "orders", "order_events", "fills", "positions", "cash_ledger",
    "trading_state", "outbox", "audit_log", "execution_state", "portfolio_leadership", "asset_performance",
    "strategy_performance", "daily_performance", "correlation_matrix", "phase_readiness", "model_registry",
    "training_runs", "signal_checkpoints", "bars_1h", "bars_1d",
}  # fmt: skip
BARS = (
    "INSERT INTO bars (symbol, timeframe, asset_class, ts, event_ts, open, high, low, close, volume) "
    "VALUES ('BTC/USDT', '30m', 'crypto', %s, now(), %s, %s, %s, %s, %s)"
)


@pytest.fixture
def empty_database(postgres_admin_url, request):
    name = "ratchet_empty_" + str(abs(hash(request.node.nodeid)))
    connection = psycopg2.connect(postgres_admin_url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    db = Database(postgres_admin_url.rsplit("/", 1)[0] + "/" + name)
    yield db
    db.close()
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
    connection.close()


def test_every_table_of_the_design_exists_under_its_name(postgres_url):
    rows = Database(postgres_url).query(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = 'public' AND c.relkind IN ('r', 'v', 'm', 'p')"
    )
    assert {name for (name,) in rows} >= TABLES


def test_price_and_trade_tables_name_the_asset_class(postgres_url):
    rows = Database(postgres_url).query(
        "SELECT table_name FROM information_schema.columns "
        "WHERE column_name = 'asset_class' AND table_schema = 'public'"
    )
    assert {name for (name,) in rows} >= {
        "bars", "quotes", "trades", "option_quotes", "social_sentiment", "options_flow", "signals",
        "risk_decisions", "predictions", "orders", "fills", "positions",
    }  # fmt: skip


def test_a_second_run_applies_nothing(empty_database):
    assert migrations.migrate(empty_database)
    assert migrations.migrate(empty_database) == []
    assert migrations.pending(empty_database, Settings().migrations_dir) == []


def test_parallel_runs_apply_each_migration_once(empty_database):
    applied: list[list[str]] = []

    def run():
        applied.append(migrations.migrate(empty_database))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = sorted(name for run_names in applied for name in run_names)
    assert len(applied) == 3
    assert names == sorted(set(names))


def test_pending_lists_what_is_missing(empty_database):
    missing = migrations.pending(empty_database, Settings().migrations_dir)
    assert missing[0] == "0001_registry"


def test_an_edited_migration_is_refused(empty_database, tmp_path: Path):
    file = tmp_path / "0001_first.sql"
    file.write_text("CREATE TABLE a (x integer);")
    migrations.migrate(empty_database, tmp_path)
    file.write_text("CREATE TABLE a (x bigint);")
    with pytest.raises(MigrationError, match="0001_first was changed"):
        migrations.migrate(empty_database, tmp_path)


def test_a_failing_migration_leaves_nothing_behind_and_is_named(empty_database, tmp_path: Path):
    (tmp_path / "0001_first.sql").write_text("CREATE TABLE a (x integer); SELECT wrong;")
    with pytest.raises(MigrationError, match='0001_first: column "wrong" does not exist'):
        migrations.migrate(empty_database, tmp_path)
    assert empty_database.query("SELECT to_regclass('a')") == [(None,)]


def test_autocommit_statements_run_one_by_one(empty_database, tmp_path: Path):
    (tmp_path / "0001_index.sql").write_text(
        "-- ratchet: autocommit\nCREATE TABLE IF NOT EXISTS a (x integer);\n\n"
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS a_x ON a (x);\n\n"
        "DO $$\nBEGIN\n    PERFORM 1;\nEND $$;\n"
    )
    assert migrations.migrate(empty_database, tmp_path) == ["0001_index"]
    assert empty_database.query("SELECT to_regclass('a_x')") == [("a_x",)]


@pytest.mark.parametrize("name", ["1_short.sql", "0001_Upper.sql", "0001_x.oracle.sql"])
def test_a_wrong_file_name_is_refused(tmp_path: Path, name):
    (tmp_path / name).write_text("SELECT 1;")
    with pytest.raises(MigrationError, match=name):
        migrations.load_migrations(tmp_path)


def test_a_folder_without_migrations_is_refused(tmp_path: Path):
    with pytest.raises(MigrationError, match="RATCHET_MIGRATIONS_DIR"):
        migrations.load_migrations(tmp_path)


def test_rollups_give_open_high_low_close_of_the_bucket(postgres_url):
    db = Database(postgres_url)
    with db.transaction() as cursor:
        cursor.execute(BARS, ("2024-03-01 10:00+00", 10, 14, 9, 11, 5))
        cursor.execute(BARS, ("2024-03-01 10:30+00", 11, 12, 7, 8, 6))
        cursor.execute(BARS, ("2024-03-01 11:00+00", 8, 20, 8, 19, 1))
    hourly = db.query("SELECT open, high, low, close, volume, bars FROM bars_1h ORDER BY bucket")
    daily = db.query("SELECT open, high, low, close, volume, bars FROM bars_1d ORDER BY bucket")
    assert hourly == [(10, 14, 7, 8, 11, 2), (8, 20, 8, 19, 1, 1)]
    assert daily == [(10, 20, 7, 19, 12, 3)]


def test_retention_removes_what_is_older_than_its_policy(postgres_url):
    db = Database(postgres_url)
    quote = "INSERT INTO quotes VALUES ('BTC/USDT', %s, 'crypto', '', 1, 1, 2, 1)"
    with db.transaction() as cursor:
        cursor.execute(quote, ("2024-01-01 00:00+00",))
        cursor.execute(quote, ("2024-06-01 00:00+00",))
    removed = dict(db.query("SELECT * FROM apply_retention('2024-06-02 00:00+00')"))
    assert removed["quotes"] >= 1
    assert [str(ts.date()) for (ts,) in db.query("SELECT ts FROM quotes")] == ["2024-06-01"]


def test_readiness_view_lists_each_requirement(postgres_url):
    db = Database(postgres_url)
    with db.transaction() as cursor:
        cursor.execute(
            "INSERT INTO phase_states (phase, name, status, since) VALUES (1, 'stocks', 'locked', now())"
        )
        cursor.execute(
            "INSERT INTO phase_requirements (phase, name, threshold, current, met, evaluated_ts) VALUES "
            "(1, 'sharpe', 1.5, 1.8, true, now()), (1, 'profitable_days', 30, 12, false, now())"
        )
    rows = db.query("SELECT ready, requirements_total, requirements_met, requirements FROM phase_readiness")
    ready, total, met, requirements = rows[0]
    assert (ready, total, met) == (False, 2, 1)
    assert {item["name"]: item["met"] for item in requirements} == {"sharpe": True, "profitable_days": False}


def test_time_tables_are_hypertables_where_the_extension_is(postgres_url):
    db = Database(postgres_url)
    if db.capability() is Capability.NONE:
        assert db.query("SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'") == [(0,)]
        return
    rows = db.query("SELECT hypertable_name FROM timescaledb_information.hypertables")
    assert {name for (name,) in rows} >= {
        "bars",
        "quotes",
        "signals",
        "risk_decisions",
        "portfolio_snapshots",
    }
