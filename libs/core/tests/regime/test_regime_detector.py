"""Regimes follow trends, with hysteresis."""

import numpy as np
import pytest

from ratchet.core.features import FeatureEngine
from ratchet.core.regime import BEAR, BULL, SIDEWAYS, RegimeConfig, RegimeDetector


def _regimes(close, config=None, detector=None, engine=None):
    engine = engine or FeatureEngine(close.shape[1])
    detector = detector or RegimeDetector(close.shape[1], config)
    here = np.ones(close.shape[1], dtype=bool)
    volume = np.ones(close.shape[1])
    return np.array(
        [
            detector.update(engine.update(row, row * 1.001, row * 0.999, row, volume, here), here).copy()
            for row in close
        ]
    )


def _paths(drift, seed=1, bars=700, noise=0.005):
    rng = np.random.default_rng(seed)
    return 100 * np.exp(np.cumsum(np.asarray(drift) + rng.normal(0, noise, (bars, len(drift))), axis=0))


def test_rising_falling_and_idle_markets_are_told_apart():
    regimes = _regimes(_paths([0.002, -0.002, 0.0]))
    assert (regimes[:200] == SIDEWAYS).all()
    assert (regimes[400:, 0] == BULL).all()
    assert (regimes[400:, 1] == BEAR).all()
    assert regimes[250:, 2].min() >= BEAR


def test_hysteresis_makes_fewer_turns():
    idle = _paths([0.0] * 20, bars=1200)
    turns = [
        int((np.diff(_regimes(idle, RegimeConfig(enter_score=0.75, leave_score=leave)), axis=0) != 0).sum())
        for leave in (0.1, 0.74)
    ]
    assert 0 < turns[0] < turns[1]


def test_a_volatility_shock_ends_a_bull_market():
    calm = _paths([0.002], noise=0.002)
    shock = calm[-1] * np.exp(np.cumsum(np.tile([0.06, -0.05], 12)))[:, None]
    regimes = _regimes(np.vstack([calm, shock]))
    assert regimes[len(calm) - 1, 0] == BULL
    assert (regimes[len(calm) :, 0] == SIDEWAYS).any()


def test_state_restores_to_the_bit():
    close = _paths([0.001, -0.001])
    whole = _regimes(close)
    engine, first = FeatureEngine(2), RegimeDetector(2)
    _regimes(close[:400], detector=first, engine=engine)
    second = RegimeDetector(2)
    second.restore(first.state())
    np.testing.assert_array_equal(_regimes(close[400:], detector=second, engine=engine), whole[400:])


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match="must be"):
        RegimeDetector(2).update(np.zeros((2, 3)), np.ones(2, dtype=bool))
    with pytest.raises(ValueError, match="shape"):
        RegimeDetector(2).restore({"regime": np.zeros(3, dtype=np.int8)})
