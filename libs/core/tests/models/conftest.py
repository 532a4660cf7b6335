"""A hand-made training set with something to learn."""

import numpy as np
import pytest

from ratchet.core.features import MODEL_FEATURES
from ratchet.core.models import TrainingConfig, TrainingSet, train

HOUR = 3_600_000_000_000


@pytest.fixture(scope="session")
def make_training_set():
    """Return samples whose first two features decide the label, with noise; some values are NaN."""

    def make(samples=1500, seed=3, horizon=24):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(samples, len(MODEL_FEATURES))).astype(np.float32)
        y = (x[:, 0] - x[:, 1] + rng.normal(0, 0.7, samples) > 0).astype(np.int8)
        x[rng.random(x.shape) < 0.03] = np.nan
        start = np.sort(rng.integers(1, 4 * samples, samples)) * HOUR
        return TrainingSet(
            universe="crypto",
            timeframe="1h",
            symbols=("A", "B"),
            feature_names=MODEL_FEATURES,
            x=x,
            y=y,
            start=start,
            end=start + horizon * HOUR,
            asset_ids=rng.integers(0, 2, samples),
        )

    return make


@pytest.fixture(scope="session")
def training_config():
    """A quick configuration."""
    return TrainingConfig(cv_folds=3, embargo_bars=24, max_iterations=20, min_samples_leaf=20)


@pytest.fixture(scope="session")
def trained(make_training_set, training_config):
    """One trained model."""
    return train(make_training_set(), training_config)
