"""From bars to signals: warm-up, identity, context, recovery and errors."""

from dataclasses import replace

import numpy as np
import pytest

from ratchet.core.assets import AssetClass
from ratchet.core.features import MODEL_FEATURES
from ratchet.core.orders.ids import signal_id
from ratchet.core.signals import ConsensusConfig, Prediction, SignalEngine, StrategiesConfig, StrategyEntry

CONFIG = StrategiesConfig()


def _engine(universe, config=CONFIG):
    return SignalEngine(universe, "1h", config)


def _same(one, other):
    assert one.signals == other.signals
    assert (one.universe, one.ts, one.step) == (other.universe, other.ts, other.step)
    for column in ("asset_ids", "atr", "volatility", "regime"):
        np.testing.assert_array_equal(getattr(one.context, column), getattr(other.context, column))


@pytest.fixture(scope="module")
def run(universe, make_batches):
    engine = _engine(universe)
    batches = make_batches()
    return batches, [engine.on_bars(batch) for batch in batches]


def _signals(results):
    return [signal for result in results for signal in result.signals]


def test_trends_give_signals_to_both_sides_with_votes_and_features(run):
    signals = _signals(run[1])
    assert {signal.direction for signal in signals} == {1, -1}
    for signal in signals:
        assert CONFIG.consensus.exit_confidence <= signal.confidence <= 1
        backers = [vote for vote in signal.votes.values() if vote * signal.direction > 0]
        assert len(backers) >= CONFIG.consensus.min_votes
        assert signal.features
        assert all(np.isfinite(value) for value in signal.features.values())


def test_buys_come_in_rising_markets(run):
    batches, results = run
    ahead = {1: [], -1: []}
    closes = {batch.ts: dict(zip(batch.asset_ids.tolist(), batch.close, strict=True)) for batch in batches}
    for result in results:
        for signal in result.signals:
            assert signal.price == closes[result.ts][signal.asset_id]
            ahead[signal.direction].append(signal.features.get("return_168", 0.0))
    assert np.mean(ahead[1]) > 0 > np.mean(ahead[-1])


def test_signals_have_the_ids_of_their_decision(run, universe):
    symbols = {asset.id: asset.symbol for asset in universe}
    pairs = [(result.ts, signal) for result in run[1] for signal in result.signals]
    assert [s.id for _, s in pairs] == [
        signal_id("default", symbols[s.asset_id], ts, s.direction) for ts, s in pairs
    ]
    assert len({s.id for _, s in pairs}) == len(pairs)


def test_nothing_is_signalled_before_the_warm_up(run):
    seen = dict.fromkeys((2, 5, 9), 0)
    for batch, result in zip(*run, strict=True):
        for asset_id in batch.asset_ids.tolist():
            seen[asset_id] += 1
        for signal in result.signals:
            assert seen[signal.asset_id] >= CONFIG.consensus.warmup_bars


def test_context_has_every_asset_of_the_batch(run):
    for batch, result in zip(*run, strict=True):
        context = result.context
        np.testing.assert_array_equal(context.asset_ids, batch.asset_ids)
        assert len(context.atr) == len(context.volatility) == len(context.regime) == len(batch)
        for scores in (context.technical, context.model, context.pattern):
            assert len(scores) == len(batch)
            assert (np.abs(scores[~np.isnan(scores)]) <= 1.0).all()
        assert {signal.asset_id for signal in result.signals} <= set(batch.asset_ids.tolist())
    assert (run[1][-1].context.atr > 0).all()
    assert context.regime.dtype == np.int8


@pytest.mark.parametrize("cut", [1, 249, 600])
def test_a_restored_engine_continues_to_the_bit(run, universe, cut):
    batches, results = run
    first = _engine(universe)
    for batch in batches[:cut]:
        first.on_bars(batch)
    second = _engine(universe)
    second.restore(first.state())
    for batch, expected in zip(batches[cut:], results[cut:], strict=True):
        _same(second.on_bars(batch), expected)


def test_saved_state_is_a_copy(universe, make_batches):
    engine, batches = _engine(universe), make_batches(bars=300)
    for batch in batches[:280]:
        engine.on_bars(batch)
    state = engine.state()
    kept = {name: value.copy() for name, value in state.items()}
    for batch in batches[280:]:
        engine.on_bars(batch)
    assert all(
        np.array_equal(state[name], kept[name], equal_nan=value.dtype.kind == "f")
        for name, value in kept.items()
    )


