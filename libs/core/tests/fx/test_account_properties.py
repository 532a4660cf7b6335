"""Whatever is traded, in whatever order: the books add up, and a restart changes nothing."""

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.core.fx import (
    Closeout,
    FxConfig,
    FxExchange,
    FxOrderRequest,
    FxTimeInForce,
    OnFill,
    OrderKind,
    PositionFill,
    TriggerCondition,
)

from .conftest import HOUR, START, make_batch, make_registry

D = Decimal
PAIRS = {"EUR_USD": (1.1, 4), "USD_JPY": (150.0, 2), "GBP_JPY": (190.0, 2)}
NETTING = {"MARKET_ORDER", "LIMIT_ORDER", "STOP_ORDER", "MARKET_IF_TOUCHED_ORDER"}
TICKS = {"EUR_USD": D("0.00001"), "USD_JPY": D("0.001"), "GBP_JPY": D("0.001")}


@st.composite
def actions(draw):
    """One hour: bars of all pairs, and what a trader asks for at its end."""
    bars = {}
    for name, (price, digits) in PAIRS.items():
        values = [price * (1 + draw(st.integers(-80, 80)) / 10_000) for _ in range(4)]
        first, *_, last = (round(value, digits) for value in values)
        bars[name] = (first, round(max(values), digits), round(min(values), digits), last)
    name = draw(st.sampled_from(sorted(PAIRS)))
    return bars, name, draw(st.integers(0, 7)), draw(st.integers(-60, 60)) * 5_000, draw(st.integers(1, 60))


def request(kind, name, units, offset):
    price, tick = D(str(PAIRS[name][0])), TICKS[name]
    away = (price * D(offset) / 10_000).quantize(tick)
    sign = 1 if units > 0 else -1
    stop = OnFill(price=(price - sign * away).quantize(tick))
    trail = OnFill(distance=away)
    target = OnFill(price=(price + sign * away).quantize(tick))
    if kind == 0:
        return FxOrderRequest(OrderKind.MARKET, name, D(units), time_in_force=FxTimeInForce.FOK)
    if kind == 1:
        return FxOrderRequest(
            OrderKind.MARKET,
            name,
            D(units),
            time_in_force=FxTimeInForce.IOC,
            stop_loss=stop,
            take_profit=target,
        )
    kinds = {2: OrderKind.LIMIT, 3: OrderKind.STOP, 4: OrderKind.MARKET_IF_TOUCHED}
    return FxOrderRequest(kinds[kind], name, D(units), stop.price, trailing_stop=trail, stop_loss=stop)


class Run:
    """An account and its whole journal."""

    def __init__(self, balance=20_000):
        self.registry = make_registry()
        self.config = FxConfig(starting_balance=balance)
        self.exchange = FxExchange(self.registry, self.config, track_changes=True)
        self.ts, self.journal = START, []

    def hour(self, action):
        bars, name, kind, units, offset = action
        self.ts += HOUR
        self.journal += self.exchange.on_bars([make_batch(self.ts, bars)])
        if kind <= 4:
            self.exchange.submit(request(kind, name, units or 1, offset), self.ts)
        elif kind == 5:
            self.exchange.close_position(name, Closeout.LONG if units > 0 else Closeout.SHORT, None, self.ts)
        elif kind == 6 and self.exchange.open_trades():
            trade = self.exchange.open_trades()[-1]
            self.exchange.close_trade(str(trade.id), None, self.ts)
        elif self.exchange.pending_orders():
            self.exchange.cancel(str(self.exchange.pending_orders()[0].id), self.ts)
        self.journal += self.exchange.drain_events()


