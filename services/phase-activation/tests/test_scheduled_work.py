"""The scheduled tasks: what they write, and that running them again writes nothing else."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ratchet.common.db import Capability, Database
from ratchet.core.assets import Registry
from ratchet.phase_activation import tasks
from ratchet.phase_activation.rollup import Rollup
from ratchet.phase_activation.worker import Worker, WorkerSettings

pytestmark = pytest.mark.integration
AT = datetime(2025, 1, 2, 12, tzinfo=UTC)
SIGNAL = "6f1c0f0e-52b5-5d0c-9a61-0d0b6f9f7c12"


@pytest.fixture
def ledger(db: Database) -> Database:
    """A coin bought on a signal of two strategies, and sold a day later at a profit."""
    db.execute(
        "INSERT INTO signals (id, ts, universe, symbol, asset_class, direction, confidence, price, votes) "
        "VALUES (%s, %s, 'crypto', 'BTC/USDT', 'crypto', 1, 0.9, 100, %s)",
        (SIGNAL, AT, {"momentum": 0.75, "breakout": 0.25, "mean_reversion": -0.5}),
    )
    for number, (side, intent, price) in enumerate((("buy", "entry", 100), ("sell", "exit", 110))):
        ts = AT + timedelta(days=number)
        db.execute(
            "INSERT INTO orders (client_order_id, portfolio, symbol, asset_class, side, type, time_in_force, "
            "qty, status, intent, signal_id, created_ts, updated_ts) VALUES (%s, 'main', 'BTC/USDT', "
            "'crypto', %s, 'market', 'gtc', 1, 'filled', %s, %s, %s, %s)",
            (f"o{number}", side, intent, SIGNAL if number == 0 else "", ts, ts),
        )
        db.execute(
            "INSERT INTO fills (execution_id, client_order_id, portfolio, symbol, asset_class, side, qty, "
            "price, fee, ts) VALUES (%s, %s, 'main', 'BTC/USDT', 'crypto', %s, 1, %s, 1, %s)",
            (f"e{number}", f"o{number}", side, price, ts + timedelta(hours=1)),
        )
    return db


def test_performance_is_summed_up_by_asset_and_by_the_strategies_behind_the_entry(
    ledger: Database, registry: Registry
) -> None:
    assert Rollup(ledger, registry, "main").run() == 7
    assets = ledger.query("SELECT day, pnl, fees, trades, wins FROM asset_performance ORDER BY day")
    assert assets == [
        (date(2025, 1, 2), Decimal(-1), Decimal(1), 0, 0),
        (date(2025, 1, 3), Decimal(9), Decimal(1), 1, 1),
    ]
    strategies = ledger.query(
        "SELECT strategy, sum(signals), sum(trades), sum(pnl) FROM strategy_performance GROUP BY 1 ORDER BY 1"
    )
    assert strategies == [
        ("breakout", 1, 1, Decimal("2.00")),
        ("mean_reversion", 1, 0, Decimal(0)),
        ("momentum", 1, 1, Decimal("6.00")),
    ]


def test_without_new_fills_nothing_is_summed_up_again(ledger: Database, registry: Registry) -> None:
    rollup = Rollup(ledger, registry, "main")
    assert rollup.run() > 0
    assert rollup.run() == 0
    before = ledger.query("SELECT * FROM strategy_performance ORDER BY day, strategy")
    ledger.execute("UPDATE asset_performance SET updated_at = 'epoch'")
    assert rollup.run() > 0
    after = ledger.query("SELECT * FROM strategy_performance ORDER BY day, strategy")
    assert [row[:8] for row in after] == [row[:8] for row in before]


@pytest.fixture
def worker(db: Database, redis_url: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("RATCHET_DATABASE_URL", db.url)
    monkeypatch.setenv("RATCHET_REDIS_URL", redis_url)
    monkeypatch.setenv("RATCHET_MODELS_DIR", str(tmp_path / "models"))
    own = Worker(WorkerSettings())
    monkeypatch.setattr(tasks, "worker", lambda: own)
    yield own
    own.db.close()
    own.bus.close()


def test_a_task_does_not_run_beside_another_run_of_itself(worker: Worker) -> None:
    with worker.alone("roll_up") as alone:
        assert alone
        assert tasks.roll_up() == "another run is under way"
    assert tasks.roll_up() == "0 rows"


def test_phases_are_caught_up_as_the_service_would(
    worker: Worker, db: Database, add_day: Callable[[int, int], tuple[date, int]]
) -> None:
    for number in range(3):
        add_day(number, 100)
    assert tasks.evaluate_phases() == "0 changes"
    measured = db.query("SELECT count(*) FROM phase_requirements WHERE name = 'profitable_days'")
    assert measured[0][0] >= 1
    assert tasks.evaluate_phases() == "0 changes"


def test_retention_removes_only_what_is_old(worker: Worker, db: Database) -> None:
    for days in (1, 400):
        db.execute(
            "INSERT INTO quotes (symbol, ts, asset_class, bid, bid_size, ask, ask_size) "
            "VALUES ('NVDA', now() - %s * interval '1 day', 'stock', 1, 1, 1, 1)",
            (days,),
        )
    if db.capability() is Capability.TIMESCALE:
        assert tasks.apply_retention() == "the database has policies"
        policies = (
            "SELECT hypertable_name FROM timescaledb_information.jobs WHERE proc_name = 'policy_retention'"
        )
        assert ("quotes",) in db.query(policies)
        return
    assert "quotes: 1" in tasks.apply_retention()
    assert db.query("SELECT count(*) FROM quotes") == [(1,)]
    assert tasks.apply_retention() == "nothing to remove"


def test_nothing_is_trained_unless_configured(worker: Worker) -> None:
    assert "no universe is configured" in tasks.retrain()


def test_too_few_bars_make_a_failed_run_that_says_so(
    worker: Worker, db: Database, add_day: Callable[[int, int], tuple[date, int]]
) -> None:
    for number in range(3):
        add_day(number, 1)
    worker.settings = worker.settings.model_copy(update={"retrain_universes": "crypto"})
    assert "too few" in tasks.retrain()
    assert db.query("SELECT universe, status FROM training_runs") == [("crypto", "failed")]


def test_the_task_queue_never_shares_the_streams_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATCHET_REDIS_URL", "redis://:pw@host:6379/3")
    assert WorkerSettings().broker_url() == "redis://:pw@host:6379/4"
    monkeypatch.setenv("RATCHET_CELERY_URL", "redis://other/0")
    assert WorkerSettings().broker_url() == "redis://other/0"


def test_tasks_are_acknowledged_late_and_every_scheduled_one_exists() -> None:
    from ratchet.phase_activation.celery_app import app

    app.loader.import_default_modules()
    assert app.conf.task_acks_late
    assert app.conf.worker_prefetch_multiplier == 1
    assert {entry["task"] for entry in app.conf.beat_schedule.values()} <= set(app.tasks)
    assert app.conf.broker_transport_options["visibility_timeout"] > app.conf.task_time_limit
