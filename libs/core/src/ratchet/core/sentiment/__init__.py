"""Sentiment of financial texts."""

from ratchet.core.sentiment.scorer import NEUTRAL_BAND, SentimentScorer, cashtags, sentiment_label

__all__ = ["NEUTRAL_BAND", "SentimentScorer", "cashtags", "sentiment_label"]
