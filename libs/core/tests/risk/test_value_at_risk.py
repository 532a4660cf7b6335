"""Value at risk, contributions and stress tests against numpy, scipy and statsmodels."""

import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats
from statsmodels.stats.weightstats import DescrStatsW

from ratchet.core.assets import AssetClass
from ratchet.core.risk import Greeks, RiskContext
from ratchet.core.risk.measures.contributions import var_contributions
from ratchet.core.risk.measures.report import report
from ratchet.core.risk.measures.stress import Scenario, standard_scenarios, stress
from ratchet.core.risk.measures.var import cornish_fisher, historical, monte_carlo, parametric

LEVELS = (0.95, 0.99)
samples = st.builds(
    lambda seed, days, scale: np.random.default_rng(seed).standard_t(4, days) * scale,
    st.integers(0, 2**32),
    st.integers(2, 400),
    st.floats(1e-3, 1e5),
)


@pytest.mark.parametrize(
    ("confidence", "var", "cvar"), [(0.95, 95.0, 98.0), (0.99, 99.0, 99.5), (0.5, 50.0, 75.0)]
)
def test_historical_by_hand(confidence, var, cvar):
    # Losses of 0, 1 ... 100: the quantile is the loss itself, the shortfall the mean from it on.
    losses = np.random.default_rng(0).permutation(np.arange(101.0))
    found = historical(-losses, confidence)
    assert found.var == pytest.approx(var, abs=1)
    assert found.cvar == pytest.approx((found.var + 100) / 2)


@settings(deadline=None, max_examples=60)
@given(pnl=samples, confidence=st.sampled_from(LEVELS))
def test_historical_equals_scipys_empirical_quantile(pnl, confidence):
    found = historical(pnl, confidence)
    exact = np.sort(-pnl)[math.ceil(round(confidence * (pnl.size - 1), 9))]
    assert found.var == pytest.approx(max(exact, 0.0))
    assert found.cvar >= found.var


@settings(deadline=None, max_examples=60)
@given(pnl=samples, confidence=st.sampled_from(LEVELS))
def test_parametric_equals_scipy(pnl, confidence):
    described = DescrStatsW(pnl, ddof=1)
    normal = stats.norm(described.mean, described.std)
    found = parametric(pnl, confidence)
    assert found.var == pytest.approx(max(-normal.ppf(1 - confidence), 0.0), rel=1e-9, abs=1e-12)
    tail, _ = integrate.quad(normal.ppf, 0, 1 - confidence)
    assert found.cvar == pytest.approx(max(-tail / (1 - confidence), 0.0), rel=1e-5)


def test_cornish_fisher_follows_skewness_and_kurtosis():
    rng = np.random.default_rng(11)
    pnl = stats.skewnorm.rvs(-6, size=20_000, random_state=rng)
    found, normal = cornish_fisher(pnl, 0.99), parametric(pnl, 0.99)
    z, skew, kurtosis = stats.norm.ppf(0.01), stats.skew(pnl), stats.kurtosis(pnl)
    corrected = z + (z**2 - 1) * skew / 6 + (z**3 - 3 * z) * kurtosis / 24 - (2 * z**3 - 5 * z) * skew**2 / 36
    assert found.var == pytest.approx(-(pnl.mean() + corrected * pnl.std(ddof=1)))
    true = -stats.skewnorm.ppf(0.01, -6)
    assert abs(found.var - true) < abs(normal.var - true) / 4
    assert found.cvar > found.var


def test_cornish_fisher_of_a_normal_sample_is_the_normal_figure():
    pnl = stats.norm.ppf((np.arange(100_000) + 0.5) / 100_000)
    found, normal = cornish_fisher(pnl, 0.95), parametric(pnl, 0.95)
    assert (found.var, found.cvar) == pytest.approx((normal.var, normal.cvar), rel=2e-3)
    still = cornish_fisher(np.full(10, -2.0), 0.95)
    assert (still.var, still.cvar) == (2.0, 2.0)


def market(days=250, assets=4, seed=5):
    rng = np.random.default_rng(seed)
    common = rng.normal(0, 0.01, (days, 1))
    return common + rng.normal(0.0005, 0.012, (days, assets))


def test_monte_carlo_converges_to_the_parametric_figure_and_repeats_with_its_seed():
    returns, money = market(), np.array([30_000.0, -10_000.0, 20_000.0, 5_000.0])
    exact = parametric(returns @ money, 0.95)
    found = monte_carlo(money, returns, 0.95, np.random.default_rng(1), 200_000)
    assert (found.var, found.cvar) == pytest.approx((exact.var, exact.cvar), rel=0.02)
    again = monte_carlo(money, returns, 0.95, np.random.default_rng(1), 200_000)
    assert again == found


def test_monte_carlo_takes_a_singular_covariance():
    returns = np.repeat(market(assets=1), 3, axis=1)
    money = np.full(3, 10_000.0)
    found = monte_carlo(money, returns, 0.99, np.random.default_rng(1), 50_000)
    assert found.var == pytest.approx(parametric(returns @ money, 0.99).var, rel=0.05)


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32),
    money=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=8).filter(lambda m: max(map(abs, m)) > 1.0),
    confidence=st.sampled_from(LEVELS),
)
def test_contributions_sum_to_the_parametric_figure(seed, money, confidence):
    returns, exposures = market(60, len(money), seed), np.array(money)
    pnl = returns @ exposures
    z = stats.norm.ppf(confidence)
    total = -pnl.mean() + z * pnl.std(ddof=1)
    assert var_contributions(exposures, returns, confidence).sum() == pytest.approx(total, rel=1e-6, abs=1e-6)


