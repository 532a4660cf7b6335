"""Candlesticks equal TA-Lib's, and their score fades."""

import numpy as np
import pytest
import talib

from ratchet.core.patterns import CANDLES, CandlePatterns, detect

ORACLE = {
    "engulfing": talib.CDLENGULFING,
    "hammer": talib.CDLHAMMER,
    "hanging_man": talib.CDLHANGINGMAN,
    "inverted_hammer": talib.CDLINVERTEDHAMMER,
    "shooting_star": talib.CDLSHOOTINGSTAR,
    "morning_star": talib.CDLMORNINGSTAR,
    "evening_star": talib.CDLEVENINGSTAR,
}


def gappy_walk(seed, bars=6_000):
    """Random bars with small bodies, long shadows and gaps, so that every pattern occurs."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, bars)))
    open_ = np.roll(close, 1) * np.exp(rng.normal(0, 0.006, bars))
    open_[0] = close[0]
    wick = rng.exponential(0.004, (2, bars)) * rng.integers(0, 2, (2, bars))
    high = np.maximum(open_, close) * (1 + wick[0])
    low = np.minimum(open_, close) * (1 - wick[1])
    return open_, high, low, close


@pytest.mark.parametrize("seed", range(3))
def test_every_pattern_is_where_talib_sees_it(seed):
    history = gappy_walk(seed)
    found = detect(*history)
    for column, name in enumerate(CANDLES):
        expected = np.sign(ORACLE[name](*history))
        # Ours waits for the widest window of all patterns.
        assert np.array_equal(found[12:, column], expected[12:]), name
        assert (expected != 0).sum() > 3, f"{name} never occurs: the comparison is empty"


def test_a_score_is_signed_and_halves_until_the_next_pattern():
    flat = [(100.0, 100.6, 99.4, 100.2)] * 12
    history = [*flat, (100.2, 100.3, 98.8, 99.0), (98.9, 101.5, 98.8, 101.4), (101.4, 102.3, 101.2, 102.2)]
    patterns, present = CandlePatterns(1), np.ones(1, dtype=np.bool_)
    scores = [float(patterns.update(np.array(bar)[:, None], present)[0]) for bar in history]
    assert scores[-2:] == [0.8, 0.4]


def test_an_absent_asset_keeps_its_score_and_restoring_changes_nothing():
    columns = np.stack([np.stack(gappy_walk(seed, 200)) for seed in (5, 6)], axis=2)
    one, present = CandlePatterns(2), np.ones(2, dtype=np.bool_)
    for t in range(100):
        one.update(columns[:, t], present)
    twin = CandlePatterns(2)
    twin.restore(one.state())
    kept = one.update(columns[:, 100], np.array([True, False])).copy()
    assert kept[1] == twin.state()["score"][1]
    twin.update(columns[:, 100], np.array([True, False]))
    for t in range(101, 200):
        assert np.array_equal(one.update(columns[:, t], present), twin.update(columns[:, t], present))
    with pytest.raises(ValueError, match="shape"):
        CandlePatterns(3).restore(one.state())
