"""Which proposals and orders a step makes, and in which order."""

import json
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import numpy as np
import pytest

from ratchet.core.assets import Asset, AssetClass, Registry
from ratchet.core.exchange import ExchangeConfig
from ratchet.core.exits import ExitConfig, ExitEngine
from ratchet.core.market import BarBatch, Step
from ratchet.core.orders import (
    Intent,
    MissedFillError,
    OrderEventKind,
    OrderStatus,
    OrderUpdate,
    Side,
    TimeInForce,
    client_order_id,
)
from ratchet.core.phases import PhaseState, PhaseStatus
from ratchet.core.portfolio import OpenOrder, Portfolio, PortfolioSnapshot, PositionView
from ratchet.core.risk import RiskConfig, RiskEngine, Verdict
from ratchet.core.signals import MarketContext, Signal, SignalBatch
from ratchet.core.trader import Trader, TradingSession

T = 1_704_067_200_000_000_000  # 2024-01-01T00:00Z
HOUR = 3_600_000_000_000
ACTIVE = (PhaseState(0, "all", PhaseStatus.ACTIVE),)
N = 6


def registry():
    def asset(i):
        crypto = i < 3
        return Asset(
            i, f"A{i}", AssetClass.CRYPTO if crypto else AssetClass.STOCK, 0, "alpaca",
            "crypto" if crypto else "stock", "24/7", Decimal("0.01"), Decimal("0.0001"), Decimal(1),
            0.1, 0.08, shortable=i == 5,
        )  # fmt: skip

    return Registry(asset(i) for i in range(N))


def bars(ts, price=100.0, ids=range(N), low=None):
    n = len(ids)
    close = np.full(n, price)
    lows = close if low is None else np.full(n, low)
    return BarBatch(
        "all",
        "1h",
        ts,
        np.array(ids, np.uint32),
        close,
        close,
        lows,
        close,
        np.full(n, 1e9),
        Step(1, ("all",)),
    )


def signals(ts, *given):
    made = tuple(Signal(UUID(int=asset + 1), asset, d, confidence, 100.0) for asset, d, confidence in given)
    context = MarketContext(
        np.arange(N, dtype=np.uint32),
        np.full(N, 2.0),
        np.full(N, 0.01),
        np.zeros(N, np.int8),
        *np.full((3, N), np.nan),
    )
    return SignalBatch("all", ts, Step(1, ("all",)), made, context)


def position(asset_id, qty="10"):
    return PositionView(asset_id, Decimal(qty), Decimal(100), 100.0, T, T, 100.0)


def working(asset_id, side=Side.BUY, qty="1", intent=Intent.ENTRY, unknown=False):
    return OpenOrder(f"w{asset_id}", asset_id, side, intent, Decimal(qty), 100.0, unknown)


def snapshot(positions=(), orders=()):
    money = Decimal(100_000)
    return PortfolioSnapshot("main", T, 1, money, money, tuple(positions), tuple(orders), 1e5, 1e5)


def propose(snap, batch, bar=None, phases=ACTIVE, allow_short=False):
    trader = Trader(registry(), ExitEngine(registry(), ExitConfig()), allow_short=allow_short)
    return trader.proposals(snap, [bar or bars(T)], [batch], phases, T)


def shape(proposals):
    return [(p.asset_id, p.side.value, p.intent.value, p.reason) for p in proposals]


def test_exits_come_first_by_asset_then_entries_by_confidence():
    found = propose(
        snapshot([position(4), position(0)]),
        signals(T, (1, 1, 0.7), (2, 1, 0.9), (3, 1, 0.9), (4, -1, 0.8)),
        bars(T, 100.0, range(4), low=90.0),
    )
    assert shape(found) == [
        (0, "sell", "exit", "STOP_LOSS"),
        (4, "sell", "exit", "SIGNAL"),
        (2, "buy", "entry", "ENTRY"),
        (3, "buy", "entry", "ENTRY"),
        (1, "buy", "entry", "ENTRY"),
    ]
    assert found[2].id == found[2].signal_id == str(UUID(int=3))
    assert (found[2].atr, found[2].volatility) == (2.0, 0.01)
    assert found[1].signal_id == str(UUID(int=5))
    assert found[0].qty == Decimal(10)


def test_no_pyramiding_and_no_entry_beside_any_order():
    snap = snapshot([position(0)], [working(1), working(2, unknown=True)])
    assert propose(snap, signals(T, (0, 1, 0.9), (1, 1, 0.9), (2, 1, 0.9))) == []


def test_an_exited_asset_is_not_entered_at_the_same_step():
    found = propose(snapshot([position(0)]), signals(T, (0, 1, 0.9)), bars(T, low=50.0))
    assert shape(found) == [(0, "sell", "exit", "STOP_LOSS")]


def test_sell_signals_open_shorts_only_where_allowed():
    batch = signals(T, (4, -1, 0.9), (5, -1, 0.9))
    assert propose(snapshot(), batch) == []
    assert shape(propose(snapshot(), batch, allow_short=True)) == [(5, "sell", "entry", "ENTRY")]


