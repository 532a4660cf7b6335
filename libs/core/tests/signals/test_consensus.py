"""Votes to directions, bar by bar."""

import numpy as np
import pytest

from ratchet.core.signals.config import ConsensusConfig
from ratchet.core.signals.consensus import Consensus

FAST = ConsensusConfig(min_hold_bars=0, repeat_bars=3, respect_regime=False)
# Votes of two strategies per bar, regime, and the signal (direction, confidence) or None.
UP, DOWN, OUT, WEAK = ((1, 0.8), (1, 0.8)), ((-1, 0.8), (-1, 0.8)), ((0, 0.5), (0, 0.5)), ((1, 0.8), (0, 0.5))
TABLES = {
    "a direction is taken once, then repeated every three bars": (
        FAST,
        [(UP, 0, 1), (UP, 0, None), (UP, 0, None), (UP, 0, 1), (UP, 0, None)],
    ),
    "a turn is signalled at once": (FAST, [(UP, 0, 1), (DOWN, 0, -1), (UP, 0, 1)]),
    "a turn waits for the holding time": (
        FAST.model_copy(update={"min_hold_bars": 3}),
        [(UP, 0, 1), (DOWN, 0, None), (DOWN, 0, None), (DOWN, 0, -1)],
    ),
    "votes for staying out are no signal": (FAST, [(OUT, 0, None), (UP, 0, 1), (OUT, 0, None)]),
    "one backer is not enough": (FAST, [(WEAK, 0, None)]),
    "buys wait for the regime, and a long is left in any": (
        FAST.model_copy(update={"respect_regime": True}),
        [(UP, -1, None), (UP, 0, 1), (DOWN, 1, -1), (UP, 1, 1)],
    ),
    "contradiction is no signal": (FAST, [(((1, 0.8), (-1, 0.8)), 0, None)]),
    "abstentions do not dilute": (FAST.model_copy(update={"min_votes": 1}), [(((1, 0.8), (0, 0.0)), 0, 1)]),
}


@pytest.mark.parametrize("name", TABLES)
def test_table(name):
    config, bars = TABLES[name]
    consensus = Consensus(1, np.ones(2), config)
    for votes, regime, expected in bars:
        direction = np.array([[vote] for vote, _ in votes], dtype=np.int8)
        confidence = np.array([[sure] for _, sure in votes])
        decision = consensus.update(
            direction, confidence, np.array([True]), np.array([regime], dtype=np.int8)
        )
        assert decision.direction.tolist() == ([] if expected is None else [expected])


def test_confidence_is_the_weighted_mean_vote():
    consensus = Consensus(1, np.array([3.0, 1.0]), FAST.model_copy(update={"min_votes": 1}))
    votes = np.array([[1], [-1]], dtype=np.int8), np.array([[1.0], [0.6]])
    decision = consensus.update(*votes, np.array([True]), np.zeros(1, dtype=np.int8))
    assert decision.confidence.tolist() == pytest.approx([(1 + (3 - 0.6) / 4) / 2])


def test_assets_without_a_bar_neither_signal_nor_age():
    consensus = Consensus(2, np.ones(2), FAST)
    votes = np.ones((2, 2), dtype=np.int8), np.full((2, 2), 0.9)
    regime = np.zeros(2, dtype=np.int8)
    assert consensus.update(*votes, np.array([True, True]), regime).slots.tolist() == [0, 1]
    for _ in range(2):
        assert consensus.update(*votes, np.array([True, False]), regime).slots.tolist() == []
    assert consensus.update(*votes, np.array([True, True]), regime).slots.tolist() == [0]


def test_assets_that_turn_together_are_repeated_at_their_own_bars():
    consensus = Consensus(3, np.ones(2), FAST, np.array([0, 1, 2], dtype=np.int32))
    votes = np.ones((2, 3), dtype=np.int8), np.full((2, 3), 0.9)
    signalled = [
        consensus.update(*votes, np.ones(3, dtype=np.bool_), np.zeros(3, dtype=np.int8)).slots.tolist()
        for _ in range(7)
    ]
    assert signalled == [[0, 1, 2], [], [], [0], [1], [2], [0]]
