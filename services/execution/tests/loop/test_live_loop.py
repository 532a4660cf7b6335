"""The live loop: decisions when signals arrive, fills when they arrive."""

from decimal import Decimal
from typing import Any

import pytest

from ratchet.core.orders import OrderType, Side, TimeInForce
from ratchet.core.orders.rows import evolve
from ratchet.core.phases import PhaseState
from ratchet.execution.operators import manual
from ratchet.execution.risk_client import RiskUnavailableError
from ratchet.execution.venue.broker import BrokerRefusedError

pytestmark = pytest.mark.integration


def test_orders_are_made_and_fills_are_booked_as_they_arrive(live: Any, move: Any) -> None:
    live.start()
    move(40)
    live.kill()
    fills = live.db.query("SELECT count(*), count(DISTINCT execution_id) FROM fills")[0]
    assert fills[0] == fills[1] >= 4
    held = {row.symbol: row.qty for row in live.broker.positions()}
    assert held == dict(live.db.query("SELECT symbol, qty FROM positions WHERE qty <> 0"))
    assert live.db.query("SELECT count(*) FROM daily_performance WHERE asset_class = 'total'") == [(2,)]


def test_without_its_stream_fills_come_by_rest(live: Any, move: Any) -> None:
    live.broker.lose = lambda _: True
    live.start()
    move(30)
    assert live.db.query("SELECT count(*) FROM fills")[0][0] == len(live.broker.executions) >= 3


def test_an_accepted_order_without_answer_is_adopted(live: Any, move: Any) -> None:
    live.broker.submit_faults = ["accepted", "accepted"]
    live.start()
    move(30)
    assert len(set(live.broker.submitted)) == len(live.broker.submitted)
    assert live.db.query("SELECT count(*) FROM orders WHERE status IN ('unknown', 'expired')") == [(0,)]


def test_an_entry_that_never_arrived_and_has_grown_old_expires(live: Any, move: Any) -> None:
    live.broker.submit_faults = ["lost"]
    live.start()
    move(12)
    first = live.broker.submitted[0]
    assert live.broker.submitted.count(first) == 1
    assert live.db.query("SELECT status FROM orders WHERE client_order_id = %s", (first,)) == [("expired",)]


def test_without_risk_exits_pass_and_entries_are_refused(live: Any, move: Any) -> None:
    def away(*_: Any) -> Any:
        raise RiskUnavailableError("risk is away")

    live.start()
    move(20)
    assert live.db.query("SELECT 1 FROM positions WHERE qty > 0")
    live.parts.risk.evaluate = away
    before = live.db.query("SELECT count(*) FROM orders")[0][0]
    move(30)
    later = live.db.query("SELECT intent FROM orders ORDER BY recorded_at OFFSET %s", (before,))
    assert later
    assert {row[0] for row in later} == {"exit"}
    assert ("RISK_UNAVAILABLE",) in live.db.query("SELECT unnest(reasons) FROM risk_decisions")


def test_signals_of_long_ago_trade_nothing(live: Any, move: Any) -> None:
    from ratchet.core.risk import RiskConfig, RiskEngine

    live.start()
    live.parts.risk.evaluate = RiskEngine(live.registry, RiskConfig()).evaluate
    move(15)
    assert live.db.query("SELECT count(*) FROM orders") == [(0,)]
    reasons = {row[0] for row in live.db.query("SELECT DISTINCT unnest(reasons) FROM risk_decisions")}
    assert "PRICE_STALE" in reasons


def test_phase_states_reach_risk(live: Any, move: Any) -> None:
    seen: list[PhaseState] = []
    live.start()
    judge = live.parts.risk.evaluate

    def spy(snapshot: Any, proposals: Any, phases: Any, ts: int, context: Any) -> Any:
        seen.extend(phases)
        return judge(snapshot, proposals, phases, ts, context)

    live.parts.risk.evaluate = spy
    move(12)
    assert {state.name for state in seen} == {"all", "later"}


def test_cash_is_the_brokers_to_the_cent(live: Any, move: Any) -> None:
    live.start()
    move(30)
    balance = live.db.query("SELECT sum(amount) FROM cash_ledger")[0][0]
    assert abs(balance - live.broker.account().cash) < Decimal("0.01")


