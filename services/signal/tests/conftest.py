"""History in the database, and workers over it."""

import numpy as np
import pytest

from ratchet.common.codec import encode_signals
from ratchet.common.timestamps import to_datetime
from ratchet.core.signals import Prediction
from ratchet.signal.sentiment import SentimentView
from ratchet.signal.store import SignalStore
from ratchet.signal.worker import UniverseWorker

# A short warm-up and an eager consensus, so that a few days of bars give signals.
EAGER = """
strategies:
  consensus: {warmup_bars: 30, enter_confidence: 0.55, exit_confidence: 0.55, min_votes: 1, min_hold_bars: 3,
    repeat_bars: 4, respect_regime: false}
"""


@pytest.fixture
def market(open_platform, db):
    """A platform with 120 hourly bars of two pairs: its batches, stored in the database."""
    platform = open_platform(bars=120, config=EAGER)
    batches = [batch for step in platform.dataset.steps(platform.registry) for batch in step]
    rows = []
    for batch in batches:
        columns = zip(
            batch.asset_ids.tolist(),
            batch.open,
            batch.high,
            batch.low,
            batch.close,
            batch.volume,
            strict=True,
        )
        for asset, *prices in columns:
            times = (to_datetime(batch.start), to_datetime(batch.ts))
            rows.append((platform.registry[asset].symbol, "1h", *times, "crypto", *prices))
    names = ("symbol", "timeframe", "ts", "event_ts", "asset_class", "open", "high", "low", "close", "volume")
    with db.transaction() as cursor:
        db.copy(cursor, "bars", names, rows)
    return platform, batches


def predict(rows):
    """A model that any process agrees on."""
    momentum = np.nan_to_num(rows.sum(axis=1), nan=0.0, posinf=0.0, neginf=0.0)
    return Prediction(0.5 + 0.4 * np.tanh(momentum).astype(np.float64), "v1")


@pytest.fixture
def model():
    return predict


@pytest.fixture
def make_worker(db, market):
    """Return a worker as a new process makes it."""
    platform, _ = market

    def make(predictor=predict, checkpoint_every_bars=250):
        assets = platform.registry.of_universe("crypto")
        store = SignalStore(db, platform.registry)
        sentiment = SentimentView(store, assets, chunk_ns=10**15)
        return UniverseWorker(assets, platform.strategies, store, predictor, sentiment, checkpoint_every_bars)

    return make


@pytest.fixture
def wire():
    """Return the bytes of signal batches: equal bytes are equal decisions and contexts."""

    def encode(*batches):
        return [encode_signals(batch).SerializeToString(deterministic=True) for batch in batches]

    return encode
