"""Margin groups: hand-computed cases, cases that greedy matching gets wrong, and a brute-force oracle."""

from collections import Counter
from decimal import Decimal
from functools import cache
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.core.options import ExerciseStyle
from ratchet.core.options.config import MarginConfig
from ratchet.core.options.levels import effective_level, kinds_of_level
from ratchet.core.options.margin import (
    GroupKind,
    OptionLeg,
    StockLeg,
    cheapest_partition,
)
from ratchet.core.options.margin import requirements as rules

from .conftest import JULY, JUNE, make_option

CASH = MarginConfig()
NAKED = MarginConfig(allow_naked=True)
SPOT = Decimal(100)
NO_SHARES = StockLeg(0, SPOT, Decimal(0))


def shares(count, price=SPOT, ratio="0.5"):
    return StockLeg(count, price, price * Decimal(ratio))


def book(*entries):
    """Turn (qty, strike, right[, expiration]) into legs, marked at 2.00."""
    return [OptionLeg(make_option(strike, *rest), qty, Decimal(2)) for qty, strike, *rest in entries]


def need(*entries, stock=NO_SHARES, config=CASH):
    return cheapest_partition(config, book(*entries), stock).requirement


@pytest.mark.parametrize(
    ("entries", "requirement"),
    [
        ([(1, 100, "C")], 0),
        ([(-1, 100, "P")], 10_000),
        # Verticals: a debit needs nothing beyond its premium, a credit its width.
        ([(1, 100, "C"), (-1, 105, "C")], 0),
        ([(-1, 100, "C"), (1, 105, "C")], 500),
        ([(1, 100, "P"), (-1, 95, "P")], 0),
        ([(-1, 100, "P"), (1, 95, "P")], 500),
        # Calendars and diagonals: the long must live as long as the short.
        ([(-1, 100, "C", JUNE), (1, 100, "C", JULY)], 0),
        ([(-1, 100, "C", JUNE), (1, 103, "C", JULY)], 300),
        ([(-1, 100, "P", JULY), (1, 100, "P", JUNE)], 10_000),
        # Long butterfly, equal and broken wings; long and short condor.
        ([(1, 95, "C"), (-2, 100, "C"), (1, 105, "C")], 0),
        ([(1, 95, "C"), (-2, 100, "C"), (1, 110, "C")], 500),
        ([(-1, 95, "C"), (2, 100, "C"), (-1, 105, "C")], 500),
        ([(1, 90, "P"), (-1, 95, "P"), (-1, 100, "P"), (1, 105, "P")], 0),
        ([(-1, 90, "C"), (1, 95, "C"), (1, 100, "C"), (-1, 105, "C")], 500),
        # Iron condor and butterfly: only one side can lose.
        ([(1, 90, "P"), (-1, 95, "P"), (-1, 105, "C"), (1, 115, "C")], 1_000),
        ([(1, 90, "P"), (-1, 100, "P"), (-1, 100, "C"), (1, 110, "C")], 1_000),
        # A short box pays its width, a long one has paid for it.
        ([(1, 90, "P"), (-1, 100, "P"), (-1, 90, "C"), (1, 100, "C")], 1_000),
        ([(-1, 90, "P"), (1, 100, "P"), (1, 90, "C"), (-1, 100, "C")], 0),
    ],
)
def test_defined_risk_costs_its_worst_loss(entries, requirement):
    assert need(*entries) == requirement


def test_a_covered_call_adds_nothing_until_it_is_in_the_money():
    # 100 shares at 100, half margin: 5,000. With the call at 90, the shares count at 90: 4,500 + 1,000.
    assert need((-1, 105, "C"), stock=shares(100)) == 5_000
    assert need((-1, 90, "C"), stock=shares(100)) == 5_500
    assert need((-1, 105, "C"), stock=shares(100, ratio="1")) == 10_000


def test_a_protective_put_lowers_the_shares_requirement():
    # 10 % of the strike plus what it is out of the money: (9.5 + 5) x 100.
    assert need((1, 95, "P"), stock=shares(100)) == 1_450


def test_a_collar_needs_the_lesser_of_its_two_measures():
    assert need((1, 95, "P"), (-1, 110, "C"), stock=shares(100)) == 1_450
    assert need((1, 80, "P"), (-1, 110, "C"), stock=shares(100)) == 2_750


def test_naked_shorts_by_the_twenty_percent_rule():
    # Premium 2 + 20 % of 100 less 5 out of the money = 17; at least 2 + 10 %.
    assert need((-1, 105, "C"), config=NAKED) == 1_700
    assert need((-1, 130, "C"), config=NAKED) == 1_200
    assert need((-1, 60, "P"), config=NAKED) == 800
    # A strangle needs the greater of the two plus the other's premium.
    assert need((-1, 105, "C"), (-1, 95, "P"), config=NAKED) == 1_900


def test_an_index_has_fifteen_percent():
    legs = [OptionLeg(make_option(100, "C", style=ExerciseStyle.EUROPEAN), -1, Decimal(2))]
    assert cheapest_partition(NAKED, legs, NO_SHARES).requirement == 1_700


