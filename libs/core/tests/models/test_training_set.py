"""Training sets come from the feature engine, and their labels from what followed."""

from decimal import Decimal

import numpy as np
import pytest

from ratchet.core.assets import Asset, AssetClass
from ratchet.core.features import FeatureEngine, model_rows
from ratchet.core.market import BarBatch
from ratchet.core.models import LabelConfig, TrainingConfig, build_training_set

HOUR = 3_600_000_000_000
BARS = 700
CONFIG = TrainingConfig(
    label=LabelConfig(kind="forward_return", horizon_bars=24), sample_every_bars=5, min_samples=50
)


def _asset(asset_id):
    return Asset(
        asset_id, f"C{asset_id}", AssetClass.CRYPTO, 0, "alpaca", "crypto", "24/7",
        Decimal("0.01"), Decimal("0.0001"), Decimal(1), 0.1, 0.08,
    )  # fmt: skip


ASSETS = (_asset(1), _asset(4))


@pytest.fixture(scope="module")
def close():
    rng = np.random.default_rng(6)
    return 100 * np.exp(np.cumsum(rng.normal(0, 0.01, (BARS, 2)), axis=0))


@pytest.fixture(scope="module")
def steps(close):
    def batch(t):
        here = np.array([True, t % 10 != 3])
        c = close[t, here]
        ids = np.array([1, 4], dtype=np.uint32)[here]
        return BarBatch("crypto", "1h", (t + 1) * HOUR, ids, c, c * 1.002, c * 0.998, c, np.ones(len(c)))

    other = BarBatch("stock", "1h", HOUR, np.array([9], dtype=np.uint32), *[np.ones(1)] * 5)
    return [(batch(t), other) for t in range(BARS)]


def test_samples_are_the_engines_features_and_the_return_that_followed(steps, close):
    table = build_training_set(steps, ASSETS, "1h", CONFIG)
    assert table.symbols == ("C1", "C4")
    assert (np.diff(table.start) >= 0).all()
    engine, rows = FeatureEngine(2), {}
    for t, (batch, _) in enumerate(steps):
        here = np.isin([1, 4], batch.asset_ids)
        out = engine.update(close[t], close[t] * 1.002, close[t] * 0.998, close[t], np.ones(2), here)
        rows[batch.ts] = model_rows(out, np.array([0, 1]))
    own = np.flatnonzero(table.asset_ids == 1)
    assert own.size == len(range(250, BARS - 24, 5))
    for sample in own:
        t = table.start[sample] // HOUR - 1
        np.testing.assert_array_equal(table.x[sample], rows[table.start[sample]][0])
        assert table.y[sample] == (close[t + 24, 0] > close[t, 0])
        assert table.end[sample] == table.start[sample] + 24 * HOUR


def test_labels_of_an_asset_with_gaps_count_its_own_bars(steps):
    table = build_training_set(steps, ASSETS, "1h", CONFIG)
    gapped = table.asset_ids == 4
    assert (table.end[gapped] - table.start[gapped] > 24 * HOUR).any()
    assert (table.end > table.start).all()


def test_triple_barrier_labels_end_within_the_horizon(steps):
    config = CONFIG.model_copy(update={"label": LabelConfig(horizon_bars=48)})
    table = build_training_set(steps, ASSETS, "1h", config)
    spans = (table.end - table.start)[table.asset_ids == 1] // HOUR
    assert spans.min() >= 1
    assert spans.max() <= 48
    assert set(table.y.tolist()) == {0, 1}


def test_too_few_samples_are_an_error(steps):
    with pytest.raises(ValueError, match="0 samples are too few to train on; min_samples is 50"):
        build_training_set(steps[:100], ASSETS, "1h", CONFIG)
