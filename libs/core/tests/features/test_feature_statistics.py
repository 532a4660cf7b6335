"""Features without a TA-Lib counterpart equal their definition in pandas."""

import numpy as np
import pandas as pd
import pytest

from ratchet.core.features import FEATURES, INDEX, MODEL_FEATURES, compute_table

BARS = 900


@pytest.fixture(scope="module")
def frame(walk):
    return pd.DataFrame(dict(zip(["open", "high", "low", "close", "volume"], walk(11, BARS), strict=True)))


@pytest.fixture(scope="module")
def features(frame):
    return pd.DataFrame(
        compute_table(*(frame[[name]].to_numpy() for name in frame))[:, 0], columns=list(FEATURES)
    )


def _log_returns(f):
    return np.log(f.close).diff()


def _signed(f):
    return (f.volume * np.sign(f.close.diff())).fillna(f.volume)


def _vwap(f):
    typical = (f.high + f.low + f.close) / 3
    return (typical * f.volume).rolling(24).sum() / f.volume.rolling(24).sum()


CASES = {
    **{f"return_{n}": lambda f, n=n: f.close.pct_change(n) for n in (1, 6, 24, 72, 168, 336, 720)},
    "log_return_1": _log_returns,
    "log_return_24": lambda f: np.log(f.close).diff(24),
    **{f"volatility_{n}": lambda f, n=n: _log_returns(f).rolling(n).std() for n in (24, 72, 168)},
    **{
        f"trend_t_{n}": lambda f, n=n: (
            _log_returns(f).rolling(n).mean() / (_log_returns(f).rolling(n).std() / n**0.5)
        )
        for n in (72, 168)
    },
    "volatility_ratio": lambda f: _log_returns(f).rolling(24).std() / _log_returns(f).rolling(168).std(),
    "zscore_48": lambda f: (f.close - f.close.rolling(48).mean()) / f.close.rolling(48).std(),
    "volume_zscore_48": lambda f: (f.volume - f.volume.rolling(48).mean()) / f.volume.rolling(48).std(),
    "volume_ratio_24": lambda f: f.volume / f.volume.rolling(24).mean(),
    "vwap_distance_24": lambda f: f.close / _vwap(f) - 1,
    "obv_slope": lambda f: _signed(f).rolling(24).sum() / f.volume.rolling(24).sum(),
    **{f"sma_{n}_distance": lambda f, n=n: f.close / f.close.rolling(n).mean() - 1 for n in (50, 200, 720)},
    "donchian_position_20": lambda f: (
        (f.close - f.low.rolling(20).min()) / (f.high.rolling(20).max() - f.low.rolling(20).min())
    ),
    "donchian_position_55": lambda f: (
        (f.close - f.low.rolling(55).min()) / (f.high.rolling(55).max() - f.low.rolling(55).min())
    ),
    **{
        f"breakout_high_{n}": lambda f, n=n: f.close / f.high.rolling(n).max().shift() - 1
        for n in (55, 168, 240, 480)
    },
    **{
        f"breakout_low_{n}": lambda f, n=n: f.close / f.low.rolling(n).min().shift() - 1
        for n in (55, 168, 240, 480)
    },
    "drawdown_168": lambda f: f.close / f.close.rolling(168).max() - 1,
    "bars_since_high_168": lambda f: f.close.rolling(168).apply(lambda w: w[::-1].argmax(), raw=True) / 167,
    "efficiency_48": lambda f: f.close.diff(48).abs() / f.close.diff().abs().rolling(48).sum(),
    "close_location": lambda f: (2 * f.close - f.high - f.low) / (f.high - f.low),
    "range_ratio": lambda f: (f.high - f.low) / f.close,
}


@pytest.mark.parametrize("name", CASES)
def test_feature_equals_its_definition_from_the_first_full_window(name, frame, features):
    np.testing.assert_allclose(features[name], CASES[name](frame), rtol=1e-7, atol=1e-9)


def test_compound_features_follow_from_their_parts(frame, features):
    f = features
    np.testing.assert_allclose(f.ema_spread, f.ema_50 / f.ema_200 - 1, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(f.ema_200_slope, f.ema_200 / f.ema_200.shift(24) - 1, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(f.macd_histogram_ratio, f.macd_histogram / frame.close, rtol=1e-12)
    middle = frame.close.ewm(span=20, adjust=False).mean()
    keltner = (frame.close - middle) / (2 * f.atr_14)
    np.testing.assert_allclose(f.keltner_position[300:], keltner[300:], rtol=1e-6, atol=1e-9)


def test_momentum_rank_is_the_percentile_among_assets_with_a_bar(market):
    columns = market(3, 200, 5)
    table = compute_table(*columns)[-1]
    expected = pd.Series(table[:, INDEX["return_168"]]).rank().sub(1).div(4)
    np.testing.assert_allclose(table[:, INDEX["momentum_rank"]], expected)
    day = table[:, INDEX["return_24"]]
    np.testing.assert_allclose(table[:, INDEX["relative_return_24"]], day - day.mean(), atol=1e-12)


def test_a_market_that_does_not_move_reads_neutral():
    flat = np.full((BARS, 1), 250.0)
    last = dict(zip(FEATURES, compute_table(flat, flat, flat, flat, 0 * flat)[-1, 0], strict=True))
    assert not any(np.isnan(value) for value in last.values())
    neutral = {"rsi_14": 50, "stochastic_k": 50, "williams_r_14": -50, "mfi_14": 50, "cci_20": 0, "adx_14": 0}
    neutral |= {"bollinger_percent_b": 0.5, "zscore_48": 0, "trend_t_168": 0, "vwap_distance_24": 0}
    assert {name: last[name] for name in neutral} == neutral


def test_model_features_do_not_depend_on_the_unit_of_price(walk):
    open_, high, low, close, volume = (column[:, None] for column in walk(4, BARS))
    cheap = compute_table(open_, high, low, close, volume)
    dear = compute_table(1e6 * open_, 1e6 * high, 1e6 * low, 1e6 * close, volume)
    columns = [INDEX[name] for name in MODEL_FEATURES]
    np.testing.assert_allclose(cheap[..., columns], dear[..., columns], rtol=1e-6, atol=1e-7)


def test_there_are_at_least_forty_features_of_distinct_names():
    assert len(FEATURES) == len(set(FEATURES)) >= 40