def test_a_contribution_is_the_derivative_by_its_exposure():
    returns, money = market(), np.array([30_000.0, -10_000.0, 20_000.0, 5_000.0])
    shares = var_contributions(money, returns, 0.95)
    for i in range(4):
        up, down = money.copy(), money.copy()
        up[i] += 1.0
        down[i] -= 1.0
        slope = (parametric(returns @ up, 0.95).var - parametric(returns @ down, 0.95).var) / 2
        assert shares[i] == pytest.approx(money[i] * slope, rel=1e-4)
    assert shares[1] < 0  # the short hedges


def test_nothing_that_moves_contributes_only_its_mean():
    assert var_contributions(np.array([100.0]), np.full((5, 1), -0.01), 0.95) == pytest.approx([1.0])


@pytest.mark.parametrize("confidence", [0.0, 0.49, 1.0, float("nan")])
def test_a_confidence_outside_its_range_is_named(confidence):
    with pytest.raises(ValueError, match="confidence"):
        historical(np.ones(5), confidence)


@pytest.mark.parametrize("pnl", [np.array([1.0]), np.array([1.0, np.nan]), np.array([1.0, np.inf])])
def test_too_few_or_wrong_days_are_refused(pnl):
    with pytest.raises(ValueError, match="finite numbers"):
        parametric(pnl, 0.95)


def test_a_report_measures_what_has_a_history(desk):
    context = desk.context()
    returns = {0: context.returns[0], 1: context.returns[1][-40:], 2: context.returns[2][-5:]}
    snapshot = desk.snapshot(
        positions=(desk.position(0, "100"), desk.position(1, "-50"), desk.position(2, "10"))
    )
    found = report(
        snapshot, RiskContext(context.assets, returns), desk.registry, standard_scenarios(),
        np.random.default_rng(0), min_days=20, simulations=500,
    )  # fmt: skip
    assert (found.days, found.unmeasured) == (40, (2,))
    pnl = 10_000 * returns[0][-40:] - 5_000 * returns[1]
    by = {(item.method, item.confidence): item for item in found.value_at_risk}
    assert by["historical", 0.95] == historical(pnl, 0.95)
    assert sum(found.contributions.values()) == pytest.approx(by["parametric", 0.95].var)
    assert [test.name for test in found.stress] == ["2000", "2008", "2020", "2022"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"equity": Decimal(0)}, "equity 0 must be positive"),
        ({"mark": float("nan")}, "mark nan"),
        ({"asset_id": 99}, "asset 99"),
    ],
)
def test_a_report_on_nonsense_is_refused(desk, changes, message):
    equity = changes.pop("equity", Decimal(100_000))
    position = desk.position(changes.pop("asset_id", 0), "1", **changes)
    with pytest.raises(ValueError, match=message):
        report(
            desk.snapshot(positions=(position,), equity=equity), desk.context(), desk.registry, {},
            np.random.default_rng(0), min_days=20,
        )  # fmt: skip


def test_stress_takes_the_most_specific_shock(desk, asset_factory):
    assets = [
        asset_factory(0, AssetClass.STOCK, 0),
        asset_factory(1, AssetClass.STOCK, 0, sector="technology"),
        asset_factory(2, AssetClass.STOCK, 0, sector="technology", symbol="NVDA"),
        asset_factory(3, AssetClass.LEVERAGED_ETF, 0, sector="technology"),
        asset_factory(4, AssetClass.FOREX, 0),
    ]
    scenario = Scenario(
        classes={"stock": -0.2, "leveraged_etf": -0.6}, sectors={"technology": -0.3}, symbols={"NVDA": 0.1}
    )
    held = [desk.position(i, "-100" if i == 0 else "100") for i in range(5)]
    found = stress("x", scenario, held, assets, 100_000.0, {})
    assert found.by_asset == pytest.approx({0: 2_000, 1: -3_000, 2: 1_000, 3: -6_000, 4: 0})
    assert (found.pnl, found.equity_ratio) == pytest.approx((-6_000, -0.06))


@pytest.mark.parametrize(
    ("qty", "shock", "pnl"),
    [
        ("10", -0.1, -40.0),  # 10 x (50 x -0.1 + 0.5 x 2 x 100 x 0.01) = 10 x (-5 + 1)
        ("10", -0.2, -60.0),  # 10 x (-10 + 4)
        ("10", 0.2, 140.0),
        ("-10", 0.2, -140.0),
    ],
)
def test_options_move_by_delta_and_gamma(desk, asset_factory, qty, shock, pnl):
    assets = [asset_factory(0, AssetClass.OPTION, 0)]
    held = [desk.position(0, qty, mark=8.0)]
    greeks = {0: Greeks(50.0, 2.0, 0.0, 0.0)}
    scenario = Scenario(classes={"option": shock})
    assert stress("x", scenario, held, assets, 1.0, greeks).pnl == pytest.approx(pnl)


def test_a_bought_option_loses_at_most_its_value(desk, asset_factory):
    held = [desk.position(0, "10", mark=3.0)]
    scenario, greeks = Scenario(classes={"option": -0.5}), {0: Greeks(50.0, 0.0, 0.0, 0.0)}
    found = stress("x", scenario, held, [asset_factory(0, AssetClass.OPTION, 0)], 1.0, greeks)
    assert found.pnl == pytest.approx(-30)


def test_every_class_has_a_shock_in_every_crisis():
    for scenario in standard_scenarios().values():
        assert set(scenario.classes) == set(AssetClass)
        assert all(-1 < shock < 0 for shock in scenario.classes.values())
