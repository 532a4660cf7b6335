"""Options at the exchange: orders, margin, expiration, exercise, assignment, splits, persistence.

NVDA stands at 100 on Tuesday 2024-06-04, 10:30 in New York; its weekly options expire on Friday the 7th. The
market is told the quotes that it needs, so that every amount can be checked by hand.
"""

import json
from datetime import date
from decimal import Decimal

import pytest

from ratchet.core.exchange import (
    AccountSettings,
    ActionKind,
    CorporateAction,
    Exchange,
    ExchangeConfig,
    LegRequest,
    NoOptionMarket,
    OptionOrderRequest,
    OrderRejected,
    ReplaceRequest,
)
from ratchet.core.options import OccSymbol
from ratchet.core.options.config import OptionsConfig, SettlementConfig
from ratchet.core.options.expirations import expiration_close
from ratchet.core.options.intents import PositionIntent
from ratchet.core.options.listing import make_contract
from ratchet.core.options.quotes import OptionQuote, QuoteSource
from ratchet.core.orders import OrderType, Side, TimeInForce

from .conftest import FREE_FEES, FREE_SLIPPAGE, HOUR, Market, make_batch

FRIDAY = date(2024, 6, 7)
CLOSE = expiration_close(FRIDAY)
C95, C100, C105, C110 = (f"NVDA240607C{strike:05d}000" for strike in (95, 100, 105, 110))
P95, P100 = (f"NVDA240607P{strike:05d}000" for strike in (95, 100))
QUOTES = {
    C95: ("5.90", "6.00"),
    C100: ("2.40", "2.50"),
    C105: ("0.95", "1.00"),
    C110: ("0.30", "0.35"),
    P95: ("0.80", "0.85"),
    P100: ("2.20", "2.30"),
}


class KnownQuotes(NoOptionMarket):
    """The same quotes at every time, a hundred contracts on each side."""

    def __init__(self):
        self.quotes = dict(QUOTES)
        self.size = 100

    def recorded_quotes(self, contracts, ts):
        return {
            contract.symbol: OptionQuote(
                contract,
                ts,
                Decimal(self.quotes[contract.symbol][0]),
                self.size,
                Decimal(self.quotes[contract.symbol][1]),
                self.size,
                QuoteSource.RECORDED,
            )
            for contract in contracts
            if contract.symbol in self.quotes
        }


class OptionMarket(Market):
    """A market in which options are ordered by symbol."""

    def option(self, symbol, side="buy", qty=1, limit=None, intent=None, **fields):
        self.count += 1
        request = OptionOrderRequest(
            client_order_id=fields.pop("client_order_id", f"option-{self.count}"),
            qty=Decimal(qty),
            type=fields.pop("type", OrderType.MARKET if limit is None else OrderType.LIMIT),
            symbol=symbol,
            side=Side(side),
            intent=intent,
            limit_price=None if limit is None else Decimal(limit),
            **fields,
        )
        return self.exchange.submit_option(request, self.ts)

    def package(self, *legs, qty=1, limit=None):
        """Order legs given as (signed ratio, symbol)."""
        self.count += 1
        request = OptionOrderRequest(
            client_order_id=f"option-{self.count}",
            qty=Decimal(qty),
            type=OrderType.MARKET if limit is None else OrderType.LIMIT,
            limit_price=None if limit is None else Decimal(limit),
            legs=tuple(
                LegRequest(symbol, Decimal(abs(ratio)), Side.BUY if ratio > 0 else Side.SELL)
                for ratio, symbol in legs
            ),
        )
        return self.exchange.submit_option(request, self.ts)

    def held(self, symbol):
        asset_id = self.exchange.options.id_of(symbol)
        found = None if asset_id is None else self.exchange.position(asset_id)
        return 0 if found is None else int(found.qty)

    def at(self, ts, price):
        """Move to an event time with a bar that stands at one price."""
        self.ts = ts
        nvda = self.registry.by_symbol("NVDA").id
        found = self.exchange.on_bars([make_batch(ts, {nvda: (price, price, price, price)})])
        self.events += found
        return found

    @property
    def cash(self):
        return self.exchange.account().cash

    @property
    def power(self):
        return self.exchange.account().options_buying_power


@pytest.fixture
def known():
    return KnownQuotes()


