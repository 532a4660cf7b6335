"""The end of options: expiration, exercise, assignment, dividends, splits."""

from datetime import date
from decimal import Decimal

import pytest

from ratchet.core.exchange import (
    ActionKind,
    CorporateAction,
)
from ratchet.core.options.config import OptionsConfig, SettlementConfig

from .conftest import HOUR
from .option_floor import (
    C95,
    C100,
    C105,
    CLOSE,
    P95,
    P100,
    floor,
    known,
    refusal,
    still,
    trader,
)

__all__ = ["floor", "known", "trader"]


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
