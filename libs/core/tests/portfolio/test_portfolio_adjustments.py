"""What the broker books beside executions: transfers are no profit, splits change no value."""

from decimal import Decimal

import numpy as np
import pytest

from ratchet.core.assets import Asset, AssetClass, Registry
from ratchet.core.market import BarBatch
from ratchet.core.orders import Fill, Side
from ratchet.core.portfolio import Portfolio

HOUR = 3_600_000_000_000


@pytest.fixture
def portfolio():
    asset = Asset(
        0, "NVDA", AssetClass.STOCK, 1, "alpaca", "stock", "XNYS", Decimal("0.01"), Decimal("0.000001"),
        Decimal(1), 0.1, 0.08,
    )  # fmt: skip
    made = Portfolio(Registry([asset]), Decimal(10_000))
    made.apply(Fill("e", "c", 0, Side.BUY, Decimal(10), Decimal(100), HOUR))
    mark(made, 1, 120.0)
    return made


def mark(portfolio, hour, price):
    one = np.array([price])
    ids = np.array([0], np.uint32)
    portfolio.mark((BarBatch("stock", "1h", hour * HOUR, ids, one, one, one, one, one, start=0),))


def test_a_deposit_is_no_profit_and_no_new_peak_of_performance(portfolio):
    peak, start = portfolio.peak_equity, portfolio.day_start_equity
    portfolio.book_cash(Decimal(500), is_flow=True)
    assert (portfolio.peak_equity - peak, portfolio.day_start_equity - start) == (500, 500)
    (total, stock) = portfolio.close_day(48 * HOUR)
    assert total.pnl == stock.pnl == Decimal(200)


def test_a_dividend_is_profit_of_its_class(portfolio):
    portfolio.book_cash(Decimal("7.50"), 0)
    assert [row.pnl for row in portfolio.close_day(48 * HOUR)] == [Decimal("207.50")] * 2


@pytest.mark.parametrize(("delta", "price"), [("90", 12.0), ("-5", 240.0)])
def test_a_split_changes_units_and_prices_but_no_value(portfolio, delta, price):
    before = portfolio.equity
    position, realized = portfolio.adjust_units(0, Decimal(delta), 2 * HOUR, is_split=True)
    assert (position.qty, position.cost, realized) == (10 + Decimal(delta), Decimal(1000), 0)
    assert portfolio.equity == before
    view = portfolio.view(0)
    assert (view.mark, view.high_watermark) == pytest.approx((price, price))


def test_units_taken_away_for_nothing_realise_their_cost(portfolio):
    position, realized = portfolio.adjust_units(0, Decimal(-4), 2 * HOUR)
    assert (position.qty, position.cost, realized) == (6, Decimal(600), Decimal(-400))
    position, realized = portfolio.adjust_units(0, Decimal(-6), 2 * HOUR, cost=Decimal(-900))
    assert (position.qty, realized) == (0, Decimal(300))
    assert portfolio.positions == {}


def test_units_that_come_from_outside_can_be_stored_and_sold(portfolio):
    portfolio.adjust_units(0, Decimal(-10), 2 * HOUR)
    portfolio.adjust_units(0, Decimal(3), 3 * HOUR)
    again = Portfolio.restore(portfolio._registry, portfolio.state())
    applied = again.apply(Fill("s", "c2", 0, Side.SELL, Decimal(3), Decimal(50), 4 * HOUR))
    assert (applied.realized_pnl, again.positions) == (Decimal(150), {})
