"""Signals: what the strategies of a universe agree on."""

from ratchet.core.signals.types import MarketContext, Signal, SignalBatch

__all__ = ["MarketContext", "Signal", "SignalBatch"]
