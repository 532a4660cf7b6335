"""Two small models with something learned, and replicas that serve them."""

import numpy as np
import pytest

from ratchet.core.features import MODEL_FEATURES
from ratchet.core.models import ModelStore, TrainingConfig, TrainingSet, train
from ratchet.ml_inference.servicer import Servicer
from ratchet.ml_inference.serving import Serving
from ratchet.ml_inference.store import ModelRegistry
from ratchet.v1.inference_pb2_grpc import InferenceStub, add_InferenceServicer_to_server

HOUR = 3_600_000_000_000
UNIVERSES = ("crypto", "stock")


def train_small(seed):
    """Train on hand-made samples; a later seed has seen later data."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(400, len(MODEL_FEATURES))).astype(np.float32)
    x[rng.random(x.shape) < 0.05] = np.nan
    y = (np.nan_to_num(x[:, 0]) + rng.normal(0, 0.5, 400) > 0).astype(np.int8)
    start = (np.arange(400) + seed) * HOUR
    table = TrainingSet(
        "crypto", "1h", ("A",), MODEL_FEATURES, x, y, start, start + 5 * HOUR, np.zeros(400, dtype=np.int64)
    )
    config = TrainingConfig(cv_folds=2, embargo_bars=5, max_iterations=5, min_samples_leaf=20)
    return train(table, config)


@pytest.fixture(scope="session")
def older():
    return train_small(1)


@pytest.fixture(scope="session")
def newer():
    return train_small(2)


@pytest.fixture
def folder(tmp_path, older):
    """A model folder as `ratchet train` leaves it."""
    store = ModelStore(tmp_path / "models")
    store.save(older)
    store.promote("crypto", older.card.version)
    return store


@pytest.fixture
def registry(db):
    return ModelRegistry(db)


@pytest.fixture
def start_replica(db, serve):
    """Start a replica with a memory of its own; return (serving, stub)."""

    def start():
        registry = ModelRegistry(db)
        serving = Serving(registry, UNIVERSES)
        servicer = Servicer(registry, serving)
        channel = serve(
            "ratchet.v1.Inference", lambda server: add_InferenceServicer_to_server(servicer, server)
        )
        return serving, InferenceStub(channel)

    return start