def test_four_calls_of_two_debit_spreads_are_not_a_ladder_with_a_naked_short():
    # Held 598/603, ordered 600/605: taken largest first, a ladder 600/603/605 leaves a naked short.
    found = cheapest_partition(
        NAKED,
        book((1, 598, "C"), (-1, 603, "C"), (1, 600, "C"), (-1, 605, "C")),
        StockLeg(0, Decimal(600), Decimal(0)),
    )
    assert found.requirement == 0
    assert not found.uncovered


def test_two_bear_call_spreads_stay_two_bear_call_spreads():
    # Short 100 / long 105 five times, then short 110 / long 115 five times: ten spreads of width 5.
    entries = [(-5, 100, "C"), (5, 105, "C"), (-5, 110, "C"), (5, 115, "C")]
    assert need(*entries, config=NAKED) == 10 * 500


def test_the_cheapest_cover_of_a_short_is_chosen():
    # Shares and a long call could each cover the short; the shares are free for it, the spread costs 1,000.
    assert need((-1, 105, "C"), (1, 115, "C"), stock=shares(100)) == 5_000
    # One long for two shorts: the shares take the one in the money (250), the long the other (0).
    assert need((-1, 105, "C"), (-1, 95, "C"), (1, 100, "C"), stock=shares(100)) == 5_250


def test_short_calls_without_cover_are_named():
    found = cheapest_partition(CASH, book((-3, 105, "C"), (1, 110, "C")), shares(100))
    assert [(group.kind, group.count) for group in found.uncovered] == [(GroupKind.NAKED_CALL, 1)]
    assert found.locked_shares == 100


def test_levels_say_which_groups_count():
    assert effective_level(3, 1) == 1
    spread = book((-1, 100, "C"), (1, 105, "C"))
    low = cheapest_partition(CASH, spread, NO_SHARES, kinds_of_level(2))
    assert [group.kind for group in low.uncovered] == [GroupKind.NAKED_CALL]
    high = cheapest_partition(CASH, spread, NO_SHARES, kinds_of_level(3))
    assert not high.uncovered
    assert GroupKind.COVERED_CALL in kinds_of_level(1)
    assert not kinds_of_level(0)


def test_contracts_of_another_deliverable_are_no_cover():
    legs = [
        OptionLeg(make_option(100, "C"), -1),
        OptionLeg(make_option(100, "C", underlying="XYZ1", size=150), 1),
    ]
    for number, leg in enumerate(legs):
        legs[number] = OptionLeg(type(leg.contract)(leg.contract.occ, "XYZ", size=leg.contract.size), leg.qty)
    assert cheapest_partition(CASH, legs, NO_SHARES).uncovered


def test_positions_of_two_underlyings_are_refused():
    legs = [OptionLeg(make_option(100), 1), OptionLeg(make_option(100, underlying="ABC"), 1)]
    with pytest.raises(ValueError, match="different underlyings"):
        cheapest_partition(CASH, legs, NO_SHARES)


# The oracle: one unit at a time, every way to split the units into groups of at most four.

UNIT = st.tuples(
    st.sampled_from([1, -1]), st.sampled_from([90, 95, 100, 105, 110]), st.sampled_from("CP"),
    st.sampled_from([JUNE, JULY]),
)  # fmt: skip
BOOKS = st.lists(UNIT, min_size=1, max_size=6)
STOCKS = st.sampled_from([0, 0, 100, 200])
CONFIGS = st.sampled_from([CASH, NAKED])
UNCOVERED_PENALTY = Decimal(10) ** 9


def brute_force(units, share_lots, config):
    """Least requirement over all set partitions; an uncovered short where none is allowed costs a fortune."""
    pieces = tuple(sorted(units)) + ((0, 0, "S", JUNE),) * share_lots

    @cache
    def least(rest):
        if not rest:
            return Decimal(0)
        best = None
        for size in range(1, min(4, len(rest)) + 1):
            for others in combinations(range(1, len(rest)), size - 1):
                chosen = (0, *others)
                charge = charge_of([rest[i] for i in chosen], config)
                if charge is not None:
                    remaining = tuple(piece for i, piece in enumerate(rest) if i not in chosen)
                    total = charge + least(remaining)
                    best = total if best is None else min(best, total)
        return best

    return least(pieces)


def charge_of(group, config):
    """What a group of units requires, from the definition of each group; None when it is none."""
    lots = [piece for piece in group if piece[2] == "S"]
    legs = [(make_option(strike, right, day), qty) for qty, strike, right, day in group if right != "S"]
    own = SPOT / 2
    if lots:
        return 5_000 + with_shares(legs, config, own) if valid_with_shares(lots, legs) else None
    if len(legs) == 1:
        return single(*legs[0], config)
    if config.allow_naked and sorted((c.right.value, q) for c, q in legs) == [("call", -1), ("put", -1)]:
        needs = [rules.naked(config, OptionLeg(c, -1, Decimal(2)), SPOT) for c, _ in legs]
        return max(needs) + 200
    return rules.worst_loss(legs) if is_spread(legs) else None


