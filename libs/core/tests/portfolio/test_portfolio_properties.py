"""The books against a naive ledger in fractions, which never rounds."""

import json
from decimal import Decimal
from fractions import Fraction

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ratchet.core.orders import Fill, Side
from ratchet.core.portfolio import Portfolio

D = Decimal
HOUR = 3_600_000_000_000
CENT = Fraction(1, 100)

fills = st.builds(
    lambda asset_id, side, qty, price, bps: (asset_id, side, qty, price, bps),
    st.integers(0, 2),
    st.sampled_from(list(Side)),
    st.decimals("0.001", "500", places=3),
    st.decimals("0.01", "2000", places=2),
    st.sampled_from([0, 15, 25]),
)
steps = st.lists(
    st.tuples(
        st.lists(fills, max_size=3),
        st.dictionaries(st.integers(0, 2), st.floats(0.01, 2000).map(lambda x: round(x, 2)), min_size=1),
    ),
    min_size=1,
    max_size=15,
)
CHECKS = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class NaiveLedger:
    """Cash, lots' average cost and realised profit, without any rounding."""

    def __init__(self, cash):
        self.cash, self.qty, self.cost, self.realized = Fraction(cash), {}, {}, Fraction(0)

    def apply(self, fill):
        i, sign = fill.asset_id, fill.side.sign
        qty, price, fee = Fraction(fill.qty), Fraction(fill.price), Fraction(fill.fee)
        quote_fee = Fraction(0) if fill.fee_in_base else fee
        self.cash -= sign * qty * price + quote_fee
        self.realized -= quote_fee
        net = sign * qty - (fee if fill.fee_in_base else 0)
        paid = sign * qty * price
        held, cost = self.qty.get(i, Fraction(0)), self.cost.get(i, Fraction(0))
        if held * net < 0:
            part = min(abs(net), abs(held)) / abs(net)
            released = cost * min(abs(net), abs(held)) / abs(held)
            self.realized += -paid * part - released
            held, cost, net, paid = held + net * part, cost - released, net * (1 - part), paid * (1 - part)
        self.qty[i], self.cost[i] = held + net, cost + paid


def fill_of(n, row, ts):
    asset_id, side, qty, price, bps = row
    fee = qty * bps / 10_000
    in_base = side is Side.BUY and bps > 0
    amount = fee if in_base else (fee * price).quantize(D("1E-8"))
    return Fill(f"e{n}", "c", asset_id, side, qty, price, ts, amount, in_base)


@CHECKS
@given(steps)
def test_the_books_equal_a_ledger_that_never_rounds(registry, bars, script):
    portfolio, naive, n = Portfolio(registry, D(1_000_000)), NaiveLedger(1_000_000), 0
    realized = D(0)
    marks = {}
    for index, (rows, closes) in enumerate(script):
        for row in rows:
            n += 1
            fill = fill_of(n, row, index * HOUR)
            realized += portfolio.apply(fill).realized_pnl
            naive.apply(fill)
            marks.setdefault(row[0], Fraction(fill.price))
        portfolio.mark([bars(index * HOUR, closes)])
        marks |= {i: Fraction(str(close)) for i, close in closes.items()}
        held = {i: Fraction(p.qty) for i, p in portfolio.positions.items()}
        assert held == {i: q for i, q in naive.qty.items() if q}
        assert abs(Fraction(portfolio.cash) - naive.cash) < CENT
        value = sum(q * marks[i] for i, q in naive.qty.items())
        assert abs(Fraction(portfolio.equity) - naive.cash - value) < CENT
        assert abs(Fraction(realized) - naive.realized) < CENT
        for i, position in portfolio.positions.items():
            assert abs(Fraction(position.cost) - naive.cost[i]) < CENT


@CHECKS
@given(steps)
def test_profit_adds_up_exactly(registry, bars, script):
    """Equity is the start plus realised and unrealised profit, and the classes' days add up, exactly."""
    start = D(1_000_000)
    portfolio, n, realized, days, closed = Portfolio(registry, start), 0, D(0), D(0), D(0)
    for index, (rows, closes) in enumerate(script):
        ts = index * 7 * HOUR
        if portfolio.day_to_close(ts):
            total, *classes = portfolio.close_day(ts)
            assert total.pnl == sum(row.pnl for row in classes)
            assert total.equity - total.day_start_equity == total.pnl
            assert total.trades == sum(row.trades for row in classes)
            days += total.pnl
        for row in rows:
            n += 1
            applied = portfolio.apply(fill_of(n, row, ts))
            realized += applied.realized_pnl
            closed += applied.closed_trade.pnl if applied.closed_trade else D(0)
        portfolio.mark([bars(ts, closes)])
        unrealized = sum(
            (p.unrealized_pnl(D(repr(portfolio.mark_of(i)[0]))) for i, p in portfolio.positions.items()), D(0)
        )
        assert portfolio.equity == start + realized + unrealized
        assert portfolio.equity == start + days + sum(portfolio.class_pnl().values())
        assert portfolio.peak_equity >= portfolio.equity
        running = sum((view.realized_pnl for view in portfolio.snapshot(ts, 0).positions), D(0))
        assert closed + running == realized


@CHECKS
@given(steps)
def test_a_restart_at_any_step_changes_nothing(registry, bars, script):
    steady, restarted, n = Portfolio(registry, D(1_000)), Portfolio(registry, D(1_000)), 0
    for index, (rows, closes) in enumerate(script):
        for row in rows:
            n += 1
            fill = fill_of(n, row, index * HOUR)
            assert restarted.apply(fill) == steady.apply(fill)
        for one in (steady, restarted):
            one.mark([bars(index * HOUR, closes)])
        assert restarted.state() == steady.state()
        restarted = Portfolio.restore(registry, json.loads(json.dumps(restarted.state())))
