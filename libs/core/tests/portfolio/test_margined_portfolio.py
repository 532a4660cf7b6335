"""A portfolio whose positions are margined: its equity is the venue's net asset value, to the digit."""

import json
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.core.assets import Asset, AssetClass, Registry
from ratchet.core.fx import FxConfig, FxExchange, FxHoldings, FxOrderRequest, FxTimeInForce, OrderKind
from ratchet.core.market import BarBatch
from ratchet.core.orders import Fill, Side
from ratchet.core.portfolio import Portfolio

D = Decimal
HOUR = 3_600_000_000_000
START = 1_717_509_600_000_000_000  # 2024-06-04 14:00 UTC, a Tuesday
PAIRS = {"EUR_USD": (1.1, 5), "USD_JPY": (150.0, 3), "GBP_JPY": (190.0, 3)}
IDS = {name: number for number, name in enumerate(PAIRS)}


def make_registry() -> Registry:
    def asset(number: int, name: str) -> Asset:
        return Asset(
            id=number,
            symbol=name.replace("_", "/"),
            asset_class=AssetClass.FOREX,
            phase=0,
            venue="oanda",
            universe="forex",
            calendar="FX",
            price_increment=D("0.001"),
            qty_increment=D(1),
            min_notional=D(1),
            max_position_ratio=0.1,
            stop_loss_ratio=0.02,
            leverage=20.0,
        )

    return Registry(asset(number, name) for name, number in IDS.items())


def make_bars(ts: int, rows: dict[str, tuple[float, float, float, float]]) -> BarBatch:
    ids = sorted(IDS[name] for name in rows)
    named = {IDS[name]: row for name, row in rows.items()}
    columns = np.array([(*named[i], 0.0) for i in ids], dtype=np.float64).T
    return BarBatch("forex", "1h", ts, np.array(ids, dtype=np.uint32), *columns)


class Books:
    """The venue, and a portfolio that hears of its fills and financing and sees the same bars."""

    def __init__(self, balance: int = 20_000) -> None:
        self.registry, self.config = make_registry(), FxConfig(starting_balance=balance)
        self.venue = FxExchange(self.registry, self.config)
        self.portfolio = Portfolio(self.registry, D(balance), "main", FxHoldings(self.registry, self.config))
        self.ts, self.realized, self.financed = START, D(0), D(0)
        self.venue.open_account(START)
        self.venue.drain_events()

    def hour(self, rows: dict[str, tuple[float, float, float, float]], *, tell_pl: bool = True) -> None:
        self.ts += HOUR
        bars = make_bars(self.ts, rows)
        for entry in self.venue.on_bars([bars]):
            if entry.type == "ORDER_FILL":
                self._fill(entry.id, entry.ts, entry.body, tell_pl=tell_pl)
            elif entry.type == "DAILY_FINANCING":
                for row in entry.body["positionFinancings"]:
                    self.financed += D(row["financing"])
                    self.portfolio.book_cash(D(row["financing"]), IDS[row["instrument"]])
        self.portfolio.mark([bars])

    def _fill(self, number: int, ts: int, body: dict[str, str], *, tell_pl: bool) -> None:
        units = D(body["units"])
        side = Side.BUY if units > 0 else Side.SELL
        fill = Fill(
            str(number), body["orderID"], IDS[body["instrument"]], side, abs(units), D(body["price"]), ts,
            pl=D(body["pl"]) if tell_pl else None,
        )  # fmt: skip
        self.realized += self.portfolio.apply(fill).realized_pnl

    def order(self, name: str, units: int) -> None:
        asked = FxOrderRequest(OrderKind.MARKET, name, D(units), time_in_force=FxTimeInForce.FOK)
        self.venue.submit(asked, self.ts)
        self.venue.drain_events()


@st.composite
def hours(draw: st.DrawFn) -> tuple[dict[str, tuple[float, float, float, float]], str, int]:
    rows = {}
    for name, (price, digits) in PAIRS.items():
        values = [round(price * (1 + draw(st.integers(-90, 90)) / 10_000), digits) for _ in range(4)]
        rows[name] = (values[0], max(values), min(values), values[3])
    return rows, draw(st.sampled_from(sorted(PAIRS))), draw(st.integers(-40, 40)) * 2_500


@given(st.lists(hours(), min_size=2, max_size=40))
@settings(max_examples=80, deadline=None)
def test_equity_is_the_venues_net_asset_value_whatever_is_traded(plan):
    books = Books()
    for rows, name, units in plan:
        books.hour(rows)
        value, portfolio = books.venue.value(), books.portfolio
        assert portfolio.cash == value.balance
        assert portfolio.market_value == value.unrealized_pl
        assert portfolio.equity == value.nav == 20_000 + books.realized + books.financed + value.unrealized_pl
        held = {position.asset_id: position.qty for position in portfolio.positions.values()}
        assert held == {IDS[item]: books.venue.book.net_units(item) for item in books.venue.book.held()}
        # Restored from its state it is worth the same, and nothing is lost on the way through JSON.
        state = json.loads(json.dumps(portfolio.state()))
        again = Portfolio.restore(books.registry, state, FxHoldings(books.registry, books.config))
        assert (again.equity, again.state()) == (portfolio.equity, portfolio.state())
        if units:
            books.order(name, units)


