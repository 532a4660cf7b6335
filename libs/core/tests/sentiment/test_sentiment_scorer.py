"""Sentiment of financial texts."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from ratchet.core.sentiment import SentimentScorer, cashtags, sentiment_label

LABELLED = Path("text") / "twitter_financial_news_labelled.parquet"


@pytest.fixture(scope="module")
def scorer():
    return SentimentScorer()


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("$AAPL price target raised to $250 at Morgan Stanley", "bullish"),
        ("NVDA beats on earnings and raises guidance", "bullish"),
        ("$TSLA +4.5% premarket after upgrade", "bullish"),
        ("Carnival downgraded, shares plunge", "bearish"),
        ("$BA target cut at JPMorgan", "bearish"),
        ("$BTC -8% as the sell-off deepens", "bearish"),
        ("Exchange hacked, token crashes", "bearish"),
        ("Crude oil inventories report due today", "neutral"),
        ("Company to present at the annual shareholder meeting", "neutral"),
        ("Fed officials discuss rate cuts", "neutral"),
        ("$GOOD $WIN https://win.example/moon @bull", "neutral"),
        ("", "neutral"),
    ],
)
def test_financial_language_is_understood(scorer, text, label):
    assert sentiment_label(scorer.score(text)) == label


def test_negation_turns_a_word_around(scorer):
    assert scorer.score("results did not beat estimates") < 0 < scorer.score("results beat estimates")


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=200))
def test_any_text_has_a_score_in_range_and_always_the_same(scorer, text):
    score = scorer.score(text)
    assert -1 <= score <= 1
    assert scorer.score(text) == score


def test_cashtags_are_found_once_in_order():
    text = "$tsla and $NVDA, again $TSLA. Not $5, US$X nor $; $BRK.B."
    assert cashtags(text) == ("TSLA", "NVDA", "BRK.B")


def test_accuracy_beats_plain_vader_on_labelled_news(scorer):
    path = Path(os.environ.get("RATCHET_TEST_DATA", "shared/data")) / LABELLED
    if not path.is_file():
        pytest.skip("needs the labelled news; RATCHET_TEST_DATA names the folder of test data")
    news = pd.read_parquet(path)
    news = news[news["split"] == "valid"]
    plain = SentimentIntensityAnalyzer()
    vader = np.array([plain.polarity_scores(text)["compound"] for text in news["text"]])
    # The band that VADER's authors recommend, and the better one of ours.
    best = max(
        np.mean(
            np.select([vader >= band, vader <= -band], ["bullish", "bearish"], "neutral") == news["label"]
        )
        for band in (0.05, 0.4)
    )
    ours = np.mean([sentiment_label(scorer.score(text)) for text in news["text"]] == news["label"])
    assert ours > 0.72
    assert ours > best + 0.1
