"""The ledger stays equal to the broker's books: activities, hand-made positions, differences."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from ratchet.core.orders import Side
from ratchet.execution.operators import manual
from ratchet.execution.venue.broker import BrokerActivity, BrokerPosition

pytestmark = pytest.mark.integration
DAY_NS = 86_400_000_000_000


def run(world: Any, work: Any) -> Any:
    return world.commands.call(work, 15)


def told(world: Any, key: str, kind: str, amount: str = "0", symbol: str = "", qty: str = "0") -> None:
    """Let the broker book something; what it means for its cash or positions is the test's affair."""
    ts = world.parts.clock.now_ns()
    day = datetime.fromtimestamp(ts / 1e9, UTC).date().isoformat()
    world.broker.told.append(BrokerActivity(key, kind, ts, day, symbol, Decimal(qty), Decimal(amount)))
    world.broker.extra_cash += Decimal(amount)


def cash_rows(world: Any) -> list[tuple[Any, ...]]:
    return world.db.query("SELECT kind, amount, reference FROM cash_ledger WHERE kind <> 'trade' ORDER BY id")


def test_what_the_broker_books_beside_executions_is_booked_once(live: Any, move: Any) -> None:
    live.start()
    move(3)
    told(live, "a1", "DIV", "12.34", "NVDA")
    told(live, "a2", "INT", "-1.50")
    told(live, "a3", "CSD", "500")
    told(live, "a4", "JNLC", "-200")
    told(live, "a5", "FEE", "-0.07")
    for _ in range(2):
        report = run(live, lambda engine: live.reconciler.run(engine, "manual"))
        assert report.ok, report
    live.kill()
    live.start()
    move(1)
    assert cash_rows(live)[1:] == [
        ("dividend", Decimal("12.34"), "a1"), ("interest", Decimal("-1.50"), "a2"),
        ("deposit", Decimal(500), "a3"), ("withdrawal", Decimal(-200), "a4"), ("fee", Decimal("-0.07"), "a5"),
    ]  # fmt: skip
    assert live.engine.session.portfolio.cash == live.broker.account().cash


def test_what_was_booked_before_the_portfolio_began_is_part_of_its_opening(live: Any, move: Any) -> None:
    from ratchet.execution.ports import SystemClock

    ts = SystemClock().now_ns() - DAY_NS
    live.broker.told.append(BrokerActivity("old", "CSD", ts, "2026-01-01", amount=Decimal(900)))
    live.start()
    move(2)
    assert [row[0] for row in cash_rows(live)] == ["deposit"]
    assert live.db.query("SELECT effect FROM broker_activities") == [("opening",)]


def test_a_fee_that_was_reckoned_with_its_fill_does_not_count_twice(live: Any, move: Any) -> None:
    live.start()
    move(40)
    ((day, symbol, fee),) = live.db.query(
        "SELECT max(ts)::date::text, symbol, sum(fee) FROM fills WHERE NOT fee_in_base AND fee > 0 "
        "GROUP BY symbol ORDER BY symbol LIMIT 1"
    )
    now = live.parts.clock.now_ns()
    half = fee / 2
    live.broker.told.append(BrokerActivity("f0", "CFEE", now, day, symbol, Decimal(0), -half))
    rest = -(fee - half) - Decimal("0.25")
    live.broker.told.append(BrokerActivity("f1", "CFEE", now, day, symbol, Decimal(0), rest))
    live.broker.extra_cash -= Decimal("0.25")
    report = run(live, lambda engine: live.reconciler.run(engine, "manual"))
    assert report.ok, report
    told_rows = [row for row in cash_rows(live) if row[2] in {"f0", "f1"}]
    assert told_rows == [("fee", Decimal("-0.25"), "f1")]


def test_a_fee_that_is_told_before_its_execution_is_booked_does_not_count_twice(live: Any, move: Any) -> None:
    live.start()
    early: list[Any] = []

    def look_before_the_loop_books(engine: Any) -> Any:
        before = len(live.broker.executions)
        live.step()
        for fill in live.broker.executions[before:]:
            early.append(fill)
            units, money = (-fill.fee, Decimal(0)) if fill.fee_in_base else (Decimal(0), -fill.fee)
            day = datetime.fromtimestamp(fill.ts / 1e9, UTC).date().isoformat()
            now = live.parts.clock.now_ns()
            live.broker.told.append(
                BrokerActivity(f"fee of {fill.execution_id}", "CFEE", now, day, fill.symbol, units, money)
            )
        return live.reconciler.run(engine, "manual")

    for _ in range(20):
        report = run(live, look_before_the_loop_books)
        assert report.ok, report
        move(1)
    assert {fill.fee_in_base for fill in early if fill.fee} == {True, False}
    report = run(live, lambda engine: live.reconciler.run(engine, "manual"))
    assert report.ok, report
    assert [row for row in cash_rows(live) if row[2].startswith("fee of")] == []
    booked = live.db.query("SELECT count(*), sum(booked_qty) FROM broker_activities WHERE effect = 'fee'")
    assert booked == [(len(early), 0)]
    assert live.engine.session.portfolio.cash == live.broker.account().cash


def test_what_is_executed_while_the_books_are_read_is_no_difference(
    live: Any, move: Any, monkeypatch: Any
) -> None:
    live.start()
    real, executed = live.broker.fills, []

    def fills(since_ns: int) -> Any:
        told = real(since_ns)
        if not executed[-1]:
            before = len(live.broker.executions)
            live.step()
            executed[-1] = len(live.broker.executions) - before
        return told

    def compare(engine: Any) -> Any:
        executed.append(0)
        monkeypatch.setattr(live.broker, "fills", fills)
        try:
            return live.reconciler.run(engine, "manual")
        finally:
            monkeypatch.setattr(live.broker, "fills", real)

    for _ in range(20):
        report = run(live, compare)
        assert report.ok, report
        move(1)
    assert sum(executed) > 5
    assert live.db.query("SELECT breaker FROM risk_breakers") == []


