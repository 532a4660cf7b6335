"""Whole backtests: a pinned digest, the laws that every run keeps, and a run that is stopped anywhere."""

import json
from collections import Counter
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from ratchet.core.backtest import Backtest
from ratchet.core.exchange import Exchange, OrderRequest
from ratchet.core.exits.config import RestingStopConfig
from ratchet.core.orders import Intent, OrderStatus, Side, TimeInForce, client_order_id
from ratchet.core.phases import PerformanceHistory, PhaseRecord, PhaseStatus
from ratchet.core.risk import RiskConfig
from ratchet.core.trader import TradingSession

GOLDEN_DIGEST = "2de9bf4bb113f590659e09246c798afdca5342756acd6ff85f2419e5bc1975f2"
WIDE_DIGEST = "6f8d79075c9961db56513ac2a717a5dd4fd3b7f68175dbb32b025476878c9bb4"
"""With two fifths of the money for crypto, and neither correlation nor liquidity to heed."""


@pytest.fixture(scope="module")
def result(world):
    return Backtest(world).run(world.steps())


def test_golden_digest(result):
    """Moves only with decisions, ids, fills or fees: look at what changed before pinning it anew."""
    assert result.summary.orders_digest == GOLDEN_DIGEST


def test_golden_digest_under_wide_limits(world):
    """Tells a limit that has moved from a decision that has."""
    wide = RiskConfig(
        class_limit_ratio={"crypto": 0.4, "stock": 0.4}, correlation_scaling=0, max_bar_share_ratio=1
    )
    outcome = Backtest(replace(world, risk=wide)).run(world.steps())
    assert outcome.summary.orders_digest == WIDE_DIGEST


def test_the_run_has_something_to_show(result):
    summary = result.summary
    assert summary.bars == 60 * 24 * 3 + 60 * 7 * 4
    assert summary.orders == len(result.orders) > 50
    assert summary.fills == len(result.fills) > 50
    reasons = {order.reason for order in result.orders}
    assert {"ENTRY", "PROTECTIVE_STOP", "PARTIAL_PROFIT", "TAKE_PROFIT"} <= reasons
    assert summary.rejections == sum(summary.details["rejections"].values())
    assert summary.details["rejections"]["PHASE_LOCKED"] > 0
    json.loads(summary.to_json())


def test_stocks_are_earned_then_lost_and_trade_only_in_between(result, world):
    changes = [(c.phase, c.from_status.value, c.to_status.value) for c in result.phase_changes]
    assert changes[0] == (1, "locked", "active")
    assert (1, "active", "reduce_only") in changes
    opened = result.phase_changes[0].day
    entries = [o for o in result.orders if o.asset_id >= 3 and o.intent is Intent.ENTRY]
    assert entries
    first = np.datetime64(entries[0].created_ts, "ns").astype("datetime64[D]").item()
    assert first > opened


def test_cash_and_positions_follow_from_the_fills(result, world):
    cash, held = world.exchange.starting_cash, Counter()
    for fill in result.fills:
        cash -= fill.side.sign * (fill.qty * fill.price).quantize(Decimal("1e-8"))
        cash -= Decimal(0) if fill.fee_in_base else fill.fee
        held[fill.asset_id] += fill.side.sign * fill.qty - (fill.fee if fill.fee_in_base else 0)
        assert held[fill.asset_id] >= 0
    totals = [row for row in result.daily if row.asset_class == "total"]
    assert sum((row.pnl for row in totals), Decimal(0)) == totals[-1].equity - world.exchange.starting_cash
    last = {b.asset_ids[i]: b.close[i] for s in world.steps() for b in s for i in range(len(b))}
    equity = cash + sum(qty * Decimal(repr(float(last[a]))) for a, qty in held.items())
    assert equity == pytest.approx(result.summary.equity_end, abs=Decimal("1e-6"))


def test_fills_come_after_their_decision_and_never_on_the_same_bar(result):
    decided = {order.client_order_id: order.created_ts for order in result.orders}
    assert all(fill.ts > decided[fill.client_order_id] for fill in result.fills)
    assert len({fill.execution_id for fill in result.fills}) == len(result.fills)


def test_two_runs_are_equal_to_the_last_digit(result, world):
    again = Backtest(world).run(world.steps())
    assert again == result


