"""Backtests in which algorithms work the orders: exact, stoppable anywhere, never more than decided."""

import json
from collections import defaultdict
from dataclasses import replace
from decimal import Decimal

import pytest

from ratchet.core.backtest import Backtest
from ratchet.core.exchange import Exchange
from ratchet.core.execution import AlgorithmsConfig
from ratchet.core.orders import Intent, OrderType, child_order_id
from ratchet.core.trader import TradingSession, is_protective

HOUR = 3_600_000_000_000
ALGORITHMS = AlgorithmsConfig(
    rules=[
        {
            "asset_class": "crypto", "intent": "entry", "algo": "twap", "duration_s": 6 * 3600,
            "parameters": {"slices": 3, "randomness": "0.3", "seed": 11, "finish_before_s": 3600},
        },
        {
            "asset_class": "crypto", "intent": "exit", "algo": "chase", "duration_s": 8 * 3600,
            "parameters": {"interval_s": 3600, "peg": "near", "max_reprices": 2, "finish_before_s": 7200},
        },
    ]
)  # fmt: skip


@pytest.fixture(scope="module")
def worked(world):
    return replace(world, hours=24 * 40, algorithms=ALGORITHMS)


class Watched(Backtest):
    """Keeps the parents, which the journal does not count."""

    def __init__(self, configuration):
        super().__init__(configuration)
        self.parents, self.ended = {}, {}

    def _work_parents(self, ts):
        self.parents.update((order.client_order_id, order) for order in self._session.parents.orders)
        for parent in self._session.parents.orders:
            snapshot = self._session.snapshot(ts, 0)
            reserved = [
                o for o in snapshot.open_orders if o.asset_id == parent.asset_id and o.side is parent.side
            ]
            assert sum(o.remaining_qty for o in reserved) == parent.qty - parent.filled_qty
        return super()._work_parents(ts)


@pytest.fixture(scope="module")
def run(worked):
    backtest = Watched(worked)
    return backtest, backtest.run(worked.steps())


def test_every_child_belongs_to_a_parent_and_none_fills_too_much(run):
    backtest, result = run
    children = defaultdict(list)
    for parent in backtest.parents.values():
        for number in range(20):
            key = child_order_id(parent.client_order_id, number)
            children[parent.client_order_id] += [o for o in result.orders if o.client_order_id == key]
    crypto = [order for order in result.orders if order.asset_id < 3 and not is_protective(order)]
    assert sum(map(len, children.values())) == len(crypto) > 40
    for key, parent in backtest.parents.items():
        assert sum(child.filled_qty for child in children[key]) <= parent.qty
        assert all(child.side is parent.side for child in children[key])
    spread = [rows for key, rows in children.items() if backtest.parents[key].intent is Intent.ENTRY]
    assert max(map(len, spread)) >= 3


def test_slices_are_spread_over_time_and_chases_rest_at_a_price(run):
    backtest, result = run
    entries = [o for o in result.orders if o.asset_id < 3 and o.intent is Intent.ENTRY]
    assert {order.type for order in entries} == {OrderType.MARKET}
    leaving = [o for o in result.orders if o.asset_id < 3 and o.intent is Intent.EXIT]
    exits = [order for order in leaving if not is_protective(order)]
    assert {order.type for order in exits} == {OrderType.LIMIT}
    for parent in backtest.parents.values():
        assert all(
            order.created_ts < parent.created_ts + 8 * HOUR
            for order in result.orders
            if order.client_order_id == child_order_id(parent.client_order_id, 2)
        )


def test_positions_are_left_whole(run, worked):
    _, result = run
    held = defaultdict(Decimal)
    for fill in result.fills:
        held[fill.asset_id] += fill.side.sign * fill.qty - (fill.fee if fill.fee_in_base else 0)
        assert held[fill.asset_id] >= 0
    assert len(result.trades) > 20


class Interrupted(Backtest):
    """Loses its memory at every third step, and continues from what would have been committed."""

    def _step(self, bars, ts):
        closed = super()._step(bars, ts)
        if self._journal.steps % 3 == 0:
            exchange = self._configuration.exchange
            self._session = TradingSession.restore(
                self._registry,
                self._session.trader.exits,
                exchange,
                json.loads(json.dumps(self._session.state())),
                algorithms=self._configuration.algorithms,
            )
            snapshot = json.loads(json.dumps(self._exchange.snapshot()))
            self._exchange = Exchange.restore(self._registry, exchange, snapshot)
        return closed


def test_a_run_that_is_stopped_anywhere_works_its_orders_alike(run, worked):
    brief = replace(worked, hours=24 * 15)
    whole, stopped = Backtest(brief).run(brief.steps()), Interrupted(brief).run(brief.steps())
    assert stopped.summary == whole.summary
    assert stopped.orders == whole.orders
    assert len(whole.orders) > 20


def test_the_order_of_rules_and_the_size_decide(world):
    asset = world.registry[0]
    config = AlgorithmsConfig(
        rules=[
            {"asset_class": "stock", "algo": "twap", "duration_s": 600},
            {"min_notional": "50000", "algo": "chase", "duration_s": 600},
            {"intent": "exit", "algo": "market", "duration_s": 600},
            {"algo": "twap", "duration_s": 600},
        ]
    )
    assert config.rule_for(asset, Intent.EXIT, Decimal(60_000)).algo == "chase"
    assert config.rule_for(asset, Intent.EXIT, Decimal(10)) is None
    assert config.rule_for(asset, Intent.ENTRY, Decimal(10)).algo == "twap"
    assert AlgorithmsConfig().rule_for(asset, Intent.ENTRY, Decimal(10**9)) is None


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"algo": "sniper", "duration_s": 60}, "algo 'sniper' is not one of"),
        ({"algo": "iceberg", "duration_s": 60, "parameters": {"display_qty": 1}}, "lack a limit price"),
        (
            {"algo": "twap", "duration_s": 60, "parameters": {"slices": "x"}},
            "slices 'x' is not a whole number",
        ),
        ({"algo": "twap", "duration_s": 0}, "greater than 0"),
        ({"algo": "chase", "duration_s": 20}, "finish_before_s 30 must be below 20"),
    ],
)
def test_a_wrong_rule_is_named(rule, words):
    with pytest.raises(ValueError, match=words):
        AlgorithmsConfig(rules=[rule])
