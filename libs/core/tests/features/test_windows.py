"""Sliding windows equal a recomputation over the raw values, whatever the values and lengths."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.core.features import windows

PRICES = st.lists(st.floats(1e-6, 1e12), min_size=1, max_size=60)
WIDTHS = st.integers(2, 9)


def _run(window, values, width):
    state = np.zeros((3 * width + 3, 1))
    return [window(state, 0, width, 0, k, value) for k, value in enumerate(values)]


def _expected(values, width, aggregate):
    return [aggregate(np.array(values[k + 1 - width : k + 1])) for k in range(width - 1, len(values))]


def _known(results, width):
    assert all(np.isnan(result).all() for result in results[: width - 1])
    return results[width - 1 :]


@settings(max_examples=60, deadline=None)
@given(PRICES, WIDTHS)
def test_rolling_sum_and_maximum_equal_the_recomputation(values, width):
    np.testing.assert_allclose(
        _known(_run(windows.rolling_sum, values, width), width), _expected(values, width, np.sum), rtol=1e-12
    )
    np.testing.assert_array_equal(
        _known(_run(windows.rolling_max, values, width), width), _expected(values, width, np.max)
    )


@settings(max_examples=60, deadline=None)
@given(PRICES, WIDTHS)
def test_rolling_moments_do_not_cancel(values, width):
    moments = _known(_run(windows.rolling_moments, values, width), width)
    means = _expected(values, width, np.mean)
    np.testing.assert_allclose([mean for mean, _ in moments], means, rtol=1e-12)
    deviations = np.sqrt([m2 / width for _, m2 in moments])
    np.testing.assert_allclose(
        deviations, _expected(values, width, np.std), rtol=1e-6, atol=1e-12 * max(values)
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=60), WIDTHS)
def test_age_of_the_maximum_is_that_of_the_latest_of_equals(values, width):
    ages = _run(windows.bars_since_max, [float(value) for value in values], width)
    assert _known(ages, width) == _expected(values, width, lambda window: float(np.argmax(window[::-1])))


def test_variance_survives_a_price_far_above_its_moves():
    rng = np.random.default_rng(5)
    moves = rng.normal(0, 1e-3, 400)
    moments = _run(windows.rolling_moments, list(1e9 + moves), 20)
    exact = (1e9 + moves) - 1e9
    for k in (19, 200, 399):
        assert np.sqrt(moments[k][1] / 19) == pytest.approx(exact[k - 19 : k + 1].std(ddof=1), rel=1e-3)


def test_lag_returns_the_value_of_so_many_bars_ago():
    lagged = _run(windows.lag, [1.0, 2.0, 3.0, 4.0, 5.0], 3)
    assert np.isnan(lagged[:3]).all()
    assert lagged[3:] == [1.0, 2.0]