@pytest.fixture
def floor(registry, known):
    """Return a factory of option markets that cost nothing but the spread."""

    def make(**config):
        costs = {"slippage": FREE_SLIPPAGE, "fees": FREE_FEES, "spread_bps": dict.fromkeys(["stock"], 0)}
        exchange = Exchange(
            registry, ExchangeConfig(**{**costs, **config}), option_market=known, track_changes=True
        )
        market = OptionMarket(exchange, registry)
        market.bars({asset.symbol: (100, 100, 100, 100) for asset in registry}, hours=0)
        market.events.clear()
        return market

    return make


@pytest.fixture
def trader(floor):
    return floor()


def still(market):
    """One more hour at 100."""
    return market.bar("NVDA", 100, 100, 100, 100)


def refusal(call, *arguments, **fields):
    with pytest.raises(OrderRejected) as found:
        call(*arguments, **fields)
    return found.value


def test_a_bought_call_costs_its_premium_times_a_hundred(trader):
    order = trader.option(C100, qty=2)
    assert order.status == "new"
    still(trader)
    filled = trader.order(order.client_order_id)
    assert (filled.status, filled.filled_avg_price) == ("filled", Decimal("2.50"))
    assert trader.cash == 100_000 - 500
    held = trader.exchange.position(filled.asset_id)
    assert (held.qty, held.avg_entry_price, held.mark) == (2, 250, 245)
    assert trader.exchange.account().equity == 100_000 - 10


def test_a_limit_waits_until_the_far_side_satisfies_it(trader, known):
    trader.option(C100, limit="2.45")
    still(trader)
    assert trader.held(C100) == 0
    known.quotes[C100] = ("2.30", "2.40")
    still(trader)
    assert trader.held(C100) == 1
    assert trader.cash == 100_000 - 240


def test_an_order_takes_no_more_than_the_quote_offers(trader, known):
    known.size = 3
    trader.option(C100, qty=10, limit="2.50")
    still(trader)
    assert trader.held(C100) == 6
    still(trader)
    assert trader.held(C100) == 10


def test_selling_what_is_held_brings_the_bid(trader):
    trader.option(C100, qty=2)
    still(trader)
    order = trader.option(C100, "sell", qty=2)
    assert order.is_closing
    still(trader)
    assert trader.held(C100) == 0
    assert trader.cash == 100_000 - 500 + 480


def test_regulatory_fees_are_charged_per_contract(floor):
    trader = floor(fees={"regulatory": True})
    trader.option(C100, qty=10)
    still(trader)
    assert trader.cash == 100_000 - 2_500 - Decimal("0.48")
    kinds = [row["type"] for row in trader.exchange.drain_changes().activities]
    assert kinds == ["FILL", "FEE"]


