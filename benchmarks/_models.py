"""A trained model for the large universe: 300 trees, as big as one in production would be."""

import functools
from pathlib import Path

import numpy as np

from benchmarks._universe import TIMEFRAME, UNIVERSE, _there_and_back, _walks
from benchmarks.backtest import registry_of
from ratchet.core.market import BarBatch
from ratchet.core.models import ModelStore, TrainedModel, TrainingConfig, build_training_set, train

SYMBOLS, BARS = 20, 2_400
MINUTE_NS = 60_000_000_000


@functools.cache
def trained() -> TrainedModel:
    """Return a model that was trained on random walks."""
    registry = registry_of([f"S{i:04}" for i in range(SYMBOLS)])
    prices = _there_and_back(_walks(SYMBOLS))
    ids = np.arange(SYMBOLS, dtype=np.uint32)
    steps = [
        (BarBatch(UNIVERSE, TIMEFRAME, (1_000_000 + t) * MINUTE_NS, ids, *next(prices)),) for t in range(BARS)
    ]
    config = TrainingConfig(
        warmup_bars=100, sample_every_bars=4, cv_folds=2, embargo_bars=24, max_iterations=300,
        max_leaf_nodes=31, min_samples_leaf=20,
    )  # fmt: skip
    return train(build_training_set(steps, registry.of_universe(UNIVERSE), TIMEFRAME, config), config)


def train_into(folder: Path) -> None:
    """Save the model in a folder of models and put it into production."""
    store = ModelStore(folder)
    model = trained()
    store.save(model)
    store.promote(UNIVERSE, model.card.version)