def test_a_short_is_closed_by_a_buy_signal():
    assert shape(propose(snapshot([position(5, "-3")]), signals(T, (5, 1, 0.9)))) == [
        (5, "buy", "exit", "SIGNAL")
    ]


def test_an_exit_closes_only_what_no_working_exit_closes():
    batch, crash = signals(T), bars(T, low=50.0)
    half = working(0, Side.SELL, "4", Intent.EXIT)
    assert propose(snapshot([position(0)], [half]), batch, crash)[0].qty == Decimal(6)
    whole = replace(half, remaining_qty=Decimal(10))
    assert propose(snapshot([position(0)], [whole]), batch, crash) == []


def test_an_exit_waits_while_an_entry_works():
    assert propose(snapshot([position(0)], [working(0)]), signals(T), bars(T, low=50.0)) == []


def test_positions_of_a_locked_phase_are_closed_when_they_have_a_bar():
    locked = (PhaseState(0, "all", PhaseStatus.LOCKED),)
    snap = snapshot([position(0), position(1)])
    found = propose(snap, signals(T), bars(T, ids=[1]), phases=locked)
    assert shape(found) == [(1, "sell", "exit", "PHASE_LOCKED")]


def test_a_full_exit_replaces_a_partial_one():
    up = bars(T, 107.0, low=100.0)
    assert shape(propose(snapshot([position(0)]), signals(T), up))[0][3] == "PARTIAL_PROFIT"
    assert shape(propose(snapshot([position(0)]), signals(T, (0, -1, 0.7)), up))[0][3] == "SIGNAL"


def test_orders_are_market_orders_with_ids_of_their_proposals():
    trader = Trader(registry(), ExitEngine(registry(), ExitConfig()))
    found = trader.proposals(
        snapshot(), [bars(T)], [signals(T, (0, 1, 0.9), (3, 1, 0.8), (4, 1, 0.7))], ACTIVE, T
    )
    verdicts = [Verdict(p.id, n != 2, Decimal(n + 1)) for n, p in enumerate(found)]
    orders = trader.orders(found, verdicts, T)
    assert [(o.asset_id, o.qty, o.time_in_force) for o in orders] == [
        (0, Decimal(1), TimeInForce.GTC),
        (3, Decimal(2), TimeInForce.DAY),
    ]
    assert orders[0].client_order_id == client_order_id(found[0].id)
    assert orders[0].status is OrderStatus.PENDING_NEW
    with pytest.raises(ValueError, match="verdict of proposal"):
        trader.orders(found, verdicts[::-1], T)


class Desk:
    """A session and a hand that moves it, step by step."""

    def __init__(self):
        self.registry = registry()
        self.exits = ExitEngine(self.registry, ExitConfig())
        self.risk = RiskEngine(self.registry, RiskConfig())
        self.session = TradingSession(
            self.registry, Portfolio(self.registry, Decimal(100_000)), self.exits, ExchangeConfig()
        )

    def step(self, ts, *given):
        self.session.mark([bars(ts)])
        decision = self.session.decide([bars(ts)], [signals(ts, *given)], ACTIVE, ts, 1)
        verdicts = self.risk.evaluate(decision.snapshot, decision.proposals, ACTIVE, ts, decision.context)
        return self.session.place(decision.proposals, verdicts, ts)


def test_a_session_follows_an_order_from_decision_to_position():
    desk = Desk()
    session = desk.session
    (order,) = desk.step(T, (3, 1, 0.9))
    key = order.client_order_id
    assert session.snapshot(T, 1).open_orders[0].remaining_qty == order.qty
    assert desk.step(T + HOUR, (3, 1, 0.9)) == []
    session.on_update(key, OrderUpdate(OrderEventKind.UNANSWERED, T))
    assert session.snapshot(T, 1).open_orders[0].unknown
    session.on_update(key, OrderUpdate(OrderEventKind.ACCEPTED, T, broker_order_id="b1"))
    half = order.qty / 2
    after, applied = session.on_fill(key, "e1", half, Decimal(100), half, T + HOUR)
    assert after.status is OrderStatus.PARTIALLY_FILLED
    assert applied.position.qty == half
    _, again = session.on_fill(key, "e1", half, Decimal(100), half, T + HOUR)
    assert again.duplicate
    with pytest.raises(MissedFillError):
        session.on_fill(key, "e3", Decimal("0.0001"), Decimal(100), half * 2, T + HOUR)
    after, _ = session.on_fill(key, "e2", half, Decimal(100), order.qty, T + HOUR)
    assert after.status is OrderStatus.FILLED
    assert session.working_orders == ()
    assert session.portfolio.position(3).qty == order.qty
    assert session.portfolio.cash == Decimal(100_000) - order.qty * 100


def test_a_refused_order_frees_its_room():
    desk = Desk()
    (order,) = desk.step(T, (3, 1, 0.9))
    news = OrderUpdate(OrderEventKind.REJECTED, T, reason="no")
    assert desk.session.on_update(order.client_order_id, news).reason == "no"
    assert desk.session.order(order.client_order_id) is None
    assert len(desk.step(T + HOUR, (3, 1, 0.9))) == 1


