"""Signals: what the strategies of a universe agree on."""

from ratchet.core.signals.config import ConsensusConfig, StrategiesConfig, StrategyEntry
from ratchet.core.signals.engine import Prediction, Predictor, SignalEngine
from ratchet.core.signals.types import MarketContext, Signal, SignalBatch

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
