"""Signals: what the strategies of a universe agree on.

The engine and its configuration bring the compiled kernels along, so they are imported when they are first
asked for: whoever only passes signals on starts without them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ratchet.core.signals.types import MarketContext, Signal, SignalBatch

if TYPE_CHECKING:
    from ratchet.core.signals.config import ConsensusConfig, StrategiesConfig, StrategyEntry
    from ratchet.core.signals.engine import Prediction, Predictor, SignalEngine

__all__ = [
    "ConsensusConfig",
    "MarketContext",
    "Prediction",
    "Predictor",
    "Signal",
    "SignalBatch",
    "SignalEngine",
    "StrategiesConfig",
    "StrategyEntry",
]

_LATER = {
    "ConsensusConfig": "config",
    "StrategiesConfig": "config",
    "StrategyEntry": "config",
    "Prediction": "engine",
    "Predictor": "engine",
    "SignalEngine": "engine",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
