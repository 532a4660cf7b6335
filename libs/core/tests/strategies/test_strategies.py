"""What each strategy says in a market drawn by hand, and how strategies are found and configured."""

import numpy as np
import pytest

from ratchet.core.features import FEATURES, INDEX
from ratchet.core.strategies import (
    PerAssetStrategy,
    Strategy,
    StrategyContext,
    StrategyParameters,
    StrategySignals,
    available_strategies,
    create_strategy,
    strategy,
)

UP = {
    "return_168": 0.2,
    "return_336": 0.3,
    "return_720": 0.5,
    "ema_spread": 0.05,
    "sma_720_distance": 0.1,
    "adx_14": 30.0,
    "breakout_high_480": 0.01,
    "breakout_low_480": 0.5,
    "breakout_high_240": 0.01,
    "breakout_low_240": 0.4,
    "rsi_14": 68.0,
    "macd": 2.0,
    "bollinger_percent_b": 0.95,
}
NEUTRAL = {
    "volatility_168": 0.01,
    "natr_14": 1.0,
    "atr_14": 1.0,
    "return_168": 0.0,
    "return_336": 0.0,
    "return_720": 0.0,
    "ema_spread": 0.0,
    "sma_720_distance": 0.0,
    "adx_14": 10.0,
    "breakout_high_480": -0.1,
    "breakout_low_480": 0.1,
    "breakout_high_240": -0.1,
    "breakout_low_240": 0.1,
    "rsi_14": 50.0,
    "macd": 0.0,
    "bollinger_percent_b": 0.5,
    "zscore_48": 0.0,
}


def _mirrored(features):
    swapped = {}
    for name, value in features.items():
        if name.startswith("breakout_"):
            other = name.replace("high", "low") if "high" in name else name.replace("low", "high")
            swapped[other] = -value
        elif name == "rsi_14":
            swapped[name] = 100 - value
        elif name == "bollinger_percent_b":
            swapped[name] = 1 - value
        else:
            swapped[name] = value if name == "adx_14" else -value
    return swapped


def _context(*assets, regime=0, previous=0, **more):
    n = len(assets)
    table = np.full((n, len(FEATURES)), np.nan)
    for row, features in enumerate(assets):
        for name, value in features.items():
            table[row, INDEX[name]] = value
    price = np.full(n, 100.0)
    return StrategyContext(
        ts=1,
        present=np.ones(n, dtype=bool),
        open=price,
        high=price,
        low=price,
        close=price,
        volume=price,
        table=table,
        regime=np.full(n, regime, dtype=np.int8),
        previous=np.full(n, previous, dtype=np.int8),
        **more,
    )


def _market(**changes):
    return {**NEUTRAL, **changes}


@pytest.mark.parametrize("name", ["momentum", "trend_following", "breakout", "indicator_consensus"])
def test_trend_strategies_follow_a_trend_either_way_and_stay_out_between(name):
    ctx = _context(_market(**UP), _market(**_mirrored(UP)), _market(), {})
    said = create_strategy(name).generate_signals(ctx)
    assert said.direction.tolist() == [1, -1, 0, 0]
    assert said.direction.dtype == np.int8
    assert (said.confidence[:2] > 0.5).all()
    assert (said.confidence[:2] <= 1).all()
    assert said.confidence[3] == 0, "without features a strategy abstains"


HELD = {
    "momentum": ({"return_168": 0.01, "return_336": 0.01, "return_720": 0.01}, {"return_720": -0.1}),
    "trend_following": ({"ema_spread": 0.001}, {"ema_spread": -0.001}),
    "breakout": ({}, {"breakout_low_240": -0.001}),
    "indicator_consensus": ({"rsi_14": 45.0}, {"rsi_14": 30.0, "macd": -2.0, "bollinger_percent_b": 0.0}),
    "mean_reversion": ({"zscore_48": -1.0}, {"zscore_48": 0.1}),
}


@pytest.mark.parametrize("name", HELD)
def test_a_state_is_held_with_hysteresis(name):
    weaker, over = (_market(**changes) for changes in HELD[name])
    chosen = create_strategy(name)
    assert chosen.generate_signals(_context(weaker, over)).direction[0] == 0, "not strong enough to enter"
    held = chosen.generate_signals(_context(weaker, over, previous=1)).direction.tolist()
    assert held[0] == 1
    assert held[1] <= 0


