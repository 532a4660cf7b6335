"""Gates, floors and hysteresis of the default-like plan, day by day."""

import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.core.assets import Asset, AssetClass, Registry
from ratchet.core.performance import TOTAL, DailyPerformance
from ratchet.core.phases import (
    ClassDay,
    DayFigures,
    PerformanceHistory,
    PhaseChangeError,
    PhaseEngine,
    PhaseRecord,
    PhasesConfig,
    PhaseStatus,
    day_of,
    working_phases,
)

ACTIVE, REDUCE_ONLY, LOCKED = PhaseStatus.ACTIVE, PhaseStatus.REDUCE_ONLY, PhaseStatus.LOCKED
CRYPTO, STOCK = AssetClass.CRYPTO, AssetClass.STOCK
START = date(2024, 1, 1)
ALL = frozenset(range(7))


def plan(floor_days=10, **changes):
    gate = [
        {"requirement": "profitable_days", "threshold": 5, "asset_classes": ["crypto"]},
        {"requirement": "sharpe", "threshold": 1.0, "window_days": 10},
        {"requirement": "max_drawdown", "threshold": 0.15, "window_days": 10},
        {"requirement": "win_rate", "threshold": 0.5},
        {"requirement": "equity", "threshold": 3000},
        {"requirement": "data_source", "threshold": 1},
    ]
    floor = [{"requirement": "max_drawdown", "threshold": 0.05, "window_days": floor_days}]
    fields = {
        "breach_days": 2,
        "recovery_days": 3,
        "lock_after_days": 6,
        "cooldown_days": 8,
        "phases": [
            {"phase": 0, "name": "crypto", "asset_classes": ["crypto"], "symbols": ["BTC/USDT"]},
            {"phase": 1, "name": "stocks", "asset_classes": ["stock"], "gate": gate, "floor": floor},
            {
                "phase": 2,
                "name": "forex",
                "asset_classes": ["forex"],
                "gate": [{"requirement": "previous_gate_days", "threshold": 4}],
            },
        ],
    }
    return PhasesConfig(**(fields | changes))


def figures(n, crypto=0.0, stock=0.0, equity=100_000.0, wins=1, losses=0):
    return DayFigures(
        START + timedelta(days=n),
        equity,
        equity + crypto + stock,
        {CRYPTO: ClassDay(crypto, wins, losses), STOCK: ClassDay(stock)},
    )


class Run:
    """Feeds days to the engine and keeps the records, as a service would."""

    def __init__(self, config=None, working=ALL, auto=True):
        self.engine = PhaseEngine(config or plan())
        self.history, self.records = PerformanceHistory(), self.engine.initial()
        self.working, self.auto, self.n, self.changes = working, auto, 0, []

    def feed(self, days, crypto=(300.0, 500.0), stock=0.0, **changes):
        for _ in range(days):
            self.history.append(figures(self.n, crypto[self.n % 2], stock, **changes))
            day = START + timedelta(days=self.n)
            self.last = self.engine.step(day, self.history, self.records, self.working, auto=self.auto)
            self.records = self.last.records
            self.changes += self.last.changes
            self.n += 1
        return self

    @property
    def statuses(self):
        return [record.status for record in self.records]


def requirement(run, phase, name):
    return next(item for item in run.last.readiness[phase].requirements if item.name == name)


def test_phase_zero_is_active_from_the_start():
    assert Run().statuses == [ACTIVE, LOCKED, LOCKED]


def test_a_gate_opens_on_the_day_its_last_requirement_is_met():
    run = Run().feed(9)
    assert run.statuses == [ACTIVE, LOCKED, LOCKED]
    assert not requirement(run, 1, "sharpe").met
    assert requirement(run, 1, "sharpe").detail == "9 of 10 days"
    run.feed(1)
    assert run.statuses == [ACTIVE, ACTIVE, LOCKED]
    change = run.changes[0]
    assert (change.day, change.phase, change.to_status) == (START + timedelta(days=9), 1, ACTIVE)
    assert all(item.met for item in change.requirements)
    assert requirement(run, 1, "profitable_days").current == 10


def test_the_next_phase_waits_for_the_gate_of_the_one_before_to_hold():
    run = Run().feed(13)
    assert run.statuses[2] is LOCKED
    run.feed(1)
    assert requirement(run, 2, "previous_gate_days").current == 3
    run.feed(1)
    assert run.statuses == [ACTIVE, ACTIVE, ACTIVE]