@pytest.mark.parametrize(
    ("fields", "code", "message"),
    [
        ({"symbol": "NVDA240607C00100001"}, 42210000, "not found"),
        ({"symbol": "NVDA240606C00100000"}, 42210000, "not found"),
        ({"symbol": "ZZZZ240607C00100000"}, 42210000, "not found"),
        ({"qty": "1.5"}, 42210000, "qty must be integer for options trading"),
        ({"qty": "0"}, 40010001, "qty must be > 0"),
        ({"time_in_force": TimeInForce.GTC}, 42210000, "not supported for options trading"),
        ({"type": OrderType.STOP}, 42210000, "invalid order type"),
        ({"type": OrderType.LIMIT}, 42210000, "limit price is required for limit orders"),
        ({"limit": "2.501"}, 42210000, "invalid limit_price 2.501"),
        ({"limit": "3.01"}, 42210000, "invalid limit_price 3.01"),
        ({"extended_hours": True}, 42210000, "extended hours is not supported for options trading"),
        ({"notional": Decimal(100)}, 42210000, "notional orders are not supported for options trading"),
        ({"intent": PositionIntent.BUY_TO_CLOSE}, 42210000,
         "position intent mismatch, inferred: buy_to_open, specified: buy_to_close"),
        ({"qty": "401"}, 40310000, "insufficient options buying power"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_order_is_said_in_alpacas_words(trader, fields, code, message):
    found = refusal(trader.option, **{"symbol": C100, **fields})
    assert found.code == code
    assert message in found.message
    assert not trader.exchange.open_orders()


def test_market_orders_need_an_open_market_and_limits_wait_for_it(trader):
    trader.at(trader.ts + 6 * HOUR, 100)
    trader.ts += HOUR
    assert "only allowed during market hours" in refusal(trader.option, C100).message
    assert trader.option(C100, limit="2.50").status == "accepted"


def test_client_order_ids_are_used_once_across_classes(trader):
    trader.submit("NVDA", client_order_id="mine")
    assert refusal(trader.option, C100, client_order_id="mine").code == 40010001


@pytest.mark.parametrize(
    ("level", "side", "message"),
    [
        (0, "buy", "account not authorized to trade options"),
        (1, "buy", "account not eligible to trade level2 options trading"),
        (2, "sell", "insufficient underlying qty available for covered call (required: 100, available: 0)"),
        (3, "sell", "account not eligible to trade uncovered option contracts"),
    ],
)
def test_levels_forbid_what_was_not_approved(trader, level, side, message):
    trader.exchange.configure(AccountSettings(max_options_trading_level=level))
    found = refusal(trader.option, C100, side)
    assert (found.code, found.message) == (40310000, message)


def test_a_package_needs_level_three(trader):
    trader.exchange.configure(AccountSettings(max_options_trading_level=2))
    assert "level3" in refusal(trader.package, (1, C100), (-1, C105)).message


def test_a_covered_call_locks_its_shares(trader):
    trader.submit("NVDA", qty="150")
    still(trader)
    trader.option(C105, "sell")
    still(trader)
    assert trader.held(C105) == -1
    nvda = trader.registry.by_symbol("NVDA").id
    assert trader.exchange.position(nvda).qty_available == 50
    assert "insufficient qty available" in refusal(trader.submit, "NVDA", "sell", "51").message
    assert "uncovered" in refusal(trader.option, C105, "sell").message
    trader.option(C105, "buy")
    still(trader)
    assert trader.exchange.position(nvda).qty_available == 150


def test_shares_behind_a_working_sale_of_calls_are_locked_too(trader):
    trader.submit("NVDA", qty="100")
    still(trader)
    trader.option(C105, "sell", limit="2.00")
    assert trader.exchange.position(trader.registry.by_symbol("NVDA").id).qty_available == 0
    assert "uncovered" in refusal(trader.option, C110, "sell").message


def test_a_short_put_binds_its_strike_in_cash(trader):
    trader.option(P95, "sell", qty=2)
    assert trader.power == 100_000 - (19_000 - 2 * Decimal("78"))
    still(trader)
    assert trader.cash == 100_160
    assert trader.power == 100_160 - 19_000
    found = refusal(trader.option, P95, "sell", qty=9)
    assert found.message.startswith("insufficient options buying power (required: 84")


def test_bound_cash_buys_no_shares(floor):
    trader = floor(margin="cash")
    trader.option(P95, "sell", qty=10)
    still(trader)
    assert trader.exchange.account().buying_power == 100_800 - 95_000
    assert "insufficient buying power" in refusal(trader.submit, "NVDA", qty="60").message


def test_a_package_fills_at_once_and_its_legs_sum_to_the_net(trader):
    order = trader.package((1, C100), (-1, C105), qty=3, limit="1.60")
    assert (order.order_class, order.reserve) == ("mleg", 480)
    events = still(trader)
    parent = trader.order(order.client_order_id)
    legs = [trader.exchange.order(leg) for leg in parent.legs]
    assert [leg.filled_avg_price for leg in legs] == [Decimal("2.50"), Decimal("0.95")]
    assert [leg.filled_qty for leg in legs] == [3, 3]
    assert parent.filled_avg_price == Decimal("1.55")
    assert [leg.status for leg in (parent, *legs)] == ["filled"] * 3
    assert [event.order.id for event in events if event.is_execution] == [*parent.legs, parent.id]
    assert trader.cash == 100_000 - 3 * 155
    assert trader.power == trader.cash


def test_a_credit_package_has_a_negative_net_and_binds_its_width(trader):
    trader.package((-1, C100), (1, C105), limit="-1.50")
    still(trader)
    assert trader.held(C100) == 0
    trader.package((-1, C100), (1, C105), limit="-1.40")
    still(trader)
    assert trader.cash == 100_000 + 140
    assert trader.power == 100_000 + 140 - 500 - (500 - 150)


def test_ratios_are_filled_in_proportion(trader, known):
    known.size = 5
    order = trader.package((1, C95), (-2, C100), (1, C105), qty=4, limit="2.20")
    still(trader)
    assert (trader.held(C95), trader.held(C100), trader.held(C105)) == (4, -8, 4)
    assert trader.order(order.client_order_id).fill_count == 2


@pytest.mark.parametrize(
    ("legs", "message"),
    [
        ([(1, C100)], "between 2 and 4 legs"),
        ([(2, C100), (-2, C105)], "greatest common divisor"),
        ([(1, C100), (-1, C100)], "unique symbols"),
        ([(1, C100), (-1, "TSLA240607C00100000")], "underlying asset mismatch"),
        ([(-1, C100), (-1, P100)], "uncovered"),
        ([(1, C100), (-2, C105)], "uncovered"),
    ],
)
def test_packages_that_are_refused(trader, legs, message):
    assert message in refusal(trader.package, *legs).message


def test_a_leg_cannot_be_canceled_alone_but_the_package_can(trader):
    order = trader.package((1, C100), (-1, C105), limit="0.50")
    with pytest.raises(OrderRejected, match="individually"):
        trader.exchange.cancel(order.legs[0], trader.ts)
    trader.exchange.cancel(order.id, trader.ts)
    assert [trader.exchange.order(leg).status for leg in order.legs] == ["canceled"] * 2
    assert trader.power == 100_000


def test_a_package_and_its_legs_expire_with_the_day(trader):
    order = trader.package((1, C100), (-1, C105), limit="0.50")
    trader.at(trader.ts + 6 * HOUR, 100)
    found = [trader.exchange.order(name).status for name in (order.id, *order.legs)]
    assert found == ["expired"] * 3


def test_a_package_is_replaced_as_a_whole(trader):
    order = trader.package((1, C100), (-1, C105), limit="0.50")
    change = ReplaceRequest(qty=Decimal(2), limit_price=Decimal("1.55"))
    new = trader.exchange.replace(order.id, change, trader.ts)
    assert (trader.exchange.order(order.id).status, new.replaces) == ("replaced", order.id)
    still(trader)
    assert (trader.held(C100), trader.held(C105)) == (2, -2)


def test_a_closing_package_can_be_replaced_although_it_promises_the_whole_position(trader):
    trader.package((1, C100), (-1, C105))
    still(trader)
    closing = trader.package((-1, C100), (1, C105), limit="-3.00")
    assert "insufficient qty" in refusal(trader.package, (-1, C100), (1, C105), limit="-1.00").message
    trader.exchange.replace(closing.id, ReplaceRequest(limit_price=Decimal("-1.40")), trader.ts)
    still(trader)
    assert (trader.held(C100), trader.held(C105)) == (0, 0)


def test_the_long_leg_of_a_spread_cannot_be_sold_alone(trader):
    trader.package((1, C100), (-1, C105))
    still(trader)
    assert "uncovered" in refusal(trader.option, C100, "sell").message
    trader.option(C105, "buy")
    still(trader)
    trader.option(C100, "sell")


def test_overlapping_debit_spreads_bind_nothing(trader):
    # Largest pattern first would leave a naked short among 95/105 and 100/110.
    trader.package((1, C95), (-1, C105))
    still(trader)
    trader.package((1, C100), (-1, C110))
    still(trader)
    assert trader.power == trader.cash


def test_close_position_closes_either_side(trader):
    trader.option(C100, qty=2)
    trader.option(P95, "sell")
    still(trader)
    for symbol in (C100, P95):
        trader.exchange.close_position(trader.exchange.options.id_of(symbol), trader.ts)
    still(trader)
    assert (trader.held(C100), trader.held(P95)) == (0, 0)


def test_in_the_money_calls_are_exercised_at_expiration(trader):
    trader.option(C100)
    still(trader)
    trader.exchange.drain_changes()
    trader.at(CLOSE, 104)
    assert trader.held(C100) == 0
    assert trader.holding() == 100
    assert trader.cash == 100_000 - 250 - 10_000
    rows = trader.exchange.drain_changes().activities
    found = [(row["type"], Decimal(row["qty"]), Decimal(row["net_amount"])) for row in rows]
    assert found == [("OPEXC", -1, 0), ("OPTRD", 100, -10_000)]


def test_what_is_out_of_the_money_expires_worthless(trader):
    trader.option(C100)
    trader.option(P95, "sell")
    still(trader)
    trader.exchange.drain_changes()
    trader.at(CLOSE, 99)
    assert (trader.held(C100), trader.held(P95), trader.holding()) == (0, 0, 0)
    assert trader.cash == trader.exchange.account().equity == 100_000 - 250 + 80
    assert [row["type"] for row in trader.exchange.drain_changes().activities] == ["OPEXP", "OPEXP"]


def test_contracts_that_expire_between_two_bars_settle_at_the_price_before(trader):
    trader.option(C100)
    still(trader)
    trader.at(CLOSE - 2 * HOUR, 103)
    trader.at(CLOSE + 70 * HOUR, 90)
    assert trader.holding() == 100


def test_a_short_put_is_assigned_its_shares(trader):
    trader.option(P100, "sell")
    still(trader)
    trader.at(CLOSE, 96)
    assert trader.holding() == 100
    assert trader.cash == 100_000 + 220 - 10_000
    assert trader.exchange.account().equity == 100_000 + 220 - 400


def test_a_call_spread_wholly_in_the_money_pays_its_width(trader):
    trader.package((1, C100), (-1, C105))
    still(trader)
    trader.at(CLOSE, 120)
    assert trader.holding() == 0
    assert trader.cash == 100_000 - 155 + 500


def test_a_call_that_cannot_be_paid_is_sold_before_the_close(floor):
    trader = floor(starting_cash=5_000)
    trader.option(C100)
    still(trader)
    trader.at(CLOSE - HOUR // 2, 104)
    assert (trader.held(C100), trader.holding()) == (0, 0)
    assert trader.cash == 5_000 - 250 + 240
    sold = [event.order for event in trader.events if event.is_execution][-1]
    assert (sold.side, sold.is_closing) == ("sell", True)


def test_no_opening_order_in_the_last_half_hour(trader):
    trader.option(C100)
    still(trader)
    trader.at(CLOSE - HOUR // 2, 100)
    assert "expires soon, unable to open" in refusal(trader.option, C100).message
    trader.option(C100, "sell", limit="2.40")


def test_exercise_on_request_moves_shares_at_once(trader):
    trader.option(C95)
    still(trader)
    trader.exchange.exercise(C95, trader.ts)
    assert (trader.held(C95), trader.holding()) == (0, 100)
    assert trader.cash == 100_000 - 600 - 9_500


@pytest.mark.parametrize(
    ("symbol", "setup", "code"),
    [(C95, None, 40310000), (C105, "buy", 42210000), (P95, "sell", 40310001), (P100, "buy", 42210000)],
)
def test_exercise_that_is_refused(trader, symbol, setup, code):
    if setup:
        trader.option(symbol, setup)
        still(trader)
    assert refusal(trader.exchange.exercise, symbol, trader.ts).code == code


def test_a_put_is_exercised_only_with_the_shares(trader):
    trader.option(P100)
    still(trader)
    trader.at(trader.ts + HOUR, 97)
    assert "insufficient qty available" in refusal(trader.exchange.exercise, P100, trader.ts).message


def test_do_not_exercise_lets_it_expire(trader):
    trader.option(C95)
    still(trader)
    assert refusal(trader.exchange.do_not_exercise, C95, trader.ts).code == 42210000
    trader.at(CLOSE - 2 * HOUR, 100)
    trader.exchange.do_not_exercise(C95, trader.ts)
    trader.at(CLOSE, 100)
    assert (trader.held(C95), trader.holding()) == (0, 0)


def certain(**chances):
    return OptionsConfig(settlement=SettlementConfig(**chances))


def test_a_short_without_time_value_may_be_assigned_overnight(floor, known):
    known.quotes[P100] = ("9.95", "10.05")
    for chance, shares in ((1.0, 100), (0.0, 0)):
        trader = floor(options=certain(early_assignment=chance))
        trader.option(P100, "sell")
        still(trader)
        trader.bar("NVDA", 90, 90, 90, 90)
        trader.at(trader.ts + 22 * HOUR, 90)
        assert trader.holding() == shares


def test_a_dividend_brings_the_assignment_of_calls_forward(floor, known):
    known.quotes[C95] = ("5.00", "5.10")
    for amount, shares in (("0.50", 0), ("0.01", 100)):
        trader = floor(options=certain(dividend_assignment=1.0))
        nvda = trader.registry.by_symbol("NVDA").id
        trader.exchange.on_corporate_actions(
            [CorporateAction(nvda, ActionKind.DIVIDEND, date(2024, 6, 5), amount=Decimal(amount))]
        )
        trader.submit("NVDA", qty="100")
        still(trader)
        trader.option(C95, "sell")
        still(trader)
        trader.at(trader.ts + 22 * HOUR, 100)
        assert trader.holding() == shares


def test_a_split_adjusts_contracts_and_their_worth(trader, known):
    trader.option(C100)
    still(trader)
    nvda = trader.registry.by_symbol("NVDA").id
    trader.exchange.on_corporate_actions(
        [CorporateAction(nvda, ActionKind.SPLIT, date(2024, 6, 5), ratio=Decimal(2))]
    )
    trader.at(trader.ts + 22 * HOUR, 52)
    assert (trader.held(C100), trader.held("NVDA240607C00050000")) == (0, 2)
    trader.at(CLOSE, 52)
    assert trader.holding() == 200
    assert trader.cash == 100_000 - 250 - 10_000


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
