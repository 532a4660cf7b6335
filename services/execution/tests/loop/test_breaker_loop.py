"""Circuit breakers in the order path: kept with the orders, told by operators, and there after a crash."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ratchet.common.daily_closes import read_daily_closes
from ratchet.execution.books.reconcile import Report
from ratchet.execution.ledger.effects import Effects
from ratchet.execution.ledger.queries import data_quality, earnings
from ratchet.execution.loops.watch import observe, rearm

pytestmark = pytest.mark.integration


def drift(engine: Any) -> None:
    engine.session.breakers.observe("reconciliation_drift", 0.5, engine.ts)
    engine.commit(Effects(engine.seq, engine.ts, breakers=engine.session.breakers.take_changes()))


def approved_entries(world: Any) -> int:
    return world.db.query("SELECT count(*) FROM risk_decisions WHERE approved AND intent = 'entry'")[0][0]


def test_a_tripped_breaker_outlives_a_crash_until_an_operator_arms_it(world: Any) -> None:
    world.run(10)
    world.commands.call(drift, 10)
    before = approved_entries(world)
    world.kill()
    world.start()
    world.run(40)
    assert approved_entries(world) == before
    reasons = world.db.query("SELECT DISTINCT unnest(reasons) FROM risk_decisions WHERE NOT approved")
    assert ("BREAKER_TRIPPED",) in reasons
    world.commands.call(lambda engine: rearm(engine, "reconciliation_drift", "anna", "found it"), 10)
    world.run(40)
    assert approved_entries(world) > before
    assert world.db.query("SELECT breaker, event, actor, reason FROM risk_breakers ORDER BY id") == [
        ("reconciliation_drift", "trip", "", ""),
        ("reconciliation_drift", "rearm", "anna", "found it"),
    ]


def test_a_breaker_that_cools_down_is_not_armed_and_that_is_audited(world: Any) -> None:
    world.run(3)
    world.commands.call(drift, 10)
    world.commands.call(lambda engine: rearm(engine, "reconciliation_drift", "anna", "now"), 10)
    world.run(1)
    assert world.engine.effective_state == "reduce_only"
    ((action, detail),) = world.db.query("SELECT action, detail FROM audit_log WHERE actor = 'anna'")
    assert action == "breaker.rearm_refused"
    assert "cools down" in detail["refused"]


def test_live_figures_reach_the_breakers(world: Any) -> None:
    world.run(3)
    world.db.execute(
        "INSERT INTO data_quality (universe, timeframe, ts, score, bars, quarantined) VALUES "
        "('crypto', '1h', now() - interval '2 hours', 0.1, 1, 1), ('crypto', '1h', now(), 0.4, 1, 1), "
        "('stock', '1h', now(), 0.9, 1, 0), ('old', '1h', now() - interval '2 days', 0.0, 1, 1)"
    )
    assert data_quality(world.db) == 0.4
    fine = Report(0.0, True)
    world.commands.call(lambda engine: observe(engine, fine), 10)
    assert world.db.query("SELECT breaker, event FROM risk_breakers") == [("data_quality", "trip")]
    far = replace(fine, lasting_drift=world.engine.session.portfolio.equity)
    world.commands.call(lambda engine: observe(engine, far), 10)
    assert world.db.query("SELECT breaker, value FROM risk_breakers ORDER BY id")[1] == (
        "reconciliation_drift",
        1.0,
    )


def test_daily_closes_are_kept_for_the_next_process(world: Any) -> None:
    world.run(60)
    ids = list(range(len(world.registry)))
    mine = world.commands.call(lambda engine: engine.session.inputs.returns(ids), 10)
    assert len(mine[0]) == 2
    with world.db.transaction() as cursor:
        stored = read_daily_closes(cursor, "main", 61)
    assert [sorted(day) for day in stored][-1] == sorted(world.registry[i].symbol for i in mine)
    world.kill()
    world.start()
    world.run(1)
    again = world.commands.call(lambda engine: engine.session.inputs.returns(ids), 10)
    for asset_id in ids:
        np.testing.assert_array_equal(again[asset_id], mine[asset_id])


def test_earnings_come_from_the_calendar(world: Any) -> None:
    symbol = world.registry[2].symbol
    world.db.execute(
        "INSERT INTO economic_calendar (ts, country, name, symbols) VALUES "
        "('2025-01-04T21:00Z', 'US', 'earnings', %s), ('2020-01-01T00:00Z', 'US', 'earnings', %s)",
        ([symbol, "UNKNOWN"], [symbol]),
    )
    with world.db.transaction() as cursor:
        found = earnings(cursor, world.registry, 1_700_000_000_000_000_000)
    assert found == {2: (1_736_024_400_000_000_000,)}