@pytest.mark.parametrize(
    ("name", "run"),
    [
        ("profitable_days", lambda: Run().feed(12, crypto=(-100.0, -50.0), stock=400.0)),
        ("sharpe", lambda: Run().feed(12, crypto=(500.0, -480.0))),
        ("max_drawdown", lambda: Run().feed(6, crypto=(-9_000.0, -9_000.0)).feed(2, crypto=(40_000.0,) * 2)),
        ("win_rate", lambda: Run().feed(12, losses=1)),
        ("equity", lambda: Run().feed(12, crypto=(3.0, 5.0), equity=2_000.0)),
        ("data_source", lambda: Run(working=frozenset({0, 2})).feed(12)),
    ],
)
def test_each_requirement_holds_the_gate_shut(name, run):
    ran = run()
    assert ran.statuses[1] is LOCKED
    assert not requirement(ran, 1, name).met


def test_without_auto_a_phase_is_ready_but_not_activated_and_can_be_by_hand():
    run = Run(auto=False).feed(12)
    assert run.last.readiness[1].ready
    assert run.statuses[1] is LOCKED
    day = START + timedelta(days=12)
    records, change = run.engine.activate(1, day, run.last.readiness, run.records, reason="operator")
    assert [r.status for r in records] == [ACTIVE, ACTIVE, LOCKED]
    assert change.reason == "operator"


def test_changes_by_hand_are_refused_with_the_reason():
    run = Run(auto=False).feed(3)
    day = START + timedelta(days=3)
    with pytest.raises(PhaseChangeError, match="sharpe"):
        run.engine.activate(1, day, run.last.readiness, run.records, reason="x")
    with pytest.raises(PhaseChangeError, match="phase 1 active first"):
        run.engine.activate(2, day, run.last.readiness, run.records, reason="x", force=True)
    with pytest.raises(PhaseChangeError, match="is no demotion"):
        run.engine.deactivate(1, day, run.records, reason="x")
    with pytest.raises(PhaseChangeError, match="not one of 0 to 2"):
        run.engine.deactivate(9, day, run.records, reason="x")
    records, _ = run.engine.activate(1, day, run.last.readiness, run.records, reason="x", force=True)
    records, change = run.engine.deactivate(1, day, records, reason="x")
    assert records[1].status is REDUCE_ONLY
    assert change.from_status is ACTIVE


def test_a_breach_must_last_then_the_phase_and_its_followers_are_reduced():
    run = Run().feed(15)
    assert run.statuses == [ACTIVE] * 3
    run.feed(1, stock=-6_000.0)
    assert run.statuses == [ACTIVE] * 3
    run.feed(1)
    assert run.statuses == [ACTIVE, REDUCE_ONLY, REDUCE_ONLY]
    by_phase = {change.phase: change for change in run.changes[-2:]}
    assert "max_drawdown" in by_phase[1].reason
    assert by_phase[2].reason == "phase 1 is not active"


def test_a_short_breach_is_forgiven():
    run = Run(plan(floor_days=2, breach_days=3)).feed(15).feed(1, stock=-6_000.0).feed(1)
    assert run.records[1].breach_days == 2
    run.feed(2)
    assert run.records[1].breach_days == 0
    assert run.statuses == [ACTIVE] * 3


def test_reduce_only_is_locked_in_the_end_and_stays_so_for_the_cooldown():
    run = Run().feed(15).feed(1, stock=-6_000.0).feed(1)
    assert run.statuses[1] is REDUCE_ONLY
    run.feed(6)
    assert run.statuses[1] is LOCKED
    locked_on = run.n
    run.feed(7)
    assert run.last.readiness[1].ready
    assert run.statuses[1] is LOCKED
    run.feed(1)
    assert run.statuses[1] is ACTIVE
    assert run.n - locked_on == 8


def test_a_reduced_phase_recovers_when_its_gate_is_met_for_long_enough():
    run = Run(plan(lock_after_days=30)).feed(15).feed(1, stock=-6_000.0).feed(1)
    run.feed(30)
    assert run.statuses == [ACTIVE, ACTIVE, ACTIVE]
    recovered = [c for c in run.changes if c.from_status is REDUCE_ONLY]
    assert all(c.to_status is ACTIVE for c in recovered)
    assert "gate met again" in recovered[0].reason


