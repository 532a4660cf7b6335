"""Compile the numeric kernels once, into numba's cache on disk: `python -m ratchet.core.warmup`.

Processes that start together would otherwise each compile the same kernels.
"""

from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from ratchet.core.assets import Asset, AssetClass
from ratchet.core.features import compute_table
from ratchet.core.market import BarBatch
from ratchet.core.market.validation import BarValidator
from ratchet.core.options.pricing import american_greeks, implied_volatility
from ratchet.core.signals import ConsensusConfig, Prediction, SignalEngine, StrategiesConfig

_HOUR_NS = 3_600_000_000_000
_START_HOURS = 400_000
_BARS = 3


def compile_kernels() -> None:
    """Run a few made-up bars through everything that is compiled."""
    asset = Asset(
        0, "WARM/UP", AssetClass.CRYPTO, 0, "alpaca", "crypto", "24/7",
        Decimal("0.01"), Decimal("0.0001"), Decimal(1), 0.1, 0.08,
    )  # fmt: skip
    config = StrategiesConfig(consensus=ConsensusConfig(warmup_bars=1))
    engine = SignalEngine([asset], "1h", config)
    validator = BarValidator([asset.calendar])
    for number in range(1, _BARS + 1):
        batch = _batch(number)
        validator.validate(batch)
        engine.on_bars(batch, predict=_predict)
    history = np.full((_BARS, 1), 100.0)
    compute_table(history, history, history, history, history)
    american_greeks(100.0, 100.0, 0.5, 0.2, 1.0)
    implied_volatility(10.0, 100.0, 100.0, 0.5, 1.0)


def _batch(number: int) -> BarBatch:
    column = np.array([100.0 + number])
    ids = np.zeros(1, dtype=np.uint32)
    return BarBatch(
        "crypto", "1h", (_START_HOURS + number) * _HOUR_NS, ids, column, column, column, column, column
    )


def _predict(rows: NDArray[np.float32]) -> Prediction:
    return Prediction(np.full(len(rows), 0.5), "warm-up")


if __name__ == "__main__":
    compile_kernels()