def test_the_breaker_is_told_what_two_comparisons_in_a_row_have_found(live: Any, move: Any) -> None:
    live.start()
    move(2)

    def compare(engine: Any, missing: int) -> tuple[Decimal, Decimal]:
        live.broker.extra_cash = Decimal(-missing)
        report = live.reconciler.run(engine, "manual")
        return report.drift, report.lasting_drift

    found = [run(live, lambda engine, gap=gap: compare(engine, gap)) for gap in (500, 500, 0)]
    assert found == [(500, 0), (500, 500), (0, 0)]


def test_a_split_changes_units_and_no_money(live: Any, move: Any) -> None:
    live.start()
    move(3)
    ticket = manual.Ticket("BTC/USDT", Side.BUY, Decimal("0.1"), "anna", "k")
    assert run(live, lambda engine: manual.submit(engine, ticket, is_live=True)).order
    move(1)
    (held,) = (row for row in live.broker.positions() if row.symbol == "BTC/USDT")
    equity = live.engine.session.portfolio.equity
    told(live, "s1", "SPLIT.FSPLIT", symbol="BTC/USDT", qty=str(held.qty))
    live.broker.hand_made = [BrokerPosition("BTC/USDT", held.qty * 2, held.avg_entry_price / 2)]
    real = live.broker.exchange.positions
    live.broker.exchange.positions = lambda: [row for row in real() if row.asset_id != 0]
    report = run(live, lambda engine: live.reconciler.run(engine, "manual"))
    assert report.ok, report
    rows = live.db.query("SELECT qty FROM positions WHERE symbol = 'BTC/USDT'")
    assert rows == [(held.qty * 2,)]
    assert abs(live.engine.session.portfolio.equity - equity) < Decimal("0.01")


def test_a_position_made_by_hand_is_adopted_and_shown_as_external(live: Any, move: Any) -> None:
    live.start()
    move(2)
    cash = live.engine.session.portfolio.cash
    live.broker.hand_made = [BrokerPosition("NVDA", Decimal(3), Decimal(500))]
    assert run(live, lambda engine: live.reconciler.run(engine, "manual")).ok
    # Whoever looked first, the loop by itself or we, has adopted it.
    found = live.db.query(
        "SELECT d->>'subject', d->>'action' FROM reconciliations, jsonb_array_elements(differences) d"
    )
    assert found == [("NVDA", "adopted")]
    assert run(live, lambda engine: live.reconciler.run(engine, "manual")).differences == ()
    assert live.db.query("SELECT intent, reason, qty FROM orders WHERE symbol = 'NVDA'") == [
        ("external", "ADOPTED", Decimal(3))
    ]
    assert live.engine.session.portfolio.cash == cash
    balance = live.db.query("SELECT sum(amount) FROM cash_ledger")[0][0]
    assert balance == cash


def test_drift_is_stored_measured_and_blocks_new_risk_by_code_until_accepted(live: Any, move: Any) -> None:
    from ratchet.common.metrics import REGISTRY

    live.start()
    move(2)
    live.broker.extra_cash = Decimal(-500)
    live.broker.hand_made = [BrokerPosition("XYZ", Decimal(3), Decimal(5))]
    report = run(live, lambda engine: live.reconciler.run(engine, "manual"))
    found = {(item.kind, item.subject): (item.difference, item.action) for item in report.differences}
    gap, action = found[("cash", "USD")]
    assert (Decimal(gap), action) == (-500, "blocks new risk")
    assert not report.ok
    assert "cash USD" in report.reason
    assert REGISTRY.get_sample_value("ratchet_reconciliation_drift", {"kind": "cash"}) == 500.0
    move(15)
    reasons = {row[0] for row in live.db.query("SELECT DISTINCT unnest(reasons) FROM risk_decisions")}
    assert "RECONCILIATION_DRIFT" in reasons
    assert live.db.query("SELECT count(*) FROM orders WHERE intent = 'entry' AND status <> 'rejected'") == [
        (0,)
    ]
    accepted = run(live, lambda engine: live.reconciler.accept(engine, "anna", "a fee that we know"))
    assert accepted.ok
    assert ("adjustment", Decimal(-500)) in [row[:2] for row in cash_rows(live)]
    # What is left is the breaker on drift, which an operator arms again.
    assert live.engine.blocked == ""
    stored = live.db.query("SELECT trigger, ok FROM reconciliations ORDER BY id")
    assert stored[0] == ("start", True)
    assert ("manual", False) in stored
    assert stored[-1] == ("accepted", True)


def test_an_order_made_by_hand_while_we_were_down_is_booked_before_the_books_are_compared(
    live: Any, move: Any
) -> None:
    from ratchet.core.orders import OrderType, TimeInForce
    from ratchet.execution.venue.broker import OrderRequest

    live.start()
    move(3)
    live.kill()
    live.broker.handler = lambda _: None
    live.broker.submit(
        OrderRequest("theirs", "ETH/USDT", Side.BUY, OrderType.MARKET, TimeInForce.GTC, Decimal("0.5"))
    )
    live.step()
    live.start()
    move(1)
    assert live.reconciler.report.ok
    rows = live.db.query("SELECT intent, status, filled_qty FROM orders WHERE client_order_id = 'theirs'")
    assert rows == [("external", "filled", Decimal("0.5"))]
    assert live.db.query("SELECT count(*) FROM orders WHERE reason = 'ADOPTED'") == [(0,)]
