"""The stateful engine: incremental equals batch, gaps do no harm, state restores to the bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.core.features import FEATURES, INDEX, FeatureEngine, compute_table, model_rows

CROSS_SECTION = [INDEX["momentum_rank"], INDEX["relative_return_24"]]


def _feed(engine, columns, present, start=0, stop=None):
    rows = range(start, len(present) if stop is None else stop)
    return [engine.update(*(column[t] for column in columns), present[t]).copy() for t in rows]


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1000), cut=st.integers(1, 519), missing=st.floats(0, 0.5))
def test_incremental_with_a_restart_equals_batch_to_the_bit(market, seed, cut, missing):
    columns = market(seed, 520, 3)
    present = np.random.default_rng(seed).random((520, 3)) >= missing
    batch = compute_table(*columns, present)
    first, second = FeatureEngine(3), FeatureEngine(3)
    head = _feed(first, columns, present, stop=cut)
    second.restore(first.state())
    tail = _feed(second, columns, present, start=cut)
    np.testing.assert_array_equal(np.array(head + tail), batch)


def test_an_asset_with_gaps_has_the_features_of_its_own_bars(market):
    columns = market(1, 900, 2)
    present = np.ones((900, 2), dtype=bool)
    present[:, 0] = np.random.default_rng(2).random(900) > 0.2
    own = present[:, 0]
    with_gaps = compute_table(*columns, present)[own, 0]
    alone = compute_table(*(column[own, :1] for column in columns))[:, 0]
    keep = [column for column in range(len(FEATURES)) if column not in CROSS_SECTION]
    np.testing.assert_array_equal(with_gaps[:, keep], alone[:, keep])


def test_an_absent_asset_keeps_its_row_whatever_the_columns_hold(market):
    columns = market(1, 300, 2)
    engine = FeatureEngine(2)
    before = _feed(engine, columns, np.ones((300, 2), dtype=bool))[-1]
    poison = np.array([100.0, np.nan])
    after = engine.update(poison, poison, poison, poison, poison, np.array([True, False]))
    np.testing.assert_array_equal(after[1], before[1])
    assert engine.bars_seen.tolist() == [301, 300]


def test_nan_closes_count_as_absent_in_a_batch(market):
    columns = market(1, 250, 2)
    late = [column.copy() for column in columns]
    for column in late:
        column[:100, 1] = np.nan
    table = compute_table(*late)
    assert np.isnan(table[:100, 1]).all()
    assert not np.isnan(table[-1, 1, INDEX["rsi_14"]])


def test_state_of_another_universe_is_refused():
    with pytest.raises(ValueError, match="shape"):
        FeatureEngine(3).restore(FeatureEngine(2).state())
    with pytest.raises(ValueError, match="missing"):
        FeatureEngine(3).restore({})


def test_a_universe_needs_an_asset():
    with pytest.raises(ValueError, match="n_assets is 0"):
        FeatureEngine(0)


def test_model_rows_are_float32_of_the_chosen_assets(market):
    table = compute_table(*market(1, 100, 3))[-1]
    rows = model_rows(table, np.array([2, 0]))
    assert rows.dtype == np.float32
    assert rows.shape[0] == 2
    assert rows.flags["C_CONTIGUOUS"]