@given(st.lists(hours(), min_size=2, max_size=30))
@settings(max_examples=40, deadline=None)
def test_the_days_profit_by_class_adds_up_to_the_change_of_equity(plan):
    books = Books()
    for rows, name, units in plan:
        if books.portfolio.day_to_close(books.ts + HOUR):
            total, *classes = books.portfolio.close_day(books.ts + HOUR)
            assert total.pnl == sum((row.pnl for row in classes), D(0))
        books.hour(rows)
        assert books.portfolio.equity - books.portfolio.day_start_equity == sum(
            books.portfolio.class_pnl().values(), D(0)
        )
        if units:
            books.order(name, units)


def test_a_cross_is_settled_at_the_rate_of_its_quote_currency():
    """By hand: 1,000 GBP/JPY bought at 190 and sold at 191 win 1,000 yen; at 150 yen a dollar, less half a
    percent for the conversion, that is 1000 / 150 * 0.995 = 6.6333 dollars."""
    registry = make_registry()
    config = FxConfig(spread_pips=dict.fromkeys(PAIRS, 0), slippage_pips=0)
    portfolio = Portfolio(registry, D(1_000), "main", FxHoldings(registry, config))
    flat = {name: (price,) * 4 for name, (price, _) in PAIRS.items()}
    portfolio.mark([make_bars(START, flat)])
    bought = portfolio.apply(Fill("1", "a", IDS["GBP_JPY"], Side.BUY, D(1_000), D(190), START))
    assert (bought.cash_delta, portfolio.cash, portfolio.equity) == (0, 1_000, 1_000)
    assert (bought.position.avg_entry_price, bought.position.qty) == (190, 1_000)
    portfolio.mark([make_bars(START + HOUR, {**flat, "GBP_JPY": (191.0,) * 4})])
    assert portfolio.equity == D("1006.6333")
    sold = portfolio.apply(Fill("2", "b", IDS["GBP_JPY"], Side.SELL, D(1_000), D(191), START + HOUR))
    assert sold.cash_delta == D("6.6333") == portfolio.cash - 1_000
    assert sold.closed_trade is not None
    # 6.6333 dollars on 190,000 yen, which were 1,266.67 dollars.
    assert sold.closed_trade.return_ratio == pytest.approx(6.6333 / (190_000 / 150))


def test_the_venues_own_figure_is_booked_where_it_told_one():
    registry = make_registry()
    portfolio = Portfolio(registry, D(1_000), "main", FxHoldings(registry, FxConfig()))
    portfolio.apply(Fill("1", "a", 0, Side.BUY, D(1_000), D("1.1"), START, pl=D(0)))
    closed = portfolio.apply(Fill("2", "b", 0, Side.SELL, D(1_000), D("1.2"), START, pl=D("99.0001")))
    assert (closed.realized_pnl, portfolio.cash) == (D("99.0001"), D("1099.0001"))


def test_the_oldest_units_leave_first_and_a_reversal_opens_the_rest():
    registry = make_registry()
    config = FxConfig(spread_pips=dict.fromkeys(PAIRS, 0), slippage_pips=0)
    portfolio = Portfolio(registry, D(1_000), "main", FxHoldings(registry, config))

    def trade(number: int, side: Side, qty: int, price: str):
        return portfolio.apply(Fill(str(number), str(number), 0, side, D(qty), D(price), START))

    trade(1, Side.BUY, 100, "1.0")
    trade(2, Side.BUY, 100, "1.2")
    half = trade(3, Side.SELL, 100, "1.3")
    assert (half.realized_pnl, half.position.avg_entry_price) == (D("30.0000"), D("1.2"))
    turned = trade(4, Side.SELL, 150, "1.1")
    assert (turned.realized_pnl, turned.position.qty, turned.position.avg_entry_price) == (
        D("-10.0000"),
        D(-50),
        D("1.1"),
    )


def test_risk_sees_prices_in_yen_at_what_they_are_worth_at_home():
    registry = make_registry()
    portfolio = Portfolio(registry, D(1_000), "main", FxHoldings(registry, FxConfig()))
    portfolio.mark([make_bars(START, {name: (price,) * 4 for name, (price, _) in PAIRS.items()})])
    rates = portfolio.snapshot(START, 1).quote_rates
    assert rates == {IDS["USD_JPY"]: pytest.approx(1 / 150), IDS["GBP_JPY"]: pytest.approx(1 / 150)}