@given(st.lists(actions(), min_size=1, max_size=30))
@settings(max_examples=60)
def test_the_balance_is_what_the_journal_adds_up_to(plan):
    run = Run()
    for action in plan:
        run.hour(action)
        value = run.exchange.value()
        fills = [entry.body for entry in run.journal if entry.type == "ORDER_FILL"]
        nights = [entry.body for entry in run.journal if entry.type == "DAILY_FINANCING"]
        total = sum((D(body["pl"]) for body in fills), D(0)) + sum((D(b["financing"]) for b in nights), D(0))
        assert value.balance == 20_000 + total
        assert [entry.id for entry in run.journal] == list(range(1, len(run.journal) + 1))
        open_trades = run.exchange.open_trades()
        assert value.nav == value.balance + value.unrealized_pl
        assert value.margin_available == max(value.nav - value.margin_used, 0)
        # Every unit that was filled is held or was closed.
        for name in PAIRS:
            filled = sum((D(body["units"]) for body in fills if body["instrument"] == name), D(0))
            held = [trade for trade in open_trades if trade.instrument == name]
            assert sum((trade.units for trade in held), D(0)) == filled
            assert len({trade.units > 0 for trade in held}) <= 1
            assert [trade.id for trade in held] == sorted(trade.id for trade in held)
        realized = sum((trade.long_pl + trade.short_pl for trade in run.exchange.totals()), D(0))
        assert realized == sum((D(body["pl"]) for body in fills), D(0))


@given(st.lists(actions(), min_size=1, max_size=25))
@settings(max_examples=60)
def test_netting_takes_trades_in_the_order_in_which_they_were_opened(plan):
    run, queue = Run(), {}
    for action in plan:
        run.hour(action)
    for entry in (entry for entry in run.journal if entry.type == "ORDER_FILL"):
        body = entry.body
        trades = queue.setdefault(body["instrument"], {})
        gone = [row["tradeID"] for row in body.get("tradesClosed", ())]
        by_netting = body["reason"] in {
            "MARKET_ORDER",
            "LIMIT_ORDER",
            "STOP_ORDER",
            "MARKET_IF_TOUCHED_ORDER",
        }
        if by_netting:
            assert gone == list(trades)[: len(gone)]
            if "tradeReduced" in body:
                assert body["tradeReduced"]["tradeID"] == list(trades)[len(gone)]
        for trade_id in gone:
            del trades[trade_id]
        if "tradeOpened" in body:
            assert not (by_netting and trades and D(body["units"]) * trades[next(iter(trades))] < 0)
            trades[body["tradeOpened"]["tradeID"]] = D(body["tradeOpened"]["units"])


@given(st.lists(actions(), min_size=2, max_size=20), st.data())
@settings(max_examples=40)
def test_a_restart_at_any_point_changes_nothing(plan, data):
    cut = data.draw(st.integers(1, len(plan) - 1))
    whole, split = Run(), Run()
    for number, action in enumerate(plan):
        if number == cut:
            state = json.loads(json.dumps(split.exchange.snapshot()))
            split.exchange = FxExchange.restore(split.registry, split.config, state, track_changes=True)
            assert split.exchange.snapshot() == state
        whole.hour(action)
        split.hour(action)
    assert split.journal == whole.journal
    assert split.exchange.snapshot() == whole.exchange.snapshot()


@given(st.lists(actions(), min_size=2, max_size=20))
@settings(max_examples=40)
def test_rows_that_changed_are_enough_to_rebuild_the_account(plan):
    run, orders, trades, totals, account = Run(), {}, {}, {}, None
    for action in plan:
        run.hour(action)
        changes = run.exchange.drain_changes()
        orders |= {row["id"]: row for row in changes.orders}
        trades |= {row["id"]: row for row in changes.trades}
        totals |= {row["instrument"]: row for row in changes.totals}
        account = changes.account or account
    state = {
        "account": account,
        "orders": [row for row in orders.values() if row["state"] == "PENDING"],
        "trades": [row for row in trades.values() if row["state"] == "OPEN"],
        "totals": list(totals.values()),
    }
    state = json.loads(json.dumps(state))
    rebuilt = FxExchange.restore(run.registry, run.config, state)
    rebuilt.mark([make_batch(run.ts, plan[-1][0])])
    want, have = run.exchange.snapshot(), rebuilt.snapshot()
    for name in ("orders", "trades", "totals", "quotes", "bar_ends"):
        assert have[name] == want[name], name
    for name in ("balance", "pl", "financing", "last_id", "margin_call_ts", "last_fill_ts"):
        assert have["account"][name] == want["account"][name], name


