"""Candle tables: rows of high, low, close beside the exit expected at each bar's end. Entry at 100."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.core.assets import Asset, AssetClass, Registry
from ratchet.core.exits import (
    ExitConfig,
    ExitEngine,
    ExitReason,
    ExitScoreConfig,
    ExitStates,
    PartialExit,
)
from ratchet.core.exits.score import exit_score
from ratchet.core.exits.types import ExitView
from ratchet.core.market import BarBatch
from ratchet.core.portfolio import PositionView
from ratchet.core.signals import MarketContext

HOUR = 3_600_000_000_000
T0 = 1_700_000_000_000_000_000
R = ExitReason
NAN = float("nan")
PLAIN = {
    "partials": (), "trailing_activation_ratio": None, "max_holding_days": None, "score": None,
    "take_profit_ratio": 0.15,
}  # fmt: skip


def asset(asset_id, **rules):
    return Asset(
        asset_id, f"A{asset_id}", AssetClass.STOCK, 1, "alpaca", "stock", "XNYS", Decimal("0.01"),
        Decimal("0.01"), Decimal(1), 0.1, 0.08, shortable=True, rules=rules,
    )  # fmt: skip


def position(asset_id, qty="10", opened_ts=T0):
    return PositionView(asset_id, Decimal(qty), Decimal(100), 100.0, T0, opened_ts, 100.0)


def bars(ts, rows):
    ids = sorted(rows)
    columns = [np.array([rows[i][k] for i in ids], dtype=float) for k in range(3)]
    return BarBatch("stock", "1h", ts, np.array(ids, np.uint32), columns[2], *columns, np.ones(len(ids)))


def context(rows, scores=(NAN, NAN, NAN)):
    ids = sorted(rows)
    return MarketContext(
        np.array(ids, np.uint32),
        np.array([rows[i][0] for i in ids], float),
        np.full(len(ids), 0.01),
        np.array([rows[i][1] for i in ids], np.int8),
        *(np.full(len(ids), score) for score in scores),
    )


def play(table, config, qty="10", registry=None, atr=2.0, regime=0, scores=(NAN, NAN, NAN)):
    """Run the rows and return (reason, qty) or None per bar; what is decided is sold at once."""
    engine = ExitEngine(registry or Registry([asset(0)]), config)
    states, held, seen = ExitStates(), Decimal(qty), []
    for n, row in enumerate(table):
        ts = T0 + n * HOUR
        decisions = engine.evaluate(
            [position(0, str(held))], [bars(ts, {0: row})], [context({0: (atr, regime)}, scores)], ts, states
        )
        seen.append(decisions[0] if decisions else None)
        if decisions:
            held -= decisions[0].qty * (1 if held > 0 else -1)
    return [None if d is None else (d.reason, d.qty) for d in seen]


@pytest.mark.parametrize(
    ("name", "config", "table", "expected"),
    [
        ("a touch of the stop is enough", {}, [(101, 93, 100), (101, 92, 99)], [None, R.STOP_LOSS]),
        ("the target needs the close", {}, [(116, 100, 114), (116, 100, 115)], [None, R.TAKE_PROFIT]),
        ("a bar that does both is stopped", {}, [(120, 91, 116)], [R.STOP_LOSS]),
        (
            "the trailing stop follows the best price before the bar",
            {"trailing_activation_ratio": 0.08, "trailing_distance_ratio": 0.05, "take_profit_ratio": None},
            [(110, 104, 105), (112, 105, 111), (112, 106.5, 107), (112, 106.3, 108)],
            [None, None, None, R.TRAILING_STOP],
        ),
        (
            "not before it is activated",
            {"trailing_activation_ratio": 0.08, "trailing_distance_ratio": 0.05},
            [(107.9, 100, 107), (107, 96, 97)],
            [None, None],
        ),
        (
            "break-even after a gain",
            {"break_even_activation_ratio": 0.05},
            [(105, 101, 104), (104, 100.1, 101), (104, 99.9, 101)],
            [None, None, R.BREAK_EVEN],
        ),
        ("the time stop", {"max_holding_days": 2 / 24}, [(101, 99, 100)] * 3, [None, None, R.TIME_STOP]),
    ],
)
def test_full_exits_of_a_long(name, config, table, expected):
    got = play(table, ExitConfig(**(PLAIN | config)))
    assert got == [None if reason is None else (reason, Decimal(10)) for reason in expected], name


def test_shorts_are_watched_in_the_mirror():
    config = ExitConfig(**(PLAIN | {"trailing_activation_ratio": 0.08}))
    assert play([(107, 99, 100), (108, 99, 100)], config, "-10") == [None, (R.STOP_LOSS, Decimal(10))]
    assert play([(101, 84, 85)], config, "-10") == [(R.TAKE_PROFIT, Decimal(10))]
    table = [(99, 90, 91), (94.4, 90, 91), (94.6, 90, 91)]
    assert play(table, config, "-10") == [None, None, (R.TRAILING_STOP, Decimal(10))]


def test_partial_exits_once_each_by_the_largest_size():
    table = [(106, 100, 105.9), (107, 100, 106), (108, 100, 107), (111, 100, 110), (111, 100, 110)]
    expected = [None, (R.PARTIAL_PROFIT, Decimal(2)), None, (R.PARTIAL_PROFIT, Decimal(3)), None]
    assert play(table, ExitConfig(trailing_activation_ratio=None)) == expected


def test_two_levels_in_one_bar_are_one_exit():
    assert play([(112, 100, 111)], ExitConfig()) == [(R.PARTIAL_PROFIT, Decimal(5))]


def test_a_partial_below_the_minimum_is_skipped_and_not_tried_again():
    assert play([(107, 100, 106)] * 2, ExitConfig(), qty="0.04") == [None, None]


def test_the_stop_tightens_with_atr_and_never_widens():
    config = ExitConfig(**(PLAIN | {"stop_atr_multiple": 2.0}))
    assert play([(101, 96, 99)], config, atr=2.0) == [(R.STOP_LOSS, Decimal(10))]
    assert play([(101, 93, 99)], config, atr=9.0) == [None]
    assert play([(101, 93, 99)], config, atr=float("nan")) == [None]


def test_the_target_moves_with_the_regime():
    config = ExitConfig(**(PLAIN | {"bull_target_factor": 1.5, "bear_target_factor": 0.6}))
    assert play([(116, 100, 115)], config, regime=1) == [None]
    assert play([(110, 100, 109)], config, regime=-1) == [(R.TAKE_PROFIT, Decimal(10))]


def test_an_asset_has_its_own_stop_and_holding_time():
    tight = Registry([asset(0, max_holding_days=1 / 24)])
    assert play([(101, 99, 100)] * 2, ExitConfig(), registry=tight)[1] == (R.TIME_STOP, Decimal(10))


def test_only_assets_with_a_bar_are_looked_at_and_the_order_is_by_asset():
    engine = ExitEngine(Registry([asset(i) for i in range(4)]), ExitConfig())
    held = [position(3), position(1), position(0), position(2, "0")]
    ts = T0 + HOUR
    crash = dict.fromkeys((1, 2, 3), (100, 50, 60))
    decisions = engine.evaluate(held, [bars(ts, crash)], [], ts, ExitStates())
    assert [d.asset_id for d in decisions] == [1, 3]


def test_a_reopened_position_starts_afresh_and_a_closed_one_is_forgotten():
    engine, states = ExitEngine(Registry([asset(0), asset(1)]), ExitConfig()), ExitStates()
    up = bars(T0, {0: (111, 100, 110), 1: (101, 100, 100)})
    engine.evaluate([position(0), position(1)], [up], [], T0, states)
    assert states[0].partials_taken == 2
    assert states[0].best_price == 111
    reopened = position(0, opened_ts=T0 + 1)
    engine.evaluate([reopened], [bars(T0 + 1, {0: (102, 100, 101)})], [], T0 + 1, states)
    assert list(states) == [0]
    assert states[0].partials_taken == 0
    assert states[0].best_price == 102


candles = st.lists(
    st.tuples(st.floats(80, 130), st.floats(80, 130), st.floats(0, 1)).map(
        lambda c: (max(c[0], c[1]), min(c[0], c[1]), min(c[0], c[1]) + c[2] * abs(c[0] - c[1]))
    ),
    max_size=25,
)


@settings(max_examples=50, deadline=None)
@given(table=candles, cut=st.integers(0, 25), qty=st.sampled_from(["10", "-7", "0.03"]))
def test_persisting_the_state_at_any_bar_changes_nothing_and_no_exit_oversells(table, cut, qty):
    config = ExitConfig(break_even_activation_ratio=0.04)
    engine, states, held = ExitEngine(Registry([asset(0)]), config), ExitStates(), Decimal(qty)
    twin = ExitStates()
    for n, row in enumerate(table):
        ts = T0 + n * HOUR
        if n == cut:
            twin = ExitStates.from_json(twin.to_json())
        one = engine.evaluate([position(0, str(held))], [bars(ts, {0: row})], [], ts, states)
        two = engine.evaluate([position(0, str(held))], [bars(ts, {0: row})], [], ts, twin)
        assert one == two
        for decision in one:
            assert 0 < decision.qty <= abs(held)
            held -= decision.qty * (1 if held > 0 else -1)
    assert states.to_json() == twin.to_json()


def test_bad_partials_are_refused():
    level = PartialExit(gain_ratio=0.1, fraction=0.6)
    with pytest.raises(ValueError, match="rising gain_ratio"):
        ExitConfig(partials=(level, level))
    with pytest.raises(ValueError, match="more than 1"):
        ExitConfig(partials=(level, PartialExit(gain_ratio=0.2, fraction=0.6)))


def test_by_default_three_partials_and_then_the_target():
    table = [(106, 100, 106), (110, 105, 110), (115, 109, 115), (120, 114, 120)]
    expected = [*((R.PARTIAL_PROFIT, Decimal(qty)) for qty in (2, 3, 4)), (R.TAKE_PROFIT, Decimal(1))]
    assert play(table, ExitConfig(score=None)) == expected


def test_partial_levels_move_with_the_regime():
    assert play([(108, 100, 108)], ExitConfig(score=None), regime=1) == [None]
    assert play([(104, 100, 104)], ExitConfig(score=None), regime=-1) == [(R.PARTIAL_PROFIT, Decimal(2))]


def test_the_stop_tightens_with_volatility():
    # One standard deviation over four bars of 1 % each is 2 %.
    config = ExitConfig(**(PLAIN | {"stop_volatility_multiple": 1.5, "stop_volatility_bars": 4}))
    assert play([(101, 97.01, 99)], config) == [None]
    assert play([(101, 97.0, 99)], config) == [(R.STOP_LOSS, Decimal(10))]


@pytest.mark.parametrize(
    ("symbol", "rules", "touch"),
    [("GBP/JPY", {}, 99.0), ("GBP/JPY", {"stop_pips": 40}, 99.6), ("EUR/USD", {}, 99.99)],
)
def test_a_forex_stop_is_told_in_pips(symbol, rules, touch):
    pair = Asset(
        0, symbol, AssetClass.FOREX, 3, "oanda", "forex", "FX", Decimal("0.0001"), Decimal(1), Decimal(1),
        0.1, 0.08, shortable=True, rules=rules,
    )  # fmt: skip
    config = ExitConfig(**(PLAIN | {"stop_pips": 100}))
    assert play([(101, touch + 0.001, 100)], config, registry=Registry([pair])) == [None]
    assert play([(101, touch, 100)], config, registry=Registry([pair])) == [(R.STOP_LOSS, Decimal(10))]
    assert play([(101, touch, 100)], config) == [None]


def view(**changes):
    base = {
        "side": 1, "adverse": 0.0, "close": 0.0, "best": 0.0, "held_ns": 0, "stop_loss_ratio": 0.08,
        "max_holding_days": None, "atr_ratio": NAN, "volatility": NAN, "pip_stop": NAN, "regime": 0,
        "technical": NAN, "model": NAN, "pattern": NAN,
    }  # fmt: skip
    return ExitView(**(base | changes))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        # Weights 0.25, 0.30, 0.20, 0.10, 0.15; what is unknown leaves its weight to the others.
        ({}, 0.5),
        ({"regime": 1}, 0.0),
        ({"regime": -1, "technical": -1.0, "model": -1.0, "pattern": -1.0}, 1.0),
        ({"regime": -1, "technical": 0.5}, 0.25 / 0.55),
        ({"regime": -1, "technical": -0.5, "model": -0.2}, (0.25 + 0.15 + 0.04) / 0.75),
        ({"side": -1, "regime": -1, "technical": -0.5, "model": -0.2}, 0.0),
        ({"regime": 1, "held_ns": 12 * HOUR, "max_holding_days": 1.0}, 0.15 * 0.5 / 0.40),
    ],
)
def test_the_exit_score_by_hand(changes, expected):
    assert exit_score(ExitScoreConfig(), view(**changes)) == pytest.approx(expected, abs=1e-12)


unit = st.one_of(st.just(NAN), st.floats(-1, 1))


@given(
    side=st.sampled_from((1, -1)),
    regime=st.sampled_from((1, 0, -1)),
    technical=unit,
    model=unit,
    pattern=unit,
    held=st.floats(0, 90),
)
def test_the_exit_score_stays_in_range_and_grows_with_the_case(side, regime, technical, model, pattern, held):
    facts = {"technical": technical, "model": model, "pattern": pattern, "max_holding_days": 30.0}
    shared = {"side": side, "regime": regime, "held_ns": int(held * 24 * HOUR)} | facts
    score = exit_score(ExitScoreConfig(), view(**shared))
    assert 0.0 <= score <= 1.0
    worse = shared | {"regime": -side} | ({"technical": -side} if technical == technical else {})
    assert exit_score(ExitScoreConfig(), view(**worse)) >= score - 1e-12


def test_a_strong_case_closes_the_position_and_explains_itself():
    engine, states = ExitEngine(Registry([asset(0)]), ExitConfig()), ExitStates()
    market = [context({0: (2.0, -1)}, (-0.9, -0.8, -1.0))]
    (decision,) = engine.evaluate([position(0)], [bars(T0, {0: (101, 99, 100.5)})], market, T0, states)
    assert (decision.reason, decision.qty) == (R.EXIT_SCORE, Decimal(10))
    assert decision.figures["score"] >= 0.70
    assert decision.figures["score.model"] == pytest.approx(0.8)
    assert decision.figures["gain_ratio"] == pytest.approx(0.005)
    assert all(np.isfinite(value) for value in decision.figures.values())