@pytest.mark.parametrize("offset_ns", [0, 789])
def test_signals_that_come_again_after_a_crash_make_no_second_order(
    live: Any, move: Any, offset_ns: int
) -> None:
    """Not even one that was refused, at a moment between two of the microseconds that the database keeps."""

    def refuse(_: Any) -> Any:
        raise BrokerRefusedError("40310000", "insufficient buying power", 403)

    live.offset_ns = offset_ns
    live.start()
    move(11)
    submit, live.broker.submit = live.broker.submit, refuse
    move(1)
    live.broker.submit = submit
    assert ("rejected",) in live.db.query("SELECT status FROM orders")
    before = live.db.query("SELECT client_order_id FROM orders ORDER BY 1")
    assert before
    live.kill()
    # As if nothing had been acknowledged: the group stands at the beginning again.
    streams = ["ratchet:md:bars:crypto", "ratchet:md:bars:stock", "ratchet:signals"]
    for stream in streams:
        live.bus.redis.xgroup_destroy(stream, "execution-main")
    live.start()
    move(1)
    assert live.error is None
    again = {row[0] for row in live.db.query("SELECT client_order_id FROM orders")}
    assert {row[0] for row in before} <= again
    assert len(live.broker.submitted) == len(set(live.broker.submitted))


def test_an_algorithm_goes_on_between_the_bars_and_ends_in_time(
    live: Any, move: Any, eventually: Any
) -> None:
    """No bar arrives any more, so nothing fills: each second the next slice takes over."""
    live.start()
    move(6)
    ticket = manual.Ticket(
        "BTC/USDT", Side.BUY, Decimal("0.004"), "anna", "k-1", algo="twap",
        algo_parameters={"slices": 3, "finish_before_s": 0}, algo_duration_s=3,
    )  # fmt: skip
    done = live.commands.call(lambda engine: manual.submit(engine, ticket, is_live=True), 10)
    key = done.order.client_order_id

    def status() -> str:
        return str(live.db.query("SELECT status FROM orders WHERE client_order_id = %s", (key,))[0][0])

    eventually(lambda: status() == "expired")
    children = "SELECT qty, status FROM orders WHERE parent_order_id = %s ORDER BY created_ts"
    rows = live.db.query(children, (key,))
    assert {row[1] for row in rows} == {"canceled"}
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    assert rows[0][0] < rows[-1][0] <= Decimal("0.004")


def test_an_order_of_long_ago_that_ended_unheard_is_learned(live: Any, move: Any, eventually: Any) -> None:
    """Orders here are placed at event times of long ago, so no list of recent ones has them."""
    live.start()
    move(6)
    ticket = manual.Ticket(
        "BTC/USDT", Side.BUY, Decimal("0.1"), "anna", "k-1", type=OrderType.LIMIT,
        limit_price=Decimal(1000), time_in_force=TimeInForce.GTC,
    )  # fmt: skip
    done = live.commands.call(lambda engine: manual.submit(engine, ticket, is_live=True), 10)
    assert done.order is not None, done
    key = done.order.client_order_id
    status = "SELECT status FROM orders WHERE client_order_id = %s"
    eventually(lambda: live.db.query(status, (key,)) == [("accepted",)])
    live.broker.lose = lambda _: True
    live.broker.cancel(live.broker.get_by_client_id(key).broker_order_id)
    eventually(lambda: live.db.query(status, (key,)) == [("canceled",)])


def test_a_refusal_that_waited_for_an_order_outlives_a_kill(live: Any, move: Any, eventually: Any) -> None:
    """Both coins are decided on at once; the process ends when the order is away and nothing else written."""
    live.start()
    judge = live.parts.risk.evaluate

    def refusing(snapshot: Any, proposals: Any, *rest: Any) -> Any:
        verdicts = judge(snapshot, proposals, *rest)
        return [
            evolve(verdict, approved=False, reasons=("TEST",)) if proposal.asset_id == 1 else verdict
            for proposal, verdict in zip(proposals, verdicts, strict=True)
        ]

    live.parts.risk.evaluate = refusing
    move(15)
    live.engine.write_answers = lambda: None
    sent = len(live.broker.submitted)
    live.step()
    eventually(lambda: len(live.broker.submitted) > sent)
    live.kill()
    decided = "SELECT DISTINCT symbol FROM risk_decisions WHERE ts = (SELECT max(ts) FROM risk_decisions)"
    assert live.db.query(decided) == [("BTC/USDT",)]
    live.start()
    eventually(lambda: live.db.query(decided + " ORDER BY 1") == [("BTC/USDT",), ("ETH/USDT",)])
