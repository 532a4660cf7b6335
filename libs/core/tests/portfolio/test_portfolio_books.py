import json
from decimal import Decimal

import pytest

from ratchet.core.assets import AssetClass
from ratchet.core.orders import Side
from ratchet.core.portfolio import OpenOrder, Portfolio
from ratchet.core.portfolio.seen import RecentIds

D = Decimal
HOUR = 3_600_000_000_000
DAY = 24 * HOUR
T0 = 19_800 * DAY + 10 * HOUR  # 2024-03-18 10:00 UTC


@pytest.fixture
def portfolio(registry):
    return Portfolio(registry, D(10_000), "main")


def test_a_round_trip_with_fees(portfolio, fill):
    bought = portfolio.apply(fill(0, "buy", "2", "100", T0, fee="0.005", in_base=True))
    assert (bought.position.qty, bought.position.avg_entry_price) == (D("1.995"), D("100.25062657"))
    assert (portfolio.cash, bought.realized_pnl) == (D(9_800), D(0))
    half = portfolio.apply(fill(0, "sell", "0.995", "110", T0 + HOUR, fee="0.27"))
    # 0.995 x 110 = 109.45, less 0.995/1.995 of the cost of 200, less the fee.
    assert half.realized_pnl == D("109.45") - D("99.74937343") - D("0.27")
    assert half.closed_trade is None
    rest = portfolio.apply(fill(0, "sell", "1", "120", T0 + 2 * HOUR, fee="0.3"))
    assert portfolio.positions == {}
    assert portfolio.cash == portfolio.equity == D("10028.88")
    trade = rest.closed_trade
    assert (trade.side, trade.qty, trade.entry_ts, trade.exit_ts) == (Side.BUY, D("1.995"), T0, T0 + 2 * HOUR)
    assert trade.pnl == D("28.88")
    assert trade.return_ratio == pytest.approx(28.88 / 200)
    assert half.realized_pnl + rest.realized_pnl == trade.pnl


def test_a_short_earns_when_the_price_falls_and_a_flip_closes_one_trade_and_opens_another(
    portfolio, fill, bars
):
    portfolio.apply(fill(2, "sell", "10", "50", T0))
    portfolio.mark([bars(T0, {2: 45})])
    assert portfolio.equity == D(10_050)
    flip = portfolio.apply(fill(2, "buy", "15", "40", T0 + HOUR))
    assert (flip.realized_pnl, flip.closed_trade.pnl, flip.closed_trade.side) == (D(100), D(100), Side.SELL)
    assert (flip.position.qty, flip.position.avg_entry_price, flip.position.opened_ts) == (
        D(5),
        D(40),
        T0 + HOUR,
    )
    last = portfolio.apply(fill(2, "sell", "5", "42", T0 + 2 * HOUR))
    assert last.closed_trade.pnl == D(10)
    assert portfolio.cash == D(10_110)


def test_a_fill_is_booked_once(portfolio, fill):
    execution = fill(0, "buy", "1", "100")
    assert not portfolio.apply(execution).duplicate
    state = portfolio.state()
    again = portfolio.apply(execution)
    assert (again.duplicate, again.cash_delta, again.position.qty) == (True, D(0), D(1))
    assert portfolio.state() == state


def test_the_memory_of_executions_is_bounded():
    seen = RecentIds(map(str, range(10)), capacity=3)
    assert list(seen) == ["7", "8", "9"]
    assert "6" not in seen


@pytest.mark.parametrize(
    ("qty", "price", "fee", "in_base"),
    [("0", "1", "0", False), ("1", "0", "0", False), ("1", "1", "1", True)],
)
def test_impossible_fills_are_refused_and_change_nothing(portfolio, fill, qty, price, fee, in_base):
    before = portfolio.state()
    with pytest.raises(ValueError, match="must be"):
        portfolio.apply(fill(0, "buy", qty, price, fee=fee, in_base=in_base))
    assert portfolio.state() == before


def test_best_price_and_peak_follow_the_bars(portfolio, fill, bars):
    portfolio.apply(fill(0, "buy", "10", "100", T0))
    portfolio.apply(fill(2, "sell", "10", "100", T0))
    portfolio.mark([bars(T0, {0: (104, 99, 103), 2: (101, 95, 97)})])
    portfolio.mark([bars(T0 + HOUR, {0: (103, 90, 91), 2: (99, 96, 98)})])
    views = {view.asset_id: view for view in portfolio.snapshot(T0, 1).positions}
    assert (views[0].high_watermark, views[2].high_watermark) == (104.0, 95.0)
    assert (views[0].mark, views[0].mark_ts) == (91.0, T0 + HOUR)
    assert portfolio.peak_equity == D(10_060)
    assert portfolio.equity == D(9_930)


