"""The scorer: VADER's rules for negation, degree and emphasis over a lexicon tuned to finance.

Source of the rules: Hutto and Gilbert, VADER: a parsimonious rule-based model for sentiment analysis of
social media text (2014).
"""

import re

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from ratchet.core.sentiment.lexicon import FINANCE, GENERAL_WEIGHT, PHRASES

NEUTRAL_BAND = 0.4
"""Scores within this distance of 0 are neutral."""

_CASHTAG = re.compile(r"(?<!\w)\$([A-Za-z][A-Za-z.]{0,7})\b")
_NOISE = re.compile(r"https?://\S+|@\w+|\bRT\b|#")
_MOVE = re.compile(r"(?<![\w.])([+\-\u2212])\s?\d+(?:\.\d+)?\s?%")
_PHRASES = tuple((re.compile(pattern, re.IGNORECASE), f" {word} ") for pattern, word in PHRASES)


class SentimentScorer:
    """Scores texts; the same text always has the same score."""

    def __init__(self) -> None:
        self._analyzer = SentimentIntensityAnalyzer()
        lexicon = {word: valence * GENERAL_WEIGHT for word, valence in self._analyzer.lexicon.items()}
        lexicon |= FINANCE
        self._analyzer.lexicon = {word: valence for word, valence in lexicon.items() if valence}

    def score(self, text: str) -> float:
        """Return the sentiment of a text in [-1, 1]; 0 when it says nothing.

        Cashtags, links and handles do not count; signed percentages count as moves.
        """
        return float(self._analyzer.polarity_scores(_prepare(text))["compound"])


def cashtags(text: str) -> tuple[str, ...]:
    """Return the symbols that a text names as $SYMBOL, in upper case, each once, in order."""
    return tuple(dict.fromkeys(match[1].rstrip(".").upper() for match in _CASHTAG.finditer(text)))


def sentiment_label(score: float) -> str:
    """Return bullish, bearish or neutral for a score in [-1, 1]."""
    if abs(score) < NEUTRAL_BAND:
        return "neutral"
    return "bullish" if score > 0 else "bearish"


def _prepare(text: str) -> str:
    text = _NOISE.sub(" ", _CASHTAG.sub(" ", text))
    text = _MOVE.sub(lambda move: " gains " if move[1] == "+" else " falls ", text)
    for pattern, word in _PHRASES:
        text = pattern.sub(word, text)
    return text
