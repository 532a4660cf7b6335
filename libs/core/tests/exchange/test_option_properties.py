"""Whatever is traded in options, money and contracts are neither made nor lost, and nothing is uncovered."""

import json
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ratchet.core.exchange import Exchange, OrderRejected, from_row
from ratchet.core.exchange.types import Activity

from .option_floor import C95, C100, C105, C110, CLOSE, P95, P100, floor, known

__all__ = ["floor", "known"]

SYMBOLS = st.sampled_from([C95, C100, C105, C110, P95, P100])
PRICES = st.integers(90, 112)
ACTIONS = st.one_of(
    st.tuples(st.just("option"), SYMBOLS, st.sampled_from(["buy", "sell"]), st.integers(1, 4)),
    st.tuples(st.just("package"), SYMBOLS, SYMBOLS, st.integers(1, 3)),
    st.tuples(st.just("shares"), st.sampled_from(["buy", "sell"]), st.integers(1, 200), st.just(0)),
    st.tuples(st.just("exercise"), SYMBOLS, st.just(""), st.just(0)),
    st.tuples(st.just("cancel"), st.just(""), st.just(""), st.just(0)),
)
# What is done, and the price of the bar that follows; None for no bar.
STEPS = st.lists(st.tuples(ACTIONS, st.one_of(PRICES, PRICES, st.none())), min_size=2, max_size=14)


def perform(trader, action):
    kind, first, second, number = action
    try:
        if kind == "option":
            trader.option(first, second, qty=number)
        elif kind == "package":
            trader.package((1, first), (-1, second), qty=number)
        elif kind == "shares":
            trader.submit("NVDA", first, str(second))
        elif kind == "exercise":
            trader.exchange.exercise(first, trader.ts)
        else:
            trader.exchange.cancel_all(trader.ts)
    except OrderRejected:
        pass


def uncovered(trader):
    venue = trader.exchange._venue
    nvda = trader.registry.by_symbol("NVDA").id
    return venue.coverage.partition(nvda).uncovered


@given(STEPS, PRICES)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_money_and_contracts_are_conserved(floor, known, registry, steps, last):
    trader = floor()
    trader.exchange.drain_changes()
    for action, price in steps:
        perform(trader, action)
        if price is not None:
            trader.at(trader.ts + 600_000_000_000, price)
        assert not uncovered(trader)
    account = trader.exchange.account()
    assert account.options_buying_power >= 0
    values = sum(held.market_value for held in trader.exchange.positions())
    assert account.equity == account.cash + values

    state = json.loads(json.dumps(trader.exchange.snapshot()))
    twin = Exchange.restore(registry, trader.exchange.config, state, option_market=known)
    assert twin.account() == account

    trader.at(CLOSE, last)
    assert all(trader.held(symbol) == 0 for symbol in (C95, C100, C105, C110, P95, P100))
    rows = [from_row(Activity, row) for row in trader.exchange.drain_changes().activities]
    assert trader.cash == 100_000 + sum((row.net_amount for row in rows), Decimal(0))
    totals: dict[int, Decimal] = {}
    for row in rows:
        sign = row.side.sign if row.type == "FILL" else 1
        totals[row.asset_id] = totals.get(row.asset_id, Decimal(0)) + sign * row.qty
    shares = trader.registry.by_symbol("NVDA").id
    assert totals.pop(shares, Decimal(0)) == trader.holding()
    assert not any(totals.values())