class Interrupted(Backtest):
    """Loses its memory every 50 steps, and continues from what a service would have committed."""

    days = ()

    def _step(self, bars, ts):
        closed = super()._step(bars, ts)
        if closed:
            self.days += (self._session.inputs.closes_of_day(),)
        if self._journal.steps % 50 == 0:
            self._session = TradingSession.restore(
                self._registry,
                self._session.trader.exits,
                self._configuration.exchange,
                json.loads(json.dumps(self._session.state())),
                breakers=self._configuration.risk.breakers,
            )
            for closes in self.days[-61:]:
                self._session.inputs.load_day(closes)
            self._exchange = Exchange.restore(
                self._registry,
                self._configuration.exchange,
                json.loads(json.dumps(self._exchange.snapshot())),
            )
            self._records = tuple(
                PhaseRecord.from_json(json.loads(json.dumps(r.to_json()))) for r in self._records
            )
            self._history = PerformanceHistory(self._history._days)
        return closed


def test_a_run_that_is_stopped_anywhere_ends_the_same(result, world):
    stopped = Interrupted(world).run(world.steps())
    assert stopped.summary == result.summary
    assert stopped.fills == result.fills


def test_what_the_future_holds_changes_nothing_before_it(result, world):
    cut = 24 * 40

    def short():
        for n, bars in enumerate(world.steps()):
            if n == cut:
                return
            yield bars

    part = Backtest(world).run(short())
    assert part.fills == tuple(f for f in result.fills if f.ts <= part.fills[-1].ts)


def test_what_the_venue_refuses_is_recorded_and_the_run_goes_on(world):
    picky = world.exchange.model_copy(update={"min_notional_crypto": Decimal(5_000)})
    strict = replace(world, hours=24 * 20, exchange=picky)
    outcome = Backtest(strict).run(strict.steps())
    refused = [o for o in outcome.orders if o.status is OrderStatus.REJECTED]
    assert len(refused) == outcome.summary.details["orders_refused"] > 0
    assert all("cost basis" in o.reason for o in refused)
    assert outcome.orders[-1].created_ts > refused[0].created_ts


def test_an_order_of_the_venue_itself_is_followed(world):
    class Visited(Backtest):
        def _step(self, bars, ts):
            if self._journal.steps == 10:
                own = OrderRequest("venue", 0, Side.BUY, Decimal("0.5"), time_in_force=TimeInForce.GTC)
                self._exchange.submit(own, self._exchange.ts)
            return super()._step(bars, ts)

    result = Visited(world).run(world.steps())
    (fill,) = (fill for fill in result.fills if fill.client_order_id == "venue")
    assert fill.qty == Decimal("0.5")


def test_progress_and_timer(world):
    brief = replace(world, hours=24 * 4)
    seen, ticks = [], iter([1.0, 3.5])
    outcome = Backtest(brief).run(brief.steps(), progress=seen.append, timer=lambda: next(ticks))
    assert outcome.summary.elapsed_s == 2.5
    assert [p.steps for p in seen] == [24, 48, 72, 96, 96]
    assert seen[-1].phases[0].status is PhaseStatus.ACTIVE
    assert seen[-1].bars == outcome.summary.bars


def test_without_resting_stops_the_exit_rules_do_their_work(world):
    watched = world.exits.model_copy(update={"resting_stops": RestingStopConfig(enabled=False)})
    outcome = Backtest(replace(world, exits=watched)).run(world.steps())
    reasons = {order.reason for order in outcome.orders}
    assert {"STOP_LOSS", "TRAILING_STOP"} <= reasons
    assert "PROTECTIVE_STOP" not in reasons


def test_a_resting_stop_fills_at_its_price_or_worse_and_sells_no_more_than_is_held(result):
    stops = {o.client_order_id: o for o in result.orders if o.reason == "PROTECTIVE_STOP"}
    filled = [fill for fill in result.fills if fill.client_order_id in stops]
    assert filled
    assert all(fill.price <= stops[fill.client_order_id].stop_price for fill in filled)
    ended = Counter(order.status for order in stops.values())
    assert ended[OrderStatus.FILLED] > 0
    assert ended[OrderStatus.CANCELED] > 0
    assert ended[OrderStatus.REJECTED] == 0


def test_every_exit_that_had_its_bars_has_an_outcome(result, world):
    exits = {order.client_order_id for order in result.orders if order.intent is Intent.EXIT}
    assert 0 < len(result.exit_outcomes) <= len(exits)
    for outcome in result.exit_outcomes:
        assert outcome.complete
        assert outcome.bars == world.exits.outcome_bars
        assert outcome.after_worst_ratio <= outcome.after_close_ratio <= outcome.after_best_ratio
        assert {outcome.id, client_order_id(outcome.id)} & exits
