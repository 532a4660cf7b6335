"""Regimes: bull, bear or sideways, per asset."""

from ratchet.core.regime.detector import BEAR, BULL, SIDEWAYS, RegimeConfig, RegimeDetector

__all__ = ["BEAR", "BULL", "SIDEWAYS", "RegimeConfig", "RegimeDetector"]
