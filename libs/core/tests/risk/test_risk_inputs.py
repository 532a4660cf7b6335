"""What the session gathers for risk: exactly, with bounds, and the same after a restart."""

import json
from decimal import Decimal

import numpy as np
import pytest

from ratchet.core.assets.contracts import FIRST_CONTRACT_ID
from ratchet.core.market import BarBatch
from ratchet.core.orders import Intent, Order, Side
from ratchet.core.risk import Greeks
from ratchet.core.risk.contracts import ContractView
from ratchet.core.risk.inputs import RETURN_DAYS, RiskInputs
from ratchet.core.signals import MarketContext

T = 1_700_000_000_000_000_000
MINUTE = 60_000_000_000


@pytest.fixture
def inputs(desk):
    return RiskInputs(desk.registry)


def bars(ids, close, volume):
    column = np.array(close, dtype=float)
    return BarBatch(
        "all", "1h", T, np.array(ids, np.uint32), column, column, column, column, np.array(volume, float)
    )


def context(inputs, *ids, marks=None, ts=T):
    size = 30
    prices = np.full(size, 100.0) if marks is None else marks
    return inputs.context(ids, prices, np.full(size, T), ts)


def test_money_traded_is_an_exponential_average_that_begins_with_the_first_bar(inputs):
    inputs.note_bars([bars([0, 2], [10.0, 5.0], [100.0, 0.0])])
    inputs.note_bars([bars([0], [20.0], [100.0])])
    facts = context(inputs, 0, 1, 2).assets
    assert facts[0].bar_notional == pytest.approx(1_000 + 2 / 21 * 1_000)
    assert facts[1].bar_notional == facts[2].bar_notional == 0.0


def test_an_asset_without_a_mark_has_no_facts(inputs):
    marks = np.zeros(30)
    marks[3] = 7.0
    assert list(context(inputs, 2, 3, marks=marks).assets) == [3]


def test_regime_spread_events_and_greeks_are_told_once_known(inputs):
    facts = context(inputs, 0).assets[0]
    assert (facts.regime, facts.spread_ratio, facts.events, facts.greeks) == (None, None, (), None)
    ids = np.array([0], np.uint32)
    one, unknown = np.ones(1), np.full(1, np.nan)
    bear = MarketContext(ids, one, one, np.array([-1], np.int8), unknown, unknown, unknown)
    inputs.note_contexts([bear])
    assert facts.quote_ts is None
    inputs.note_spreads(ids, np.array([0.002]), np.array([T - 3]))
    inputs.set_events({0: (T + 5,)})
    facts = context(inputs, 0).assets[0]
    assert (facts.regime, facts.spread_ratio, facts.quote_ts) == (-1, 0.002, T - 3)
    assert facts.events == (T + 5,)
    inputs.note_spreads(ids, unknown, np.array([T]))
    assert (context(inputs, 0).assets[0].spread_ratio, context(inputs, 0).assets[0].quote_ts) == (None, None)
    assert context(inputs, 0).assets[0].greeks is None
    contract = FIRST_CONTRACT_ID + 1
    inputs.set_contracts({contract: ContractView(0, 5.0, T, 0.1, Greeks(1_000.0, 2.0, 3.0, 4.0))})
    facts = context(inputs, 0, contract).assets[contract]
    assert (facts.mark, facts.mark_ts, facts.regime, facts.spread_ratio) == (5.0, T, -1, 0.1)
    assert (facts.events, facts.greeks) == ((T + 5,), Greeks(1_000.0, 2.0, 3.0, 4.0))


def test_a_contract_returns_what_its_delta_makes_of_its_underlyings_returns(inputs):
    for close in (100.0, 101.0, 99.99):
        inputs.close_day(np.full(30, close))
    contract = FIRST_CONTRACT_ID + 1
    # 500 dollars of premium move by 2,500 dollars for a move of 1 of the underlying.
    inputs.set_contracts({contract: ContractView(0, 5.0, T, 0.1, Greeks(2_500.0, 0.0, 0.0, 0.0))})
    found = context(inputs, contract)
    assert found.returns[contract] == pytest.approx([0.05, -0.05])
    assert 0 not in found.assets
    inputs.set_contracts({contract: ContractView(0, 5.0, T)})
    assert contract not in context(inputs, contract).returns


def test_returns_begin_with_an_assets_second_close_and_are_bounded(inputs):
    closes = np.random.default_rng(1).uniform(50, 150, (90, 30))
    closes[:, 1] = np.where(np.arange(90) < 80, 0.0, closes[:, 1])
    closes[:, 2] = np.where(np.arange(90) < 89, 0.0, closes[:, 2])
    closes[:, 3] = 0.0
    for row in closes:
        inputs.close_day(row)
    found = inputs.returns([0, 1, 2, 3])
    expected = closes[1:, 0] / closes[:-1, 0] - 1
    np.testing.assert_array_equal(found[0], expected[-RETURN_DAYS:])
    np.testing.assert_array_equal(found[1], closes[81:, 1] / closes[80:-1, 1] - 1)
    assert set(found) == {0, 1}


def test_no_day_and_one_day_have_no_returns(inputs):
    assert inputs.returns([0]) == {}
    inputs.close_day(np.ones(30))
    assert inputs.returns([0]) == {}


def order(ts, intent=Intent.ENTRY):
    return Order("x", 0, Side.BUY, Decimal(1), intent, ts, ts)


def test_entries_of_the_last_minute_are_counted(inputs):
    for ts in (T - MINUTE, T - MINUTE + 1, T):
        inputs.note_order(order(ts))
    inputs.note_order(order(T, Intent.EXIT))
    assert context(inputs, 0).recent_entries == (T - MINUTE + 1, T)
    assert context(inputs, 0, ts=T + MINUTE).recent_entries == ()


def test_it_continues_from_its_json_and_the_stored_days(desk, inputs):
    rng = np.random.default_rng(2)
    for _ in range(70):
        inputs.note_bars([bars(range(30), rng.uniform(1, 500, 30), rng.uniform(0, 1e6, 30))])
    days = []
    for _ in range(70):
        inputs.close_day(rng.uniform(1, 500, 30))
        days.append(json.loads(json.dumps(inputs.closes_of_day())))
    inputs.note_order(order(T))
    again = RiskInputs(desk.registry)
    again.restore(json.loads(json.dumps(inputs.state())))
    for closes in days[-(RETURN_DAYS + 1) :]:
        again.load_day({**closes, "DELISTED": 3.0})
    ours, theirs = context(again, *range(30)), context(inputs, *range(30))
    assert ours.assets == theirs.assets
    assert ours.recent_entries == theirs.recent_entries
    for asset_id, returns in theirs.returns.items():
        np.testing.assert_array_equal(ours.returns[asset_id], returns)


def test_the_state_of_a_large_registry_stays_small(asset_factory):
    from ratchet.core.assets import AssetClass, Registry

    registry = Registry(asset_factory(i, AssetClass.STOCK, 0) for i in range(2_567))
    inputs = RiskInputs(registry)
    inputs.note_bars([bars(range(2_567), np.full(2_567, 123.4), np.full(2_567, 1e6))])
    for _ in range(61):
        inputs.close_day(np.full(2_567, 123.4))
    assert len(json.dumps(inputs.state())) < 15_000
