"""Chart patterns, per asset and bar."""

from ratchet.core.patterns.candles import CANDLES, CandlePatterns, detect

__all__ = ["CANDLES", "CandlePatterns", "detect"]
