"""Made-up histories with real shapes."""

import numpy as np
import pytest


def _walk(seed, bars=600, start=100.0):
    rng = np.random.default_rng(seed)
    close = start * np.exp(np.cumsum(rng.normal(0, 0.01, bars)))
    open_ = np.concatenate(([start], close[:-1]))
    high = np.maximum(open_, close) * (1 + rng.exponential(0.003, bars))
    low = np.minimum(open_, close) * (1 - rng.exponential(0.003, bars))
    volume = rng.lognormal(8, 1, bars)
    return open_, high, low, close, volume


@pytest.fixture(scope="session")
def walk():
    """Return open, high, low, close and volume of one random walk."""
    return _walk


@pytest.fixture(scope="session")
def market():
    """Return the five columns [T, N] of a universe of random walks."""

    def make(seed, bars, n_assets):
        histories = [_walk(seed * 100 + asset, bars) for asset in range(n_assets)]
        return [np.column_stack([history[k] for history in histories]) for k in range(5)]

    return make