def single(contract, qty, config):
    if qty > 0:
        return Decimal(0)
    naked = rules.naked(config, OptionLeg(contract, -1, Decimal(2)), SPOT)
    if contract.right.value == "put":
        secured = contract.strike * 100
        return min(secured, naked) if config.allow_naked else secured
    return naked if config.allow_naked else naked + UNCOVERED_PENALTY


def valid_with_shares(lots, legs):
    kinds = sorted((contract.right.value, qty) for contract, qty in legs)
    if len(lots) != 1 or kinds not in ([], [("call", -1)], [("put", 1)], [("call", -1), ("put", 1)]):
        return False
    if len(legs) == 2:
        put, call = sorted(legs, key=lambda leg: leg[1], reverse=True)
        return put[0].expiration == call[0].expiration and put[0].strike <= call[0].strike
    return True


def with_shares(legs, config, own):
    if not legs:
        return Decimal(0)
    if len(legs) == 2:
        put, call = (c for c, _ in sorted(legs, key=lambda leg: leg[1], reverse=True))
        return rules.collar(config, put, call, SPOT, own)
    contract, qty = legs[0]
    if qty < 0:
        return rules.covered_call(contract, SPOT, own)
    return rules.protective_put(config, contract, SPOT, own)


def is_spread(legs):
    """Pairs whose long lives on; four legs of one date with as many longs as shorts of each right."""
    if len(legs) == 3:
        return False
    balance = Counter()
    for contract, qty in legs:
        balance[contract.right] += qty
    if any(balance.values()):
        return False
    longs = [contract.expiration for contract, qty in legs if qty > 0]
    shorts = [contract.expiration for contract, qty in legs if qty < 0]
    if len(legs) == 2:
        return len(balance) == 1 and longs[0] >= shorts[0]
    return len(set(longs + shorts)) == 1


def total_of(units, lots, config):
    stock = shares(100 * lots)
    found = cheapest_partition(config, book(*units), stock)
    uncovered = sum(group.count for group in found.uncovered) if not config.allow_naked else 0
    return found.requirement + UNCOVERED_PENALTY * uncovered


def net(units):
    totals = Counter()
    for qty, *rest in units:
        totals[tuple(rest)] += qty
    return [(1 if qty > 0 else -1, *rest) for rest, qty in sorted(totals.items()) for _ in range(abs(qty))]


@given(BOOKS, st.sampled_from([0, 1, 2]), CONFIGS)
@settings(max_examples=200, deadline=None)
def test_the_partition_is_the_cheapest_of_all(units, lots, config):
    assert total_of(units, lots, config) == brute_force(net(units), lots, config)


@given(st.lists(UNIT, min_size=1, max_size=12), STOCKS, CONFIGS, st.randoms())
@settings(max_examples=80, deadline=None)
def test_neither_order_nor_splitting_changes_the_requirement(units, lots, config, random):
    once = total_of(net(units), lots // 100, config)
    shuffled = list(units)
    random.shuffle(shuffled)
    assert total_of(shuffled, lots // 100, config) == once


@given(st.lists(UNIT, min_size=1, max_size=10), st.sampled_from([0, 1]), CONFIGS)
@settings(max_examples=80, deadline=None)
def test_grouping_never_costs_more_than_none_or_than_largest_first(units, lots, config):
    units = net(units)
    found = total_of(units, lots, config)
    alone = sum((charge_of([unit], config) for unit in units), Decimal(5_000 * lots))
    assert found <= alone
    assert found <= greedy(units, lots, config)


def greedy(units, lots, config):
    """Match the largest groups first and never look at the price, as the faulty matchers do."""
    rest = list(units) + [(0, 0, "S", JUNE)] * lots
    total = Decimal(0)
    for size in (4, 3, 2, 1):
        for chosen in combinations(range(len(rest)), size):
            group = [rest[i] for i in chosen]
            if None not in group:
                charge = charge_of(group, config)
                if charge is not None:
                    total += charge
                    for i in chosen:
                        rest[i] = None
    return total


@given(st.lists(UNIT, min_size=1, max_size=10))
@settings(max_examples=80, deadline=None)
def test_covered_options_are_never_charged_less_than_they_can_lose(units):
    one_date = net([(qty, strike, right, JUNE) for qty, strike, right, _ in units])
    found = cheapest_partition(CASH, book(*one_date), NO_SHARES)
    loss = rules.worst_loss([(leg.contract, leg.qty) for leg in book(*one_date)])
    if not found.uncovered and loss is not None:
        assert found.requirement >= loss


def test_a_large_book_is_solved_exactly_by_scale():
    small = [(1, 90, "P"), (-1, 95, "P"), (-1, 105, "C"), (1, 115, "C")]
    large = [(qty * 10_000, *rest) for qty, *rest in small]
    assert need(*large) == 10_000 * need(*small)
