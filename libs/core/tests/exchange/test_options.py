"""Option orders: prices, levels, cover, packages, what is refused and why."""

from decimal import Decimal

import pytest

from ratchet.core.exchange import (
    AccountSettings,
    OrderRejected,
    ReplaceRequest,
)
from ratchet.core.options.intents import PositionIntent
from ratchet.core.orders import OrderType, TimeInForce

from .conftest import HOUR
from .option_floor import (
    C95,
    C100,
    C105,
    C110,
    P95,
    P100,
    floor,
    known,
    refusal,
    still,
    trader,
)

__all__ = ["floor", "known", "trader"]


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