def test_the_snapshot_says_what_risk_needs(portfolio, fill, bars):
    portfolio.mark([bars(T0, {0: 100, 1: 50})])
    portfolio.apply(fill(1, "buy", "10", "50", T0))
    portfolio.apply(fill(0, "buy", "1", "100", T0))
    waiting = OpenOrder("c", 0, Side.BUY, "entry", D(1), 100.0)
    snapshot = portfolio.snapshot(T0, 7, [waiting], "halted", "2024-03-17")
    assert [view.asset_id for view in snapshot.positions] == [0, 1]
    assert (snapshot.portfolio, snapshot.seq, snapshot.cash, snapshot.equity) == (
        "main",
        7,
        D(9_400),
        D(10_000),
    )
    assert (snapshot.trading_state, snapshot.day_close, snapshot.open_orders) == (
        "halted",
        "2024-03-17",
        (waiting,),
    )
    assert snapshot.day_start_equity == snapshot.peak_equity == 10_000.0


def test_days_close_with_profit_by_class(portfolio, fill, bars):
    portfolio.mark([bars(T0, {0: 100, 1: 50, 2: 20})])
    assert portfolio.day_to_close(T0 + HOUR) == ""
    portfolio.apply(fill(0, "buy", "10", "100", T0))
    portfolio.apply(fill(2, "buy", "10", "20", T0))
    portfolio.apply(fill(2, "sell", "10", "19", T0 + HOUR, fee="1"))
    portfolio.mark([bars(T0 + HOUR, {0: 103})])
    assert portfolio.class_pnl() == {AssetClass.CRYPTO: D(30), AssetClass.STOCK: D(-11)}
    assert portfolio.day_to_close(T0 + 20 * HOUR) == "2024-03-18"
    total, crypto, stock = portfolio.close_day(T0 + 20 * HOUR)
    assert (total.date, total.asset_class, total.pnl, total.equity) == (
        "2024-03-18",
        "total",
        D(19),
        D(10_019),
    )
    assert (total.return_ratio, total.trades, total.wins) == (pytest.approx(0.0019), 1, 0)
    assert (crypto.asset_class, crypto.pnl, crypto.trades) == ("crypto", D(30), 0)
    assert (stock.asset_class, stock.pnl, stock.trades) == ("stock", D(-11), 1)
    assert portfolio.day_start_equity == D(10_019)
    # The next day counts only what happens on it.
    portfolio.mark([bars(T0 + 20 * HOUR, {0: 102})])
    total, crypto = portfolio.close_day(T0 + 44 * HOUR)
    assert (total.date, total.pnl, crypto.pnl, crypto.day_start_equity) == (
        "2024-03-19",
        D(-10),
        D(-10),
        D(10_019),
    )


def test_no_day_to_close_before_the_first_bar(portfolio):
    assert portfolio.day_to_close(T0) == ""
    assert portfolio.close_day(T0) == ()


def test_marks_that_were_written_one_by_one_are_read(portfolio, registry, fill, bars):
    portfolio.mark([bars(T0, {0: 100.1, 2: 20})])
    portfolio.apply(fill(0, "buy", "3", "100.07", T0))
    state = portfolio.state()
    old = {**state, "marks": [[0, 100.1, T0], [2, 20.0, T0]]}
    del old["mark_ts"]
    assert Portfolio.restore(registry, old).state() == state


def test_the_state_survives_json(portfolio, registry, fill, bars):
    portfolio.mark([bars(T0, {0: 100.1, 1: 50, 2: 20})])
    portfolio.apply(fill(0, "buy", "3", "100.07", T0, fee="0.007", in_base=True))
    portfolio.apply(fill(2, "sell", "2", "20", T0))
    portfolio.apply(fill(0, "sell", "1", "101", T0 + HOUR, fee="0.2525"))
    portfolio.close_day(T0 + DAY)
    copy = Portfolio.restore(registry, json.loads(json.dumps(portfolio.state())))
    assert copy.state() == portfolio.state()
    for one in (portfolio, copy):
        one.apply(fill(0, "sell", "1", "102", T0 + 2 * DAY, execution_id="last"))
        one.mark([bars(T0 + 2 * DAY, {0: 99})])
    assert copy.state() == portfolio.state()
    assert copy.close_day(T0 + 3 * DAY) == portfolio.close_day(T0 + 3 * DAY)