def test_state_of_other_strategies_is_refused(universe):
    state = _engine(universe).state()
    other = StrategiesConfig(consensus=ConsensusConfig(min_votes=3))
    with pytest.raises(ValueError, match="other assets, features or strategies"):
        _engine(universe, other).restore(state)


def test_a_direction_is_held_and_repeated_not_flapping(run):
    consensus = CONFIG.consensus
    for asset_id in (2, 5, 9):
        bar, last_turn, last, stance = 0, None, None, 0
        for batch, result in zip(*run, strict=True):
            bar += int(asset_id in batch.asset_ids)
            for signal in result.signals:
                if signal.asset_id != asset_id:
                    continue
                if signal.direction == stance:
                    assert bar - last >= consensus.repeat_bars
                else:
                    assert last_turn is None or bar - last_turn >= consensus.min_hold_bars
                    stance, last_turn = signal.direction, bar
                last = bar


def test_the_model_is_asked_once_per_step_for_ready_assets(universe, make_batches):
    asked = []

    def predict(rows):
        asked.append(rows)
        return Prediction(np.full(len(rows), 0.9), "v1")

    only = StrategiesConfig(
        strategies={"model_based": StrategyEntry()},
        consensus=ConsensusConfig(min_votes=1, respect_regime=False, min_hold_bars=0),
    )
    engine = _engine(universe, only)
    results = [engine.on_bars(batch, predict=predict) for batch in make_batches(bars=300, missing=0.0)]
    assert len(asked) == 300 - only.consensus.warmup_bars + 1
    assert {rows.shape for rows in asked} == {(3, len(MODEL_FEATURES))}
    assert asked[0].dtype == np.float32
    signals = _signals(results)
    assert {signal.asset_id for signal in signals} == {2, 5, 9}
    assert {(signal.direction, signal.model_version) for signal in signals} == {(1, "v1")}


@pytest.mark.parametrize("predict", [None, lambda rows: None])
def test_without_a_model_its_strategy_abstains(universe, make_batches, predict):
    engine = _engine(universe)
    results = [engine.on_bars(batch, predict=predict) for batch in make_batches(bars=400)]
    signals = _signals(results)
    assert signals
    assert all("model_based" not in signal.votes and signal.model_version == "" for signal in signals)


def test_sentiment_is_heard_where_it_is_known(universe, make_batches):
    engine = _engine(universe)
    scores = np.array([0.8, np.nan, 0.8])
    signals = _signals([engine.on_bars(batch, sentiment=scores) for batch in make_batches(bars=400)])
    heard = {signal.asset_id for signal in signals if "sentiment" in signal.votes}
    assert heard
    assert 5 not in heard


def test_a_prediction_of_another_length_is_refused(universe, make_batches):
    engine = _engine(universe, StrategiesConfig(consensus=ConsensusConfig(warmup_bars=1)))
    with pytest.raises(ValueError, match="prediction is"):
        engine.on_bars(make_batches(missing=0.0)[0], predict=lambda rows: Prediction(np.zeros(1), "v"))


def test_bad_batches_are_refused_by_name(universe, make_batches):
    engine = _engine(universe)
    batch = make_batches(missing=0.0)[0]
    with pytest.raises(ValueError, match=r"stock 1h.*crypto 1h"):
        engine.on_bars(replace(batch, universe="stock"))
    with pytest.raises(ValueError, match="crypto 1m"):
        engine.on_bars(replace(batch, timeframe="1m"))
    for unknown in (3, 77):
        with pytest.raises(ValueError, match=rf"\[{unknown}\]"):
            engine.on_bars(replace(batch, asset_ids=np.array([2, 5, unknown], dtype=np.uint32)))
    engine.on_bars(batch)
    with pytest.raises(ValueError, match="not later"):
        engine.on_bars(batch)


def test_an_engine_takes_one_universe(universe):
    stock = replace(universe[0], id=1, asset_class=AssetClass.STOCK, universe="stock")
    with pytest.raises(ValueError, match=r"crypto.*stock"):
        SignalEngine([*universe, stock], "1h", CONFIG)
    with pytest.raises(ValueError, match="timeframe"):
        SignalEngine(universe, "hourly", CONFIG)