def test_the_day_is_closed_once_and_at_the_marks_before_the_step():
    desk = Desk()
    desk.session.mark([bars(T + HOUR)])
    assert desk.session.close_day(T + 2 * HOUR, 2) is None
    closing = desk.session.close_day(T + 24 * HOUR, 3)
    assert closing.day == closing.snapshot.day_close == "2024-01-01"
    assert closing.rows[0].asset_class == "total"
    assert desk.session.close_day(T + 24 * HOUR, 3) is None


def test_a_session_continues_from_its_json():
    desk = Desk()
    (order,) = desk.step(T, (0, 1, 0.9))
    desk.session.on_fill(order.client_order_id, "e1", order.qty / 2, Decimal(100), order.qty / 2, T + HOUR)
    desk.step(T + HOUR)
    text = json.dumps(desk.session.state())
    twin = TradingSession.restore(desk.registry, desk.exits, ExchangeConfig(), json.loads(text))
    assert json.dumps(twin.state()) == text
    assert twin.snapshot(T, 1) == desk.session.snapshot(T, 1)


def crash(desk, ts, price):
    """Mark everything at a price and decide; returns the decision."""
    desk.session.mark([bars(ts, price)])
    return desk.session.decide([bars(ts, price)], [signals(ts, (1, 1, 0.9))], ACTIVE, ts, 1)


def bought(desk):
    """Fill an entry that takes a tenth of equity, and lever it up by hand to all of it."""
    (order,) = desk.step(T, (3, 1, 0.9))
    key = order.client_order_id
    desk.session.on_update(key, OrderUpdate(OrderEventKind.ACCEPTED, T, broker_order_id="b1"))
    desk.session.on_fill(key, "e1", order.qty, Decimal(100), order.qty, T + HOUR)
    fill = desk.session.fill_of(order, "e2", Decimal(900), Decimal(100), T + HOUR)
    desk.session.portfolio.apply(fill)
    return desk.session


def test_an_emergency_closes_everything_and_lets_nothing_in():
    desk = Desk()
    session = bought(desk)
    decision = crash(desk, T + 2 * HOUR, 70.0)
    assert decision.snapshot.trading_state == "halted"
    assert {b.name for b in decision.snapshot.breakers if b.tripped} == {"loss", "drawdown"}
    assert shape(decision.proposals) == [(3, "sell", "exit", "BREAKER_DRAWDOWN")]
    verdicts = desk.risk.evaluate(
        decision.snapshot, decision.proposals, ACTIVE, T + 2 * HOUR, decision.context
    )
    (order,) = session.place(decision.proposals, verdicts, T + 2 * HOUR)
    assert order.qty == session.portfolio.position(3).qty
    # What closes already is not closed twice.
    assert crash(desk, T + 3 * HOUR, 70.0).proposals == ()
    assert [(c.name.value, c.event) for c in session.breakers.take_changes()] == [
        ("loss", "trip"),
        ("drawdown", "trip"),
    ]


def test_a_tripped_breaker_survives_the_process_and_is_armed_by_hand():
    desk = Desk()
    bought(desk)
    crash(desk, T + 2 * HOUR, 70.0)
    state = json.loads(json.dumps(desk.session.state()))
    desk.session = TradingSession.restore(desk.registry, desk.exits, ExchangeConfig(), state)
    assert desk.session.snapshot(T, 1).trading_state == "halted"
    with pytest.raises(ValueError, match="cools down"):
        desk.session.breakers.rearm("drawdown", T + 3 * HOUR, "anna", "seen")
    day_later = T + 30 * HOUR
    desk.session.close_day(day_later, 2)
    crash(desk, day_later, 70.0)
    assert {b.name for b in desk.session.breakers.views() if b.tripped} == {"drawdown"}
    desk.session.breakers.rearm("drawdown", day_later, "anna", "seen")
    # Armed in spite of the loss: it waits for more of it.
    assert crash(desk, day_later + HOUR, 69.0).snapshot.trading_state == "active"
    assert desk.session.breakers.must_flatten == ""


def test_closed_trades_feed_the_record_and_the_streak():
    desk = Desk()
    session = desk.session
    for n in range(3):
        (order,) = desk.step(T + n * 3 * HOUR, (n, 1, 0.9))
        key = order.client_order_id
        session.on_update(key, OrderUpdate(OrderEventKind.ACCEPTED, T, broker_order_id=f"b{n}"))
        session.on_fill(key, f"in{n}", order.qty, Decimal(100), order.qty, order.created_ts)
        held = session.portfolio.position(n).qty
        (leave,) = desk.step(T + n * 3 * HOUR + HOUR, (n, -1, 0.9))
        session.on_update(leave.client_order_id, OrderUpdate(OrderEventKind.ACCEPTED, T, broker_order_id="x"))
        session.on_fill(leave.client_order_id, f"out{n}", held, Decimal(95), held, leave.created_ts)
    record = session.risk_context((), T).records["crypto"]
    assert record.win_ratio == 0.0
    assert record.mean_loss == pytest.approx(0.05, abs=0.01)
    assert session.breakers.state()["streak"] == 3