def test_momentum_uses_the_horizons_that_are_known():
    young = _market(return_168=0.3, return_336=np.nan, return_720=np.nan)
    assert create_strategy("momentum").generate_signals(_context(young)).direction.tolist() == [1]


def test_mean_reversion_buys_dips_of_a_bull_market_only():
    dip, rally = _market(zscore_48=-2.5, rsi_14=25.0), _market(zscore_48=2.5, rsi_14=75.0)
    chosen = create_strategy("mean_reversion")
    by_regime = {
        r: chosen.generate_signals(_context(dip, rally, regime=r)).direction.tolist() for r in (1, 0, -1)
    }
    assert by_regime == {1: [1, 0], 0: [0, 0], -1: [0, -1]}


def test_the_model_strategy_follows_probabilities_and_abstains_without():
    chosen = create_strategy("model_based", {"enter_probability": 0.6})
    assert chosen.generate_signals(_context(*[_market()] * 4)).confidence.tolist() == [0, 0, 0, 0]
    probability = np.array([0.7, 0.3, 0.52, np.nan])
    said = chosen.generate_signals(_context(*[_market()] * 4, probability=probability))
    assert said.direction.tolist() == [1, -1, 0, 0]
    assert said.confidence[3] == 0
    held = chosen.generate_signals(_context(*[_market()] * 4, probability=probability, previous=1))
    assert held.direction.tolist() == [1, -1, 1, 0]


def test_sentiment_is_followed_unless_the_regime_contradicts():
    chosen = create_strategy("sentiment")
    assert chosen.generate_signals(_context(_market())).confidence.tolist() == [0]
    scores = np.array([0.6, -0.6, 0.0, np.nan])
    for regime, expected in ((0, [1, -1, 0, 0]), (1, [1, 0, 0, 0]), (-1, [0, -1, 0, 0])):
        said = chosen.generate_signals(_context(*[_market()] * 4, regime=regime, sentiment=scores))
        assert said.direction.tolist() == expected
        assert (said.confidence[said.direction == 0] == 0).all()


def test_a_strategy_can_be_written_asset_by_asset():
    class Dip(PerAssetStrategy[StrategyParameters]):
        Parameters = StrategyParameters

        def decide(self, asset):
            return (1, 0.8) if asset["rsi_14"] < 30 and asset.close > 50 and asset.regime == 0 else (0, 0.0)

    ctx = _context(_market(rsi_14=20.0), _market(rsi_14=40.0), _market(rsi_14=20.0))
    ctx.present[2] = False
    said = Dip(StrategyParameters()).generate_signals(ctx)
    assert said.direction.tolist() == [1, 0, 0]
    assert said.confidence.tolist() == [0.8, 0, 0]


def test_every_strategy_is_found_and_answers_for_all_assets():
    classes = available_strategies()
    assert {
        "breakout",
        "indicator_consensus",
        "mean_reversion",
        "model_based",
        "momentum",
        "sentiment",
        "trend_following",
    } <= set(classes)
    for name, cls in classes.items():
        assert set(cls.explains) <= set(FEATURES)
        said = create_strategy(name).generate_signals(_context(_market(), {}))
        assert said.direction.shape == said.confidence.shape == (2,)


def test_a_taken_name_an_unknown_feature_and_bad_parameters_are_named():
    class Impostor(Strategy[StrategyParameters]):
        Parameters = StrategyParameters

        def generate_signals(self, ctx):
            return StrategySignals.abstain(ctx.present.size)

    with pytest.raises(ValueError, match="'momentum' is taken by Momentum"):
        strategy("momentum")(Impostor)
    with pytest.raises(KeyError, match="no feature 'alpha'"):
        _context(_market())["alpha"]
    with pytest.raises(ValueError, match=r"enter_zscore = -1.*allowed parameters: enter_zscore"):
        create_strategy("mean_reversion", {"enter_zscore": -1})
    with pytest.raises(ValueError, match="unknown strategy 'hodl'; allowed: breakout, indicator_consensus"):
        create_strategy("hodl")
