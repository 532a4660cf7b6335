"""Option contracts in a portfolio: premiums in prices, a hundred times that in money."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.assets import Asset, AssetClass, Registry
from ratchet.core.options.registry import ContractRegistry
from ratchet.core.orders import Fill, Side
from ratchet.core.portfolio import Portfolio
from ratchet.core.portfolio.activities import book_activity

T = 1_700_000_000_000_000_000
CASH = Decimal(100_000)
NVDA = Asset(
    id=0, symbol="NVDA", asset_class=AssetClass.STOCK, phase=1, venue="alpaca", universe="stock",
    calendar="XNYS", price_increment=Decimal("0.01"), qty_increment=Decimal("0.000001"),
    min_notional=Decimal(1), max_position_ratio=0.1, stop_loss_ratio=0.08,
)  # fmt: skip
REGISTRY = ContractRegistry(Registry([NVDA]))
CALL = REGISTRY.by_symbol("NVDA240621C00900000").id


def fill(n: int, side: Side, qty: str, price: str, fee: str = "0", asset_id: int = CALL) -> Fill:
    return Fill(f"e{n}", f"o{n}", asset_id, side, Decimal(qty), Decimal(price), T + n, Decimal(fee))


@pytest.fixture
def portfolio() -> Portfolio:
    return Portfolio(REGISTRY, CASH)


def test_a_premium_costs_a_hundred_times_its_price(portfolio: Portfolio) -> None:
    applied = portfolio.apply(fill(1, Side.BUY, "2", "5.25", fee="0.10"))
    assert applied.cash_delta == Decimal("-1050.10")
    view = portfolio.view(CALL)
    assert view is not None
    assert (view.qty, view.avg_entry_price, view.mark) == (Decimal(2), Decimal("5.25"), 5.25)
    assert portfolio.equity == CASH - Decimal("0.10")
    portfolio.mark_contracts({CALL: (6.0, T + 5)})
    assert portfolio.equity == CASH - Decimal("0.10") + 2 * 75
    assert portfolio.mark_of(CALL) == (6.0, T + 5)
    assert portfolio.snapshot(T, 0).rate(CALL) == 100.0
    assert portfolio.class_pnl()[AssetClass.OPTION] == Decimal("149.90")


def test_profit_of_a_round_trip_is_money_and_its_prices_are_premiums(portfolio: Portfolio) -> None:
    portfolio.apply(fill(1, Side.BUY, "2", "5.00", fee="0.10"))
    portfolio.apply(fill(2, Side.SELL, "1", "6.00", fee="0.06"))
    done = portfolio.apply(fill(3, Side.SELL, "1", "4.50", fee="0.06"))
    assert done.closed_trade is not None
    assert done.closed_trade.pnl == Decimal(100) - 50 - Decimal("0.22")
    assert (done.closed_trade.entry_price, done.closed_trade.exit_price) == (Decimal(5), Decimal("5.25"))
    assert done.closed_trade.return_ratio == pytest.approx(49.78 / 1_000)
    assert portfolio.cash == portfolio.equity == CASH + Decimal("49.78")


def test_a_written_option_brings_its_premium_and_owes_its_mark(portfolio: Portfolio) -> None:
    portfolio.apply(fill(1, Side.SELL, "1", "5.00"))
    assert portfolio.cash == CASH + 500
    portfolio.mark_contracts({CALL: (7.0, T)})
    assert portfolio.equity == CASH - 200


def test_contracts_survive_a_restart_with_their_marks(portfolio: Portfolio) -> None:
    assert "contracts" not in portfolio.state()
    portfolio.apply(fill(1, Side.BUY, "3", "5.00"))
    portfolio.mark_contracts({CALL: (5.5, T + 9)})
    again = Portfolio.restore(REGISTRY, json.loads(json.dumps(portfolio.state())))
    assert again.views() == portfolio.views()
    assert again.equity == portfolio.equity
    assert again.state() == portfolio.state()


def test_prices_of_contracts_that_are_not_held_are_forgotten(portfolio: Portfolio) -> None:
    portfolio.mark_contracts({CALL: (5.5, T)})
    portfolio.mark_contracts({})
    assert portfolio.mark_of(CALL) == (0.0, 0)


def test_a_worthless_option_takes_its_premium_with_it(portfolio: Portfolio) -> None:
    portfolio.apply(fill(1, Side.BUY, "2", "5.00"))
    position, realized = book_activity(portfolio, "OPEXP", CALL, T + 9, Decimal(0), Decimal(-2))
    assert position is not None
    assert (position.qty, position.realized_pnl, realized) == (Decimal(0), Decimal(-1_000), Decimal(-1_000))
    assert portfolio.positions == {}
    assert portfolio.cash == portfolio.equity == CASH - 1_000


def test_an_exercise_takes_contracts_and_brings_shares_at_the_strike(portfolio: Portfolio) -> None:
    portfolio.apply(fill(1, Side.BUY, "1", "5.00"))
    portfolio.apply(fill(2, Side.BUY, "1", "910", asset_id=NVDA.id))
    book_activity(portfolio, "OPEXC", CALL, T + 9, Decimal(0), Decimal(-1))
    shares, _ = book_activity(
        portfolio, "OPTRD", NVDA.id, T + 9, Decimal(-90_000), Decimal(100), cost=Decimal(90_000)
    )
    assert shares is not None
    assert (shares.qty, shares.cost) == (Decimal(101), Decimal(90_910))
    assert CALL not in portfolio.positions
    assert portfolio.cash == CASH - 500 - 910 - 90_000


@given(
    st.lists(
        st.tuples(st.sampled_from(Side), st.integers(1, 9), st.integers(1, 5_000), st.integers(0, 99)),
        max_size=30,
    )
)
def test_cash_is_exact_and_profit_adds_up_whatever_is_traded(
    trades: list[tuple[Side, int, int, int]],
) -> None:
    portfolio, paid = Portfolio(REGISTRY, CASH), Decimal(0)
    realized = Decimal(0)
    for n, (side, qty, cents, fee) in enumerate(trades):
        price, costs = Decimal(cents) / 100, Decimal(fee) / 100
        made = replace(fill(n, side, str(qty), str(price)), fee=costs)
        paid += side.sign * qty * price * 100 + costs
        realized += portfolio.apply(made).realized_pnl
    assert portfolio.cash == CASH - paid
    position = portfolio.position(CALL)
    assert abs(CASH - paid + position.cost * 100 - CASH - realized) < Decimal("0.001")
    if not position.qty:
        assert portfolio.cash == CASH + realized
