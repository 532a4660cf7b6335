"""Margin, shorts, every order type, several days: what holds whatever is ordered and whatever happens."""

import json
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ratchet.core.exchange import (
    ActionKind,
    CorporateAction,
    Exchange,
    OrderClass,
    OrderRejected,
    ReplaceRequest,
    StopLoss,
)
from ratchet.core.exchange.admission import policy_of
from ratchet.core.orders import TimeInForce

D = Decimal
SYMBOLS = ("BTC/USDT", "NVDA", "TSLA", "TQQQ")
EQUITY_TIFS = [
    TimeInForce.DAY,
    TimeInForce.GTC,
    TimeInForce.IOC,
    TimeInForce.FOK,
    TimeInForce.OPG,
    TimeInForce.CLS,
]
prices = st.integers(80 * 4, 120 * 4).map(lambda n: n / 4)
levels = st.integers(85, 115).map(str)
CHECKS = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@st.composite
def candles(draw):
    first, *others = draw(st.lists(prices, min_size=4, max_size=4))
    values = [first, *others]
    return (first, max(values), min(values), others[-1], draw(st.sampled_from([0.0, 40.0, 1e4, 1e7])))


@st.composite
def orders(draw):
    symbol = draw(st.sampled_from(SYMBOLS))
    side = draw(st.sampled_from(["buy", "sell"]))
    fields = {"symbol": symbol, "side": side, "qty": str(draw(st.integers(1, 3000)))}
    kind = draw(st.sampled_from(["market", "limit", "stop", "stop_limit", "trail", "bracket", "notional"]))
    if kind in {"limit", "stop_limit"}:
        fields["limit_price"] = draw(levels)
    if kind in {"stop", "stop_limit"}:
        fields["stop_price"] = draw(levels)
    if kind == "trail":
        fields[draw(st.sampled_from(["trail_price", "trail_percent"]))] = str(draw(st.integers(1, 20)))
    if kind == "bracket":
        above, below = draw(st.integers(101, 115)), draw(st.integers(85, 99))
        target, stop = (above, below) if side == "buy" else (below, above)
        fields |= {
            "order_class": OrderClass.BRACKET,
            "take_profit": str(target),
            "stop_loss": StopLoss(D(stop)),
        }
    if kind == "notional":
        fields |= {"qty": None, "notional": str(draw(st.integers(10, 50_000)))}
    if symbol != "BTC/USDT":
        fields["time_in_force"] = draw(st.sampled_from(EQUITY_TIFS))
        fields["extended_hours"] = kind == "limit" and draw(st.booleans())
    return fields


steps = st.lists(
    st.tuples(
        st.lists(orders(), max_size=4),
        st.dictionaries(st.sampled_from(SYMBOLS), candles(), min_size=1),
        st.sampled_from([1, 1, 1, 6, 18]),
        st.integers(0, 8),
        st.integers(90, 110),
    ),
    min_size=1,
    max_size=12,
)


def amend(market, number, price):
    """Cancel or replace one of the open orders."""
    working = market.exchange.open_orders()
    if number >= len(working):
        return
    order = working[number]
    if number % 2:
        market.exchange.cancel(order.id, market.ts)
        return
    change = ReplaceRequest(limit_price=D(price)) if order.limit_price else ReplaceRequest(qty=D(price))
    try:
        market.exchange.replace(order.id, change, market.ts)
    except OrderRejected:
        return


def play(market, step, accepted=lambda order: None):
    wanted, bars, hours, number, price = step
    for fields in wanted:
        try:
            order = market.submit(**fields)
        except OrderRejected:
            continue
        accepted(order)
    amend(market, number, price)
    return market.bars(bars, hours=hours)


def raw_free(market):
    venue = market.exchange._venue
    return policy_of(venue).free_margin(venue)


@CHECKS
@given(steps)
def test_no_accepted_order_overdraws_buying_power(open_market, script):
    market = open_market(margin="reg_t")

    def accepted(order):
        if not market.exchange.order(order.id).is_closing:
            assert raw_free(market) >= 0

    for step in script:
        play(market, step, accepted)
        assert market.exchange.account().buying_power >= 0


@CHECKS
@given(steps)
def test_fills_lie_within_their_bar_and_take_no_position_through_zero(open_market, script):
    market = open_market(margin="reg_t")
    held = {}
    for step in script:
        for event in play(market, step):
            if not event.is_execution:
                continue
            order = event.order
            symbol = market.registry[order.asset_id].symbol
            _, high, low, _, _ = step[1][symbol]
            assert low <= event.price <= high
            before = held.get(order.asset_id, D(0))
            after = held[order.asset_id] = before + order.side.sign * event.qty
            assert before * after >= 0
            assert not order.is_closing or abs(after) < abs(before)
            assert order.filled_qty <= order.qty
        assert {p.asset_id: p.qty for p in market.exchange.positions()} == {
            k: v for k, v in held.items() if v
        }
        for position in market.exchange.positions():
            assert position.qty * position.qty_available >= 0
            assert position.qty > 0 or position.qty == int(position.qty)


