"""Options beside everything else: restarts, rows, the model, quotes, faults, the broker, equities."""

import json
from decimal import Decimal

from ratchet.core.exchange import (
    Exchange,
)
from ratchet.core.options import OccSymbol
from ratchet.core.options.config import OptionsConfig
from ratchet.core.options.listing import make_contract

from .conftest import make_batch
from .option_floor import (
    C95,
    C100,
    C105,
    CLOSE,
    OptionMarket,
    floor,
    known,
    still,
    trader,
)

__all__ = ["floor", "known", "trader"]


def test_the_state_survives_a_restart(trader, known, registry):
    trader.package((1, C100), (-1, C105))
    still(trader)
    trader.package((1, C95), (-1, C105), limit="0.50")
    state = json.loads(json.dumps(trader.exchange.snapshot()))
    twin = Exchange.restore(registry, trader.exchange.config, state, option_market=known)
    assert twin.snapshot() == trader.exchange.snapshot()
    other = OptionMarket(twin, registry, ts=trader.ts)
    trader.at(CLOSE, 103)
    other.at(CLOSE, 103)
    assert other.cash == trader.cash
    assert other.holding() == trader.holding() == 100


def test_rows_that_changed_restore_the_same_account(trader, known, registry):
    trader.option(C100)
    first = trader.exchange.drain_changes()
    still(trader)
    changes = trader.exchange.drain_changes()
    rows = {
        "account": first.account | changes.account,
        "orders": changes.orders,
        "positions": changes.positions,
    }
    twin = Exchange.restore(
        registry, trader.exchange.config, json.loads(json.dumps(rows)), option_market=known
    )
    twin.mark([make_batch(trader.ts, {registry.by_symbol("NVDA").id: (100, 100, 100, 100)})])
    assert twin.account() == trader.exchange.account()


def test_contracts_are_written_when_one_is_added_and_not_with_every_change(trader):
    trader.option(C100)
    assert "options" in trader.exchange.drain_changes().account
    still(trader)
    assert "options" not in trader.exchange.drain_changes().account
    trader.option(C100)
    assert "options" not in trader.exchange.drain_changes().account
    trader.option(C105)
    assert "options" in trader.exchange.drain_changes().account


def test_contracts_are_quoted_by_the_model_where_nothing_is_recorded(trader, known):
    known.quotes.clear()
    trader.option(C100)
    still(trader)
    paid = trader.order("option-1").filled_avg_price
    contract = make_contract(trader.exchange.config.options.listing, OccSymbol.parse(C100))
    assert trader.exchange.options.latest_quote(contract).source == "modelled"
    assert 1 < paid < 4


def test_equities_are_traded_as_without_options(floor, open_market):
    with_options, without = floor(), open_market(margin="reg_t")
    for market in (with_options, without):
        market.submit("NVDA", qty="10")
        market.bar("NVDA", 101, 103, 99, 102)
        market.submit("TSLA", "sell", "5")
        market.bar("TSLA", 100, 100, 100, 100)
    assert with_options.exchange.account().equity == without.exchange.account().equity
    assert "options" not in with_options.exchange.snapshot()["account"]


def test_orders_meet_quotes_of_the_underlying_as_well(floor):
    trader = floor(matching="quotes")
    trader.option(C100)
    trader.quote("TSLA", 99.9, 100.1)
    assert trader.held(C100) == 0
    trader.quote("NVDA", 99.9, 100.1)
    assert trader.held(C100) == 1


def test_a_naked_short_that_runs_away_is_bought_back_by_the_broker(floor, known):
    naked = OptionsConfig(margin={"allow_naked": True})
    trader = floor(options=naked, starting_cash=6_000)
    trader.option(C105, "sell")
    still(trader)
    assert trader.held(C105) == -1
    assert trader.power == 6_095 - (Decimal("97.5") + 1_500)
    known.quotes[C105] = ("44.50", "45.50")
    trader.bar("NVDA", 150, 150, 150, 150)
    trader.bar("NVDA", 150, 150, 150, 150)
    assert trader.held(C105) == 0
    assert trader.cash == 6_095 - 4_550


def test_fills_can_be_cut_and_turned_away_like_those_of_any_asset(trader):
    trader.exchange.limit_fills(lambda order, qty: min(qty, Decimal(1)))
    trader.package((1, C100), (-1, C105), qty=4, limit="1.60")
    still(trader)
    assert (trader.held(C100), trader.held(C105)) == (2, -2)
    trader.exchange.limit_fills(None)
    order = trader.package((1, C100), (-1, C105), limit="0.50")
    trader.exchange.reject(order.id, trader.ts)
    assert {trader.exchange.order(name).status.value for name in (order.id, *order.legs)} == {"rejected"}
