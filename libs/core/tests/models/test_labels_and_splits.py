"""Labels look ahead as far as they say; no training label touches a test window or its embargo."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.core.models import PurgedKFold, forward_return, triple_barrier

# close, high, low of the bars after a close of 100 with barriers at 98 and 102, and the label and its bar.
TABLES = {
    "upper first": ([(101, 101, 100), (101, 103, 100), (95, 101, 94)], 1, 2),
    "lower first": ([(99, 101, 97), (105, 106, 99), (105, 106, 99)], 0, 1),
    "neither, closes up": ([(100, 101, 99), (100, 101, 99), (100.5, 101, 99)], 1, 3),
    "neither, closes down": ([(100, 101, 99), (100, 101, 99), (99.5, 101, 99)], 0, 3),
    "both in one bar, closes down": ([(99, 103, 97), (100, 101, 99), (100, 101, 99)], 0, 1),
}


@pytest.mark.parametrize("name", TABLES)
def test_triple_barrier(name):
    bars, label, end = TABLES[name]
    close, high, low = np.array([(100, 100, 100), *bars, *[(100, 100, 100)] * 3], dtype=float).T.copy()
    labels, ends = triple_barrier(high, low, close, np.full(close.size, 0.02), 3)
    assert (labels[0], ends[0]) == (label, end)
    assert labels[-3:].tolist() == ends[-3:].tolist() == [-1, -1, -1]


def test_unknown_barriers_have_no_label():
    flat = np.full(10, 100.0)
    labels, _ = triple_barrier(flat, flat, flat, np.full(10, np.nan), 2)
    assert (labels == -1).all()


def test_forward_return():
    labels, ends = forward_return(np.array([1.0, 2.0, 3.0, 1.0, 1.0]), 2)
    assert labels.tolist() == [1, 0, 0, -1, -1]
    assert ends.tolist() == [2, 3, 4, -1, -1]
    assert forward_return(np.array([1.0]), 2)[0].tolist() == [-1]


@settings(max_examples=60, deadline=None)
@given(
    spans=st.lists(st.tuples(st.integers(0, 500), st.integers(0, 60)), min_size=8, max_size=80),
    folds=st.integers(2, 5),
    embargo=st.integers(0, 100),
)
def test_no_training_label_overlaps_a_test_window_or_its_embargo(spans, folds, embargo):
    start = np.array([begin for begin, _ in spans], dtype=np.int64)
    end = start + np.array([length for _, length in spans])
    if np.unique(start).size < folds:
        with pytest.raises(ValueError, match="too few"):
            list(PurgedKFold(folds, embargo).split(start, end))
        return
    tested_ever = []
    for trained, tested in PurgedKFold(folds, embargo).split(start, end):
        first, last = start[tested].min(), end[tested].max()
        assert not set(trained) & set(tested)
        assert all(end[row] < first or start[row] > last + embargo for row in trained)
        dropped = set(range(len(spans))) - set(trained) - set(tested)
        assert all(end[row] >= first and start[row] <= last + embargo for row in dropped)
        tested_ever.extend(tested.tolist())
    assert sorted(tested_ever) == list(range(len(spans)))


def test_bad_folds_are_named():
    with pytest.raises(ValueError, match="n_splits is 1"):
        PurgedKFold(1, 0)
    with pytest.raises(ValueError, match="embargo_ns is -1"):
        PurgedKFold(2, -1)
