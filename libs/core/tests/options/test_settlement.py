"""Intent, exercise, expiration, assignment and adjustment, by cases that a trader can check by hand."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.options import ExerciseStyle, OptionsConfig
from ratchet.core.options.adjustment import adjust_for_split
from ratchet.core.options.assignment import assignment_probability, draw_assigned, session_generator
from ratchet.core.options.errors import OptionRefused
from ratchet.core.options.exercise import check_do_not_exercise, check_exercise, delivery
from ratchet.core.options.expirations import expiration_close
from ratchet.core.options.expiry import Outcome, accepts_opening, expire_positions
from ratchet.core.options.intents import PositionIntent, infer_intent, resolve_intent
from ratchet.core.orders.types import Side

from .conftest import JUNE, make_option

RULES = OptionsConfig().settlement
HOUR = 3_600_000_000_000
CLOSE = expiration_close(JUNE)
RICH = Decimal(1_000_000)


def ends(positions, price, cash=RICH, shares=0, do_not_exercise=()):
    found = expire_positions(RULES, positions, Decimal(str(price)), Decimal(cash), shares, do_not_exercise)
    return [(one.contract.symbol[-9:], one.qty, one.outcome) for one in found]


@pytest.mark.parametrize(
    ("side", "held", "intent"),
    [
        (Side.BUY, 0, PositionIntent.BUY_TO_OPEN),
        (Side.BUY, 2, PositionIntent.BUY_TO_OPEN),
        (Side.BUY, -2, PositionIntent.BUY_TO_CLOSE),
        (Side.SELL, 0, PositionIntent.SELL_TO_OPEN),
        (Side.SELL, -1, PositionIntent.SELL_TO_OPEN),
        (Side.SELL, 1, PositionIntent.SELL_TO_CLOSE),
    ],
)
def test_intent_follows_from_the_position(side, held, intent):
    assert infer_intent(side, held) is intent
    assert resolve_intent(side, held, intent) is intent
    assert intent.side is side


def test_a_stated_intent_must_fit_the_position():
    with pytest.raises(OptionRefused, match="inferred: sell_to_close, specified: sell_to_open"):
        resolve_intent(Side.SELL, 1, PositionIntent.SELL_TO_OPEN)


def test_the_threshold_decides_at_one_cent():
    call = make_option(100)
    assert ends([(call, 1)], "100.01") == [("C00100000", 1, Outcome.EXERCISED)]
    assert ends([(call, 1)], "100.009") == [("C00100000", 1, Outcome.EXPIRED)]
    assert ends([(make_option(100, "P"), 1)], "99.99", shares=100) == [("P00100000", 1, Outcome.EXERCISED)]


def test_a_long_that_cannot_be_paid_is_sold_instead():
    call = make_option(100)
    assert ends([(call, 3)], 110, cash=25_000) == [
        ("C00100000", 2, Outcome.EXERCISED),
        ("C00100000", 1, Outcome.LIQUIDATED),
    ]
    assert ends([(make_option(100, "P"), 1)], 90, shares=99) == [("P00100000", 1, Outcome.LIQUIDATED)]


def test_a_spread_in_the_money_pays_its_exercise_with_its_assignment():
    # Long 100, short 105, at 110: the short brings 10,500, the long takes 10,000.
    positions = [(make_option(100), 1), (make_option(105), -1)]
    found = expire_positions(RULES, positions, Decimal(110), Decimal(0), 0)
    assert [one.outcome for one in found] == [Outcome.ASSIGNED, Outcome.EXERCISED]
    assert sum(one.delivery.cash for one in found) == 500
    assert sum(one.delivery.shares for one in found) == 0


def test_only_the_short_leg_in_the_money_leaves_a_stock_position():
    positions = [(make_option(105), -1), (make_option(110), 1)]
    found = expire_positions(RULES, positions, Decimal(107), Decimal(0), 0)
    assert [(one.outcome, one.delivery.shares) for one in found] == [
        (Outcome.ASSIGNED, -100),
        (Outcome.EXPIRED, 0),
    ]


def test_do_not_exercise_is_obeyed():
    call = make_option(100)
    assert ends([(call, 1)], 110, do_not_exercise={call.symbol}) == [("C00100000", 1, Outcome.EXPIRED)]


def test_an_index_settles_in_cash_both_ways():
    call = make_option(100, style=ExerciseStyle.EUROPEAN)
    found = expire_positions(RULES, [(call, -2)], Decimal("103.25"), Decimal(0), 0)
    assert [(one.outcome, one.delivery.cash) for one in found] == [(Outcome.CASH_SETTLED, -650)]


@given(
    st.lists(
        st.tuples(st.sampled_from([90, 95, 100, 105]), st.sampled_from("CP"), st.integers(-5, 5)),
        max_size=6,
        unique_by=lambda one: one[:2],
    ),
    st.integers(85, 110),
    st.integers(0, 60_000),
    st.integers(0, 500),
)
def test_every_contract_ends_once_and_exercise_never_overdraws(book, price, cash, shares):
    positions = [(make_option(strike, right), qty) for strike, right, qty in book if qty]
    found = expire_positions(RULES, positions, Decimal(price), Decimal(cash), shares)
    ended = {contract.symbol: 0 for contract, _ in positions}
    for one in found:
        ended[one.contract.symbol] += one.qty
    assert ended == {contract.symbol: qty for contract, qty in positions}
    forced = [one for one in found if one.outcome is Outcome.ASSIGNED]
    exercised = [one for one in found if one.outcome is Outcome.EXERCISED]
    after_forced = cash + sum(one.delivery.cash for one in forced)
    assert after_forced + sum(one.delivery.cash for one in exercised) >= min(after_forced, 0)
    held = shares + sum(one.delivery.shares for one in forced)
    assert held + sum(one.delivery.shares for one in exercised) >= min(held, 0)


def test_opening_ends_half_an_hour_before_the_close():
    contract = make_option(100)
    assert accepts_opening(RULES, contract, CLOSE - HOUR // 2 - 1)
    assert not accepts_opening(RULES, contract, CLOSE - HOUR // 2)


def test_exercise_moves_shares_and_cash():
    assert delivery(make_option(100), 2, Decimal(110)).shares == 200
    assert delivery(make_option(100), 2, Decimal(110)).cash == -20_000
    assert delivery(make_option(100), -1, Decimal(110)).cash == 10_000
    assert delivery(make_option(100, "P"), 1, Decimal(90)).shares == -100
    assert delivery(make_option(60, size=150), 1, Decimal(42)) == type(
        delivery(make_option(60), 1, Decimal(42))
    )(150, Decimal(40), Decimal(-6_000))


@pytest.mark.parametrize(
    ("contract", "qty", "price", "ts", "complaint"),
    [
        (make_option(100), 0, 110, CLOSE - HOUR, "no available position"),
        (make_option(100), -1, 110, CLOSE - HOUR, "cannot exercise short position"),
        (make_option(100), 1, 99, CLOSE - HOUR, "out of the money"),
        (make_option(100), 1, 110, CLOSE + HOUR, "between market close and midnight"),
        (make_option(100, style=ExerciseStyle.EUROPEAN), 1, 110, CLOSE - 48 * HOUR, "european"),
    ],
)
def test_exercise_is_refused_with_its_reason(contract, qty, price, ts, complaint):
    with pytest.raises(OptionRefused, match=complaint):
        check_exercise(contract, qty, Decimal(price), ts)


def test_exercise_and_its_waiver_in_time():
    check_exercise(make_option(100), 1, Decimal(110), CLOSE - 48 * HOUR)
    check_do_not_exercise(make_option(100), 1, CLOSE - HOUR)
    with pytest.raises(OptionRefused, match="on the expiration date only"):
        check_do_not_exercise(make_option(100), 1, CLOSE - 24 * HOUR)


@pytest.mark.parametrize(
    ("right", "price", "premium", "dividend", "chance"),
    [
        ("C", 120, "20.01", 0, RULES.early_assignment),
        ("C", 120, "20.50", 0, 0.0),
        ("C", 120, "20.50", 1, RULES.dividend_assignment),
        ("C", 120, "21.50", 1, 0.0),
        ("C", 99, "0.01", 1, 0.0),
        ("P", 80, "20.00", 0, RULES.early_assignment),
    ],
)
def test_who_is_assigned_early(right, price, premium, dividend, chance):
    found = assignment_probability(
        RULES, make_option(100, right), Decimal(price), Decimal(premium), Decimal(dividend)
    )
    assert found == chance


def test_european_shorts_are_never_assigned_early():
    contract = make_option(100, style=ExerciseStyle.EUROPEAN)
    assert assignment_probability(RULES, contract, Decimal(150), Decimal(50)) == 0.0


def test_the_lottery_depends_on_contract_and_day_alone():
    day = date(2024, 6, 18)

    def draw(strike=100, account="a", on=day):
        return draw_assigned(session_generator(RULES.seed, account, make_option(strike), on), 1000, 0.25)

    assert draw() == draw()
    assert len({draw(), draw(account="b"), draw(105), draw(on=date(2024, 6, 20))}) > 1
    assert 180 < draw() < 320
    assert draw_assigned(session_generator(1, "a", make_option(100), day), 5, 0.0) == 0


def test_a_whole_split_multiplies_contracts_and_divides_strikes():
    found = adjust_for_split(make_option(500), 10, 1)
    assert (found.contract.symbol, found.contracts_per_old) == ("XYZ240621C00050000", 10)
    assert not found.contract.is_adjusted


@pytest.mark.parametrize(("new", "old", "size"), [(3, 2, 150), (1, 10, 10)])
def test_any_other_split_changes_what_is_delivered(new, old, size):
    found = adjust_for_split(make_option(60), new, old)
    assert (found.contract.symbol, found.contract.size) == ("XYZ1240621C00060000", size)
    assert (found.contract.multiplier, found.contracts_per_old) == (100, 1)


def test_a_part_of_a_share_is_paid_in_cash():
    found = adjust_for_split(make_option(60), 1, 3)
    assert (found.contract.size, found.fraction_of_share) == (33, Fraction(1, 3))
    again = adjust_for_split(found.contract, 2, 1)
    assert (again.contract.occ.root, again.contract.size) == ("XYZ2", 66)


@given(st.sampled_from([(2, 1), (3, 2), (1, 4), (20, 1)]), st.integers(10, 500), st.sampled_from("CP"))
def test_a_split_leaves_the_worth_of_a_position_as_it_was(ratio, price, right):
    new, old = ratio
    before = make_option(100, right)
    found = adjust_for_split(before, new, old)
    after = found.contract.payoff(Decimal(price) * old / new) * found.contracts_per_old
    assert after == pytest.approx(before.payoff(Decimal(price)), abs=Decimal("0.01"))


@pytest.mark.parametrize("ratio", [(0, 1), (1, 0), (1, 200)])
def test_senseless_splits_are_refused(ratio):
    with pytest.raises(ValueError, match="split"):
        adjust_for_split(make_option(60), *ratio)