def test_the_same_day_twice_changes_nothing():
    run = Run().feed(10)
    day = START + timedelta(days=9)
    again = run.engine.step(day, run.history, run.records, ALL, auto=True)
    assert again.changes == ()
    assert again.records == run.records


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(-9_000, 9_000), st.floats(-9_000, 9_000), st.booleans(), st.booleans()),
        max_size=60,
    )
)
def test_phases_never_skip_and_only_open_when_earned(days):
    engine, history = PhaseEngine(plan()), PerformanceHistory()
    records = engine.initial()
    last_change = {}
    for n, (crypto, stock, works, won) in enumerate(days):
        history.append(figures(n, crypto, stock, wins=int(won), losses=int(not won)))
        day = START + timedelta(days=n)
        before = records
        outcome = engine.step(day, history, before, ALL if works else frozenset({0}), auto=True)
        records = outcome.records
        assert engine.step(day, history, records, ALL, auto=True).changes == ()
        assert tuple(PhaseRecord.from_json(json.loads(json.dumps(r.to_json()))) for r in records) == records
        statuses = [record.status for record in records]
        assert statuses == sorted(statuses, key=lambda status: status is not ACTIVE)
        for change in outcome.changes:
            assert change.from_status is before[change.phase].status
            assert (change.from_status, change.to_status) != (ACTIVE, LOCKED)
            if change.to_status is ACTIVE:
                assert outcome.readiness[change.phase].ready
                assert before[change.phase - 1].status is ACTIVE
                assert n - last_change.get(change.phase, -99) >= engine.config.recovery_days
            last_change[change.phase] = n


def test_quiet_days_count_as_days_without_profit():
    history = PerformanceHistory([figures(0, 100.0), figures(4, 100.0, equity=100_100.0)])
    assert len(history) == 5
    assert history.profitable_days(()) == 2
    assert history.returns((), 10).tolist() == pytest.approx([0.001, 0, 0, 0, 100 / 100_100])
    with pytest.raises(ValueError, match="not later"):
        history.append(figures(4))


def test_figures_come_from_the_portfolio_rows():
    def row(name, pnl, trades, wins):
        return DailyPerformance(
            "2024-03-01", name, Decimal(pnl), 0.0, Decimal(1_010), Decimal(1_000), trades, wins
        )

    day = DayFigures.of([row(TOTAL, 10, 3, 2), row("crypto", 15, 2, 2), row("stock", -5, 1, 0)])
    assert day.day == date(2024, 3, 1)
    assert day.profit(()) == 10
    assert day.profit((CRYPTO,)) == 15
    assert day.trades((STOCK,)) == (0, 1)
    assert day.trades(()) == (2, 1)
    with pytest.raises(ValueError, match="total"):
        DayFigures.of([row("crypto", 1, 1, 1)])


def test_a_data_source_works_when_some_asset_of_the_phase_had_a_bar_lately():
    def asset(i, phase):
        one = Decimal(1)
        return Asset(i, f"A{i}", CRYPTO, phase, "alpaca", "crypto", "24/7", one, one, one, 0.1, 0.1)

    registry = Registry([asset(0, 0), asset(1, 1), asset(2, 1), asset(3, 2)])
    day, ns = date(2024, 3, 10), 86_400_000_000_000
    end = ((day - date(1970, 1, 1)).days + 1) * ns
    last = np.array([end - 1, 0, end - 7 * ns, end - 7 * ns - 1], dtype=np.int64)
    assert working_phases(registry, last, day, 7) == {0, 1}
    assert day_of(end - 1) == day
    assert day_of(end) == date(2024, 3, 11)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"requirement": "luck", "threshold": 1}, "'luck' is not one of"),
        ({"requirement": "sharpe", "threshold": 1}, "'sharpe' needs window_days"),
    ],
)
def test_a_bad_plan_is_named(item, message):
    with pytest.raises(ValueError, match=message):
        PhasesConfig(phases=[{"phase": 0, "name": "x", "asset_classes": ["crypto"], "gate": [item]}])
    with pytest.raises(ValueError, match="in order"):
        PhasesConfig(phases=[{"phase": 1, "name": "x", "asset_classes": ["crypto"]}])


def test_the_shipped_plan_has_the_seven_phases():
    path = next(
        p / "config/phases.yaml" for p in Path(__file__).parents if (p / "config/phases.yaml").exists()
    )
    config = PhasesConfig(**yaml.safe_load(path.read_text())["phases"])
    assert [p.name for p in config.phases] == [
        "crypto", "stocks", "leveraged_etfs", "forex_majors", "emerging_forex", "commodities", "speculative",
    ]  # fmt: skip
    assert config.phase_of("USD/TRY", AssetClass.FOREX) == 4
    assert config.phase_of("EUR/USD", AssetClass.FOREX) == 3
    assert config.phase_of("AAPL", AssetClass.STOCK) == 1
    assert PhasesConfig(phases=config.phases[:1]).phase_of("AAPL", AssetClass.STOCK) is None
