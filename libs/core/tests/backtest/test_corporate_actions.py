"""Dividends and splits reach the trader's books as the venue booked them."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from ratchet.core.backtest import Backtest
from ratchet.core.exchange import ActionKind, CorporateAction
from ratchet.core.phases import PhasesConfig

OPEN = PhasesConfig(
    phases=[
        {"phase": 0, "name": "crypto", "asset_classes": ["crypto"]},
        {"phase": 1, "name": "stocks", "asset_classes": ["stock"]},
    ]
)


def actions():
    found = []
    for asset_id in range(3, 7):
        for day in range(8, 29):
            ex_date = date(2024, 1, day)
            if day % 7 == asset_id:
                found.append(
                    CorporateAction(
                        asset_id, ActionKind.SPLIT, ex_date, ratio=Decimal(2 if day < 15 else 3) / 2
                    )
                )
            else:
                found.append(CorporateAction(asset_id, ActionKind.DIVIDEND, ex_date, amount=Decimal("0.375")))
    return found


@pytest.fixture(scope="module")
def run(world):
    stocks = replace(world, phases=OPEN, hours=24 * 30)
    backtest = Backtest(stocks, corporate_actions=actions())
    return backtest, backtest.run(stocks.steps())


def test_the_traders_books_are_the_venues(run):
    backtest, result = run
    venue, books = backtest._exchange, backtest._session.portfolio
    assert books.cash == venue.account().cash
    assert {i: p.qty for i, p in books.positions.items()} == {p.asset_id: p.qty for p in venue.positions()}
    totals = [row for row in result.daily if row.asset_class == "total"]
    assert sum((row.pnl for row in totals), Decimal(0)) == totals[-1].equity - result.summary.equity_start


def test_dividends_and_splits_did_happen(run, world):
    backtest, result = run
    plain = Backtest(replace(world, phases=OPEN, hours=24 * 30))
    without = plain.run(replace(world, hours=24 * 30).steps())
    assert without.summary.orders_digest != result.summary.orders_digest
    bought = sum((fill.side.sign * fill.qty for fill in result.fills if fill.asset_id >= 3), Decimal(0))
    held = sum((p.qty for i, p in backtest._session.portfolio.positions.items() if i >= 3), Decimal(0))
    # What was bought and sold does not explain what is held: splits made the rest.
    assert bought != held
    assert any(trade.asset_id >= 3 for trade in result.trades)


def test_without_corporate_actions_nothing_is_different(world):
    short = replace(world, hours=24 * 12)
    assert Backtest(short, corporate_actions=[]).run(short.steps()) == Backtest(short).run(short.steps())
