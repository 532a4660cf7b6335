"""Circuit breakers: when they trip, how they are armed again, and that they forget nothing."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.core.risk.breakers import Breaker, BreakerBoard, BreakerConfig, BreakerName, BreakersConfig
from ratchet.core.risk.breakers.board import strictest
from ratchet.core.risk.breakers.breaker import RearmError

S = 1_000_000_000
DAY = 86_400 * S
T = 1_700_000_000 * S
CONFIG = BreakerConfig(trip=0.10, clear=0.05, cooldown_s=100)
MANUAL = CONFIG.model_copy(update={"rearm": "manual"})


def fed(config, *values, start=T, step=10):
    """Feed a value every `step` seconds; return the breaker and the events."""
    breaker, events = Breaker(BreakerName.LOSS), []
    for n, value in enumerate(values):
        breaker, change = breaker.update(config, value, start + n * step * S)
        if change:
            events.append((n, change.event))
    return breaker, events


def test_it_trips_at_its_limit_and_once():
    assert fed(CONFIG, 0.0999)[1] == []
    assert fed(CONFIG, 0.10, 0.2, 0.3)[1] == [(0, "trip")]


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_value_that_is_no_number_trips(value):
    assert fed(CONFIG, value)[1] == [(0, "trip")]


def test_it_arms_itself_after_the_cooldown_and_below_clear_only():
    calm_too_early = [0.10] + [0.0] * 9
    assert fed(CONFIG, *calm_too_early)[1] == [(0, "trip")]
    assert fed(CONFIG, *calm_too_early, 0.0)[1] == [(0, "trip"), (10, "rearm")]
    between = [0.10] + [0.05] * 20
    assert fed(CONFIG, *between)[1] == [(0, "trip")]
    assert fed(CONFIG, *between, 0.0499)[1] == [(0, "trip"), (21, "rearm")]


def test_a_manual_one_waits_for_an_operator_who_waits_for_the_cooldown():
    breaker, events = fed(MANUAL, 0.10, *[0.0] * 30)
    assert events == [(0, "trip")]
    early, _ = fed(MANUAL, 0.10)
    with pytest.raises(RearmError, match="cools down for another 60 s"):
        early.rearm(MANUAL, T + 40 * S, "anna", "seen")
    armed, change = breaker.rearm(MANUAL, T + 100 * S, "anna", "seen")
    assert not armed.is_tripped
    assert (change.event, change.actor, change.reason) == ("rearm", "anna", "seen")
    with pytest.raises(RearmError, match="not tripped"):
        armed.rearm(MANUAL, T + DAY, "anna", "again")


def test_armed_in_spite_of_its_value_it_trips_when_that_grows_by_the_hysteresis():
    breaker, _ = fed(MANUAL, 0.12)
    armed, _ = breaker.rearm(MANUAL, T + 100 * S, "anna", "seen")
    same, change = armed.update(MANUAL, 0.1699, T + 110 * S)
    assert change is None
    assert same.update(MANUAL, 0.17, T + 120 * S)[1].event == "trip"
    calm, _ = same.update(MANUAL, 0.04, T + 120 * S)
    assert calm.update(MANUAL, 0.10, T + 130 * S)[1].event == "trip"


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_rearm_at_no_number_does_not_deafen_it(value):
    armed, _ = fed(MANUAL, value)[0].rearm(MANUAL, T + DAY, "anna", "seen")
    assert armed.update(MANUAL, 0.10, T + DAY)[1].event == "trip"


@settings(max_examples=200)
@given(
    values=st.lists(st.floats(0, 0.3), max_size=60),
    rearm=st.sampled_from(["auto", "manual"]),
    cut=st.integers(0, 60),
)
def test_a_breaker_keeps_its_laws_across_a_restart(values, rearm, cut):
    config = CONFIG.model_copy(update={"rearm": rearm})
    breaker, tripped_at = Breaker(BreakerName.LOSS), None
    for n, value in enumerate(values):
        if n == cut:
            breaker = Breaker.from_json(json.loads(json.dumps(breaker.to_json())))
        ts = T + n * 10 * S
        breaker, change = breaker.update(config, value, ts)
        if change and change.event == "trip":
            assert value >= config.trip
            assert tripped_at is None
            tripped_at = ts
        elif change:
            assert rearm == "auto"
            assert ts - tripped_at >= 100 * S
            assert value < config.clear
            tripped_at = None
        assert breaker.is_tripped == (tripped_at is not None)
        assert breaker.is_tripped or value < config.trip


def board(**changes):
    return BreakerBoard(BreakersConfig(**changes))


def calm(a_board, ts, equity=100.0):
    a_board.evaluate(equity, 100.0, 100.0, ts)
    return [(c.name.value, c.event) for c in a_board.take_changes()]


@pytest.mark.parametrize(
    ("equity", "peak", "start", "tripped"),
    [
        (95.01, 100.0, 100.0, set()),
        (95.0, 100.0, 100.0, {"loss"}),
        (75.0, 100.0, 75.0, {"drawdown"}),
        (70.0, 100.0, 100.0, {"loss", "drawdown"}),
        (-5.0, 100.0, 100.0, {"loss", "drawdown"}),
        (0.0, 0.0, 0.0, set()),  # an account that was never funded
        (120.0, 120.0, 100.0, set()),
        (math.nan, 100.0, 100.0, {"loss", "drawdown"}),
    ],
)
def test_losses_trip(equity, peak, start, tripped):
    a_board = board()
    a_board.evaluate(equity, peak, start, T)
    assert {view.name for view in a_board.views() if view.tripped} == tripped


def test_the_strictest_action_holds():
    a_board = board()
    assert (a_board.trading_state, a_board.must_flatten) == ("active", "")
    a_board.evaluate(94.0, 100.0, 100.0, T)
    assert (a_board.trading_state, a_board.must_flatten) == ("reduce_only", "")
    a_board.evaluate(74.0, 100.0, 100.0, T)
    assert (a_board.trading_state, a_board.must_flatten) == ("halted", "drawdown")
    assert strictest("active", "reduce_only") == "reduce_only"
    assert strictest("active", "some other") == "halted"


def test_a_streak_of_losses_trips_and_is_counted_anew():
    a_board = board(loss_streak=BreakerConfig(trip=3, clear=2, cooldown_s=60))
    for pnl in (-1, -1, 5, -1, -1, 0):
        a_board.note_trade(pnl)
    assert calm(a_board, T) == []
    a_board.note_trade(-1)
    assert calm(a_board, T) == [("loss_streak", "trip")]
    a_board.note_trade(-1)  # a position that was still open
    assert calm(a_board, T + 59 * S) == []
    assert calm(a_board, T + 60 * S) == [("loss_streak", "rearm")]


def test_volatility_of_the_last_days_trips():
    a_board = board(volatility_days=5, volatility=BreakerConfig(trip=0.04, clear=0.02))
    for ratio in (0.05, -0.05, 0.05, -0.05):
        a_board.note_day(ratio)
    assert calm(a_board, T) == []  # too few days
    a_board.note_day(0.05)
    assert calm(a_board, T) == [("volatility", "trip")]
    for _ in range(4):
        a_board.note_day(0.0)
    assert calm(a_board, T + DAY) == []
    a_board.note_day(0.0)
    assert calm(a_board, T + DAY) == [("volatility", "rearm")]


def test_refused_orders_trip_by_their_share():
    a_board = board(reject_window=4, reject_rate=BreakerConfig(trip=0.5, clear=0.3, cooldown_s=60))
    for refused in (1, 1, 0):
        a_board.observe("order_refused", refused, T)
    assert a_board.trading_state == "active"  # too few orders
    a_board.observe("order_refused", 0, T)
    assert a_board.trading_state == "reduce_only"
    assert calm(a_board, T + 60 * S)[-1] == ("reject_rate", "rearm")
    a_board.observe("order_refused", 1, T + 61 * S)
    assert a_board.trading_state == "active"


def test_bad_data_and_books_that_drift_trip():
    a_board = board()
    a_board.observe("data_quality", 0.51, T)
    assert a_board.trading_state == "active"
    a_board.observe("data_quality", 0.5, T)
    assert a_board.trading_state == "reduce_only"
    a_board.observe("data_quality", 0.9, T + 300 * S)
    assert a_board.trading_state == "active"
    a_board.observe("reconciliation_drift", -0.002, T)
    assert a_board.trading_state == "reduce_only"
    a_board.observe("reconciliation_drift", 0.0, T + DAY)
    assert a_board.trading_state == "reduce_only"
    a_board.rearm("reconciliation_drift", T + DAY, "anna", "found it")
    assert a_board.trading_state == "active"
    assert [c.event for c in a_board.take_changes()] == ["trip", "rearm", "trip", "rearm"]


def test_what_is_not_known_is_named():
    with pytest.raises(ValueError, match="kind 'mood' is not known"):
        board().observe("mood", 1.0, T)
    with pytest.raises(ValueError, match="breaker 'mood' is not known"):
        board().rearm("mood", T, "anna", "x")
    with pytest.raises(ValueError, match=r"clear 0\.1 must be below trip 0\.1"):
        BreakerConfig(trip=0.1, clear=0.1)


def test_a_breaker_that_is_switched_off_does_nothing():
    off = BreakerConfig(trip=0.05, clear=0.01, enabled=False)
    a_board = board(loss=off)
    a_board.evaluate(10.0, 10.0, 100.0, T)
    assert a_board.trading_state == "active"
    assert "loss" not in {view.name for view in a_board.views()}


@settings(max_examples=100)
@given(
    events=st.lists(
        st.one_of(
            st.tuples(st.just("equity"), st.floats(60, 110)),
            st.tuples(st.just("trade"), st.sampled_from([-1.0, 1.0])),
            st.tuples(st.just("day"), st.floats(-0.2, 0.2)),
            st.tuples(st.just("order_refused"), st.sampled_from([0.0, 1.0])),
            st.tuples(st.just("data_quality"), st.floats(0, 1)),
        ),
        max_size=60,
    )
)
def test_a_board_that_is_restored_after_every_event_goes_the_same_way(events):
    settings_ = BreakersConfig(volatility_days=5, reject_window=3)
    kept, restored = BreakerBoard(settings_), BreakerBoard(settings_)
    for n, (kind, value) in enumerate(events):
        for a_board in (kept, restored):
            feed(a_board, kind, value, T + n * 3_600 * S)
        assert restored.take_changes() == kept.take_changes()
        state = json.loads(json.dumps(restored.state()))
        restored = BreakerBoard(settings_)
        restored.restore(state)
        assert restored.views() == kept.views()


def feed(a_board, kind, value, ts):
    if kind == "equity":
        a_board.evaluate(value, 110.0, 100.0, ts)
    elif kind == "trade":
        a_board.note_trade(value)
    elif kind == "day":
        a_board.note_day(value)
    else:
        a_board.observe(kind, value, ts)
