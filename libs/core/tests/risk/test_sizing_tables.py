"""Sizes against tables worked by hand: equity 100,000, price 100, stop 8 %, so that 1 unit is 0.1 %."""

import math
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from ratchet.core.risk import RiskConfig, RiskEngine, TradeRecord
from ratchet.core.risk.records import DECAY, TradeRecords


def figures(desk, proposal=None, config=None, context=None, **snapshot):
    proposal = proposal or desk.entry(0)
    engine = RiskEngine(desk.registry, config or RiskConfig())
    verdicts = engine.evaluate(
        desk.snapshot(**snapshot), [proposal], desk.phases, desk.now, context or desk.context(proposal)
    )
    return verdicts[0]


# W - (1 - W) / R, halved; below 2 % the floor holds.
KELLY = [
    # trades, winners, mean win, mean loss, units
    (29.0, 0.60, 0.10, 0.05, None),  # too few trades
    (30.0, 0.60, 0.10, 0.05, 200.0),  # 0.6 - 0.4 / 2 = 0.40
    (80.0, 0.55, 0.06, 0.06, 50.0),  # 0.55 - 0.45 = 0.10
    (80.0, 0.40, 0.12, 0.06, 50.0),  # 0.4 - 0.6 / 2 = 0.10
    (80.0, 0.52, 0.05, 0.05, 20.0),  # 0.52 - 0.48 = 0.04, exactly at the floor
    (80.0, 0.30, 0.05, 0.05, 20.0),  # no edge
    (80.0, 1.00, 0.05, 0.00, 500.0),  # never lost: W = 1
    (80.0, 0.00, 0.00, 0.05, 20.0),  # never won
]


@pytest.mark.parametrize(("trades", "winners", "win", "loss", "units"), KELLY)
def test_kelly_by_hand(desk, trades, winners, win, loss, units):
    context = replace(desk.context(), records={"crypto": TradeRecord(trades, winners, win, loss)})
    verdict = figures(desk, context=context)
    if units is None:
        assert "qty_kelly" not in verdict.figures
    else:
        assert verdict.figures["qty_kelly"] == pytest.approx(units)
        assert float(verdict.qty) == pytest.approx(min(units, 100.0), abs=1e-4)


def test_kelly_is_that_of_the_class_and_can_be_switched_off(desk):
    context = replace(desk.context(), records={"stock": TradeRecord(80, 0.3, 0.05, 0.05)})
    assert "qty_kelly" not in figures(desk, context=context).figures
    off = figures(desk, desk.entry(1), RiskConfig(kelly_safety=0), context)
    assert "qty_kelly" not in off.figures
    none = figures(desk, desk.entry(1), RiskConfig(kelly_floor_ratio=0), context)
    assert none.reasons == ("KELLY_LIMIT",)


@pytest.mark.parametrize(
    ("volatility", "units"),
    [(0.02, 100.0), (0.04, 50.0), (0.002, 1_000.0), (0.0, None)],  # 0.2 % of equity over volatility
)
def test_volatility_target_by_hand(desk, volatility, units):
    found = figures(desk, desk.entry(0, volatility=volatility)).figures
    assert found.get("qty_volatility_target") == (None if units is None else pytest.approx(units))


@pytest.mark.parametrize(("ratio", "units"), [(0.01, 125.0), (0.005, 62.5), (0.02, 250.0)])
def test_fixed_risk_by_stop_distance_by_hand(desk, ratio, units):
    found = figures(desk, config=RiskConfig(risk_per_trade_ratio=ratio)).figures
    assert found["qty_trade_risk"] == pytest.approx(units)  # ratio x 100,000 / 8


CORRELATED = [
    # (correlation, exposure) of two held assets -> units: 100 / (1 + weighted mean of the positive ones)
    ((1.0, 10_000), (1.0, 5_000), 50.0),
    ((0.5, 10_000), (0.5, 10_000), 100.0 / 1.5),
    ((0.6, 15_000), (0.0, 5_000), 100.0 / 1.45),
    ((-1.0, 10_000), (0.4, 10_000), 100.0 / 1.2),
    ((-1.0, 10_000), (-0.5, 10_000), 100.0),
]


@pytest.mark.parametrize(("first", "second", "units"), CORRELATED)
def test_inverse_correlation_by_hand(desk, first, second, units):
    context = desk.context()
    base, returns = context.returns[0], dict(context.returns)
    for asset_id, (rho, _) in zip((6, 1), (first, second), strict=True):
        returns[asset_id] = rho * base + math.sqrt(1 - rho**2) * context.returns[asset_id]
    held = tuple(
        desk.position(asset_id, str(exposure // 100))
        for asset_id, (_, exposure) in zip((6, 1), (first, second), strict=True)
    )
    config = RiskConfig(class_limit_ratio={"crypto": 1, "stock": 1}, max_correlated_ratio=10)
    found = figures(desk, config=config, context=replace(context, returns=returns), positions=held).figures
    assert found["qty_correlation_scaling"] == pytest.approx(units)


def test_half_a_scaling_shrinks_half_as_much(desk):
    context = desk.context()
    same = replace(context, returns=dict.fromkeys((0, 6), context.returns[0]))
    held = (desk.position(6, "50"),)
    config = RiskConfig(correlation_scaling=0.5)
    assert figures(desk, config=config, context=same, positions=held).figures[
        "qty_correlation_scaling"
    ] == pytest.approx(100 / 1.5)


def test_the_smallest_figure_wins_and_every_other_is_shown(desk):
    verdict = figures(desk, desk.entry(0, volatility=0.03))
    shown = {name: value for name, value in verdict.figures.items() if name.startswith("qty_")}
    assert shown == pytest.approx(
        {
            "qty_position_limit": 150.0,
            "qty_order_limit": 100.0,
            "qty_notional_limit": 10_000.0,
            "qty_asset_limit": 100.0,
            "qty_trade_risk": 125.0,
            "qty_volatility_target": 200 / 3,
            "qty_class_limit": 200.0,
            "qty_exposure_limit": 800.0,
            "qty_heat_limit": 3_125.0,
            "qty_correlation_limit": 600.0,
            "qty_cash_available": 970.0,
            "qty_liquidity_limit": 500_000.0,
        }
    )
    assert verdict.qty == Decimal("66.6666")


def test_a_record_forgets_slowly_and_survives_its_json():
    records, sums = TradeRecords(), np.zeros(5)
    for ratio in np.random.default_rng(3).normal(0.01, 0.05, 200):
        records.add("crypto", float(ratio))
        sums = sums * DECAY + [1, ratio > 0, ratio < 0, max(ratio, 0), max(-ratio, 0)]
    record = records.all()["crypto"]
    assert record.trades == pytest.approx(sums[0])
    assert record.trades < 1 / (1 - DECAY)
    assert record.win_ratio == pytest.approx(sums[1] / sums[0])
    assert (record.mean_win, record.mean_loss) == pytest.approx((sums[3] / sums[1], sums[4] / sums[2]))
    again = TradeRecords()
    again.restore(records.state())
    assert again.all() == records.all()