@given(st.lists(st.tuples(st.sampled_from(sorted(PAIRS)), st.integers(-400, 400)), min_size=1, max_size=12))
def test_margin_is_never_promised_twice(orders):
    """In a market that stands still, what is filled never ties up more than there is."""
    run = Run(balance=10_000)
    flat = {name: price for name, (price, _) in PAIRS.items()}
    run.exchange.on_bars([make_batch(run.ts, flat)])
    for name, lots in orders:
        market = FxOrderRequest(OrderKind.MARKET, name, D(lots or 1) * 1_000, time_in_force=FxTimeInForce.FOK)
        before = run.exchange.value().margin_used
        run.exchange.submit(market, run.ts)
        run.ts += HOUR
        run.exchange.on_bars([make_batch(run.ts, flat)])
        value = run.exchange.value()
        assert value.margin_used <= before or value.nav >= value.margin_used
        assert not value.must_close


def test_the_same_calls_give_the_same_journal():
    plan = [({**{n: (p,) * 4 for n, (p, _) in PAIRS.items()}}, "GBP_JPY", k, 10_000, 9) for k in (0, 1, 2, 3)]
    first, second = Run(), Run()
    for action in plan * 8:
        first.hour(action)
        second.hour(action)
    assert first.journal == second.journal
    assert any(entry.type == "DAILY_FINANCING" for entry in first.journal)


@pytest.mark.parametrize("gap", [1, 2])
def test_time_without_bars_still_rolls_over(gap):
    run = Run()
    action = ({n: (p,) * 4 for n, (p, _) in PAIRS.items()}, "EUR_USD", 0, 10_000, 9)
    run.hour(action)
    run.hour(action)
    run.exchange.tick(run.ts + gap * 86_400_000_000_000)
    nights = [entry for entry in run.exchange.drain_events() if entry.type == "DAILY_FINANCING"]
    assert len(nights) == gap


VALUES = st.sampled_from([None, D(0), D(-1), D("0.000001"), D("1.1"), D("1.05"), D("5"), D("1e9"), D("NaN")])
DETAILS = st.none() | st.builds(
    OnFill,
    price=VALUES,
    distance=VALUES,
    time_in_force=st.sampled_from(FxTimeInForce),
    gtd_ts=st.sampled_from([0, START, START + 100 * HOUR]),
    guaranteed=st.booleans(),
)
REQUESTS = st.builds(
    FxOrderRequest,
    kind=st.sampled_from(OrderKind),
    instrument=st.sampled_from(["", "EUR_USD", "GBP_JPY", "EUR_CHF"]),
    units=st.sampled_from([None, D(0), D(1000), D(-1000), D("0.5"), D("1e12")]),
    price=VALUES,
    distance=VALUES,
    price_bound=VALUES,
    time_in_force=st.sampled_from(FxTimeInForce),
    gtd_ts=st.sampled_from([0, START, START + 100 * HOUR]),
    position_fill=st.sampled_from(PositionFill),
    trigger=st.sampled_from(TriggerCondition),
    guaranteed=st.booleans(),
    take_profit=DETAILS,
    stop_loss=DETAILS,
    trailing_stop=DETAILS,
    trade=st.sampled_from(["", "4", "99", "@mine", "x"]),
)


@given(st.lists(REQUESTS, min_size=1, max_size=6))
@settings(max_examples=150)
def test_any_request_is_taken_or_refused_by_name(requests):
    run = Run()
    flat = {name: price for name, (price, _) in PAIRS.items()}
    run.exchange.on_bars([make_batch(run.ts, flat)])
    run.exchange.submit(request(0, "EUR_USD", 5_000, 1), run.ts)
    for wanted in requests:
        run.ts += HOUR
        run.exchange.on_bars([make_batch(run.ts, flat)])
        outcome = run.exchange.submit(wanted, run.ts)
        rejected = outcome.transactions[0].type.endswith("_ORDER_REJECT")
        assert rejected == (outcome.rejected is not None) == (outcome.order is None)
        assert {entry.batch for entry in outcome.transactions} == {outcome.transactions[0].id}
