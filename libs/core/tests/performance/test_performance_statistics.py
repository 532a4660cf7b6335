import json
import math
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.weightstats import DescrStatsW

from ratchet.core.assets import AssetClass
from ratchet.core.performance import (
    DailyPerformance,
    Summary,
    cagr,
    calmar_ratio,
    drawdown,
    exposure,
    figures_of,
    max_drawdown,
    periods_per_year,
    profit_factor,
    returns_of,
    sharpe_ratio,
    sortino_ratio,
    total_return,
    volatility,
    win_rate,
)

RETURNS = [0.01, -0.02, 0.03, 0.00, -0.01]
several = st.lists(st.floats(-0.5, 0.5), min_size=2, max_size=60)


def test_figures_computed_by_hand():
    # Mean 0.002; squared deviations 64, 484, 784, 4, 144 (x 1e-6) sum to 1.48e-3, over 4 is 3.7e-4.
    deviation = math.sqrt(3.7e-4)
    assert volatility(RETURNS, 252) == pytest.approx(deviation * math.sqrt(252))
    assert sharpe_ratio(RETURNS, 252) == pytest.approx(0.002 / deviation * math.sqrt(252))
    assert sharpe_ratio(RETURNS, 365, risk_free=0.001) == pytest.approx(0.001 / deviation * math.sqrt(365))
    # Squares of the losses 4e-4 and 1e-4, over all 5 periods: 1e-4.
    assert sortino_ratio(RETURNS, 252) == pytest.approx(0.002 / 0.01 * math.sqrt(252))
    # Wealth 1.01, 0.9898, 1.019494, 1.019494, 1.00929906: the first fall, of 2 %, is the deepest.
    assert drawdown(RETURNS) == pytest.approx([0, -0.02, 0, 0, -0.01])
    assert max_drawdown(RETURNS) == pytest.approx(0.02)
    assert total_return(RETURNS) == pytest.approx(0.00929906)
    assert cagr(RETURNS, 10) == pytest.approx(1.00929906**2 - 1)
    assert calmar_ratio(RETURNS, 10) == pytest.approx((1.00929906**2 - 1) / 0.02)


def test_a_loss_from_the_start_is_a_drawdown_from_the_capital():
    assert max_drawdown([-0.1, 0.05]) == pytest.approx(0.1)
    assert max_drawdown([0.1, 0.2]) == 0.0
    assert max_drawdown([]) == 0.0


def test_trades():
    profits = [100.0, -50.0, 0.0, 25.0]
    assert win_rate(profits) == 0.5
    assert profit_factor(profits) == 2.5
    assert exposure([50, 0, -25], [100, 100, 100]) == pytest.approx(0.25)


def test_what_cannot_be_known_is_not_a_number():
    undefined = [
        sharpe_ratio([], 252),
        sharpe_ratio([0.01], 252),
        sharpe_ratio([0.01] * 20, 252),
        sortino_ratio([0.01, 0.02], 252),
        sortino_ratio([], 252),
        volatility([0.01], 252),
        calmar_ratio([0.01], 252),
        cagr([], 252),
        win_rate([]),
        profit_factor([1.0]),
        exposure([], []),
    ]
    assert all(math.isnan(value) for value in undefined)
    assert cagr([-1.0, 0.5], 252) == -1.0


def test_returns_of_equity():
    assert returns_of([100, 110, 99]) == pytest.approx([0.1, -0.1])
    assert len(returns_of([100])) == 0
    with pytest.raises(ValueError, match="lowest value is -1"):
        returns_of([100, -1, 5])


def test_days_per_year():
    assert periods_per_year(AssetClass.CRYPTO) == periods_per_year(None) == 365
    assert periods_per_year(AssetClass.STOCK) == periods_per_year(AssetClass.SPECULATIVE) == 252


@settings(max_examples=60, deadline=None)
@given(several)
def test_ratios_agree_with_pandas_and_statsmodels(returns):
    series = pd.Series(returns)
    reference = DescrStatsW(returns)
    if series.std() > 1e-6:
        assert sharpe_ratio(returns, 252) == pytest.approx(series.mean() / series.std() * 252**0.5)
        # The t statistic of the mean is the Sharpe ratio over n periods.
        assert sharpe_ratio(returns, len(returns)) == pytest.approx(reference.ttest_mean(0)[0], abs=1e-9)
    assert volatility(returns, 365) == pytest.approx(series.std() * 365**0.5, abs=1e-9)
    wealth = pd.concat([pd.Series([1.0]), (1 + series).cumprod()])
    assert max_drawdown(returns) == pytest.approx(-(wealth / wealth.cummax() - 1).min(), abs=1e-12)
    assert total_return(returns) == pytest.approx(wealth.iloc[-1] - 1)
    downside = np.sqrt((series.clip(upper=0) ** 2).mean())
    if downside > 1e-6:
        assert sortino_ratio(returns, 252) == pytest.approx(series.mean() / downside * 252**0.5)


@settings(max_examples=60, deadline=None)
@given(several)
def test_drawdown_lies_between_nothing_and_everything(returns):
    assert 0 <= max_drawdown(returns) <= 1
    assert (drawdown(returns) <= 0).all()


def row(asset_class, return_ratio, trades=0, wins=0):
    return DailyPerformance(
        "2024-03-18", asset_class, Decimal(1), return_ratio, Decimal(100), Decimal(99), trades, wins
    )


def test_summary_figures_follow_from_the_daily_rows():
    rows = [row("total", 0.01, 2, 1), row("crypto", 0.05), row("total", -0.02, 1, 1), row("total", 0.03)]
    figures = figures_of(rows)
    assert figures.sharpe == pytest.approx(sharpe_ratio([0.01, -0.02, 0.03], 365))
    assert (figures.max_drawdown, figures.trades) == (pytest.approx(0.02), 3)
    assert figures.win_rate == pytest.approx(2 / 3)
    crypto = figures_of(rows, "crypto")
    assert (crypto.sharpe, crypto.win_rate) == (None, None)


def test_the_summary_is_json_with_plain_numbers():
    summary = Summary(
        bars=10,
        signals=4,
        orders=2,
        fills=2,
        rejections=1,
        equity_start=Decimal("100000"),
        equity_end=Decimal("100000.10000000"),
        sharpe=None,
        max_drawdown=0.01,
        win_rate=0.5,
        phases=[{"phase": 0, "status": "active"}],
        elapsed_s=1.5,
        orders_digest="ab",
    )
    record = json.loads(summary.to_json())
    required = (
        "bars signals orders fills rejections equity_start equity_end sharpe max_drawdown win_rate phases"
    )
    assert set(record) >= {*required.split(), "elapsed_s", "orders_digest"}
    assert (record["equity_start"], record["equity_end"]) == (100000, 100000.1)
    assert record["sharpe"] is None