@CHECKS
@given(steps)
def test_account_history_accounts_for_every_cent(open_market, registry, script):
    market = open_market(free=False)
    market.exchange = Exchange(registry, market.exchange.config, track_changes=True)
    market.bars({asset.symbol: (100, 100, 100, 100) for asset in registry}, hours=0)
    total, ids = D(100_000), []
    for step in script:
        play(market, step)
        rows = market.exchange.drain_changes().activities
        ids += [row["id"] for row in rows]
        total += sum((D(row["net_amount"]) for row in rows), D(0))
        account = market.exchange.account()
        assert account.cash == total
        assert account.equity == account.cash + sum(p.market_value for p in market.exchange.positions())
        assert account.equity == account.cash + account.long_market_value + account.short_market_value
    assert len(set(ids)) == len(ids)


@CHECKS
@given(st.sampled_from(["buy", "sell"]), st.lists(candles(), min_size=1, max_size=10), st.integers(1, 15))
def test_the_mark_of_a_trailing_stop_only_improves(open_market, side, rows, trail):
    market = open_market(margin="reg_t")
    order = market.submit("TSLA", side=side, trail_percent=str(trail), time_in_force=TimeInForce.GTC)
    sign = 1 if side == "sell" else -1
    for row in rows:
        before = market.exchange.order(order.id)
        market.bar("TSLA", *row, hours=1)
        after = market.exchange.order(order.id)
        if not after.is_open:
            break
        assert sign * (after.hwm - before.hwm) >= 0
        assert sign * (after.stop_price - before.stop_price) >= 0


def through_json(value):
    return json.loads(json.dumps(value))


ACTIONS = [
    CorporateAction(4, ActionKind.SPLIT, date(2024, 6, 6), ratio=D(2)),
    CorporateAction(1, ActionKind.DIVIDEND, date(2024, 6, 5), amount=D("0.25")),
]
CONFIGS = [
    {"free": False},
    {
        "free": False,
        "profile": "alpaca-paper",
        "partial_fill_ratio": "0.5",
        "carry": {"borrow_annual": "0.03"},
    },
    {"free": False, "latency_ms": {"new": 1, "cancel": 2_000_000, "replace": 2_000_000}},
]


@pytest.mark.parametrize("config", CONFIGS)
@CHECKS
@given(script=steps)
def test_a_restart_after_any_step_changes_nothing(open_market, registry, config, script):
    steady, restarted, stored = (open_market(**config) for _ in range(3))
    tables = {"orders": {}, "positions": {}, "account": None}
    stored.exchange = Exchange(registry, stored.exchange.config, track_changes=True)
    opening = {asset.symbol: (100, 100, 100, 100) for asset in registry}
    stored.bars(opening, hours=0)
    marks = [(stored.ts, opening)]
    for market in (steady, restarted, stored):
        market.exchange.on_corporate_actions(ACTIONS)
    for step in script:
        expected = play(steady, step)
        assert play(restarted, step) == expected
        assert play(stored, step) == expected
        state = restarted.exchange.snapshot()
        assert state == steady.exchange.snapshot()
        restarted.exchange = Exchange.restore(registry, steady.exchange.config, through_json(state))
        marks.append((stored.ts, step[1]))
        stored.exchange = from_rows(stored, tables, marks)
        restarted.exchange.on_corporate_actions(ACTIONS)
        assert stored.exchange.account() == steady.exchange.account()


def from_rows(stored, tables, marks):
    """Save what changed as a service does, and build a new exchange from the rows and the last bars."""
    changes = stored.exchange.drain_changes()
    tables["orders"] |= {row["id"]: through_json(row) for row in changes.orders}
    tables["positions"] |= {row["asset_id"]: through_json(row) for row in changes.positions}
    tables["account"] = through_json(changes.account) or tables["account"]
    state = {
        "account": tables["account"],
        "orders": list(tables["orders"].values()),
        "positions": list(tables["positions"].values()),
        "used_client_order_ids": [row["client_order_id"] for row in tables["orders"].values()],
    }
    found = Exchange.restore(stored.registry, stored.exchange.config, state, track_changes=True)
    found.on_corporate_actions(ACTIONS)
    clock, stored_ts = stored.ts, stored.exchange
    for ts, rows in marks:
        stored.ts, stored.exchange = ts, found
        columns = {stored.registry.by_symbol(symbol).id: row for symbol, row in rows.items()}
        found.mark([stored.batch(columns)])
    stored.ts, stored.exchange = clock, stored_ts
    return found
