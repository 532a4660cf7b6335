from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ratchet.core.orders import (
    TERMINAL,
    IllegalTransition,
    Intent,
    MissedFillError,
    Order,
    OrderEventKind,
    OrderStateError,
    OrderStatus,
    OrderUpdate,
    OverfillError,
    Side,
    advance,
    can_follow,
)

S, K = OrderStatus, OrderEventKind


def order(status=S.PENDING_NEW, qty="10", filled="0"):
    return Order(
        "c-1", 0, Side.BUY, Decimal(qty), Intent.ENTRY, 1, 1, status=status, filled_qty=Decimal(filled)
    )


def fill(qty, cumulative, price="100", ts=5):
    return OrderUpdate(K.FILLED, ts, Decimal(qty), Decimal(price), Decimal(cumulative))


def test_an_order_lives_from_sent_to_filled_with_its_average_price():
    state = advance(order(), OrderUpdate(K.ACCEPTED, 2, broker_order_id="b-1"))
    assert (state.status, state.broker_order_id) == (S.ACCEPTED, "b-1")
    state = advance(state, fill("4", "4", "100"))
    assert (state.status, state.remaining_qty) == (S.PARTIALLY_FILLED, Decimal(6))
    state = advance(state, fill("6", "10", "105", ts=9))
    assert state.status is S.FILLED
    assert state.is_terminal
    assert state.filled_avg_price == Decimal(103)
    assert state.updated_ts == 9


def test_a_repeated_fill_changes_nothing():
    once = advance(order(S.ACCEPTED), fill("4", "4"))
    assert advance(once, fill("4", "4")) is once


def test_no_answer_means_unknown_until_the_venue_has_spoken():
    unknown = advance(order(), OrderUpdate(K.UNANSWERED, 2))
    assert unknown.status is S.UNKNOWN
    assert advance(unknown, OrderUpdate(K.RESENT, 3)).status is S.PENDING_NEW
    assert advance(unknown, OrderUpdate(K.ACCEPTED, 3)).status is S.ACCEPTED
    assert advance(unknown, fill("10", "10")).status is S.FILLED


def test_a_refused_cancel_puts_a_partly_filled_order_back_to_partly_filled():
    state = advance(order(S.PARTIALLY_FILLED, filled="3"), OrderUpdate(K.CANCEL_REQUESTED, 2))
    assert state.status is S.PENDING_CANCEL
    assert advance(state, fill("2", "5")).status is S.PENDING_CANCEL
    assert advance(state, OrderUpdate(K.CANCEL_REJECTED, 3)).status is S.PARTIALLY_FILLED


@pytest.mark.parametrize("status", [S.CANCELED, S.EXPIRED])
def test_a_late_fill_is_never_forgotten(status):
    state = advance(order(status), fill("4", "4"))
    assert (state.status, state.filled_qty) == (status, Decimal(4))
    assert advance(state, fill("6", "10")).status is S.FILLED


def test_more_filled_than_ordered_is_an_error():
    with pytest.raises(OverfillError, match="11 filled of 10"):
        advance(order(S.ACCEPTED), fill("11", "11"))


def test_a_gap_in_the_cumulative_quantity_is_an_error():
    with pytest.raises(MissedFillError, match="7 filled in all after an execution of 3, but 0 seen"):
        advance(order(S.ACCEPTED), fill("3", "7"))


def test_a_fill_of_a_rejected_order_is_an_error():
    with pytest.raises(IllegalTransition, match="is rejected: it cannot be filled"):
        advance(order(S.REJECTED), fill("3", "3"))


@pytest.mark.parametrize(("qty", "price"), [("0", "1"), ("-1", "1"), ("1", "0")])
def test_a_fill_without_quantity_or_price_is_an_error(qty, price):
    with pytest.raises(IllegalTransition, match="positive qty and price"):
        advance(order(S.ACCEPTED), fill(qty, "1", price))


@pytest.mark.parametrize("status", sorted(S))
@pytest.mark.parametrize("kind", sorted(set(K) - {K.FILLED}))
def test_the_table_decides_and_every_answer_is_stable(status, kind):
    state, update = order(status), OrderUpdate(kind, 7)
    if not can_follow(status, kind):
        with pytest.raises(IllegalTransition, match="c-1"):
            advance(state, update)
        return
    after = advance(state, update)
    assert after.status in set(S)
    if can_follow(after.status, kind):
        assert advance(after, update) == after


def test_terminal_orders_never_work_again():
    for status in TERMINAL:
        for kind in set(K) - {K.FILLED}:
            if can_follow(status, kind):
                assert advance(order(status), OrderUpdate(kind, 9)).status is status


class OrderMachine(RuleBasedStateMachine):
    """Any news in any order, repeated at will: quantities only grow, and the truth about fills wins."""

    def __init__(self):
        super().__init__()
        self.order = order(qty="100")
        self.ts = 1
        self.filled = Decimal(0)

    @rule(kind=st.sampled_from(sorted(set(K) - {K.FILLED})), repeat=st.integers(1, 3))
    def news(self, kind, repeat):
        self.ts += 1
        for _ in range(repeat):
            before = self.order
            try:
                self.order = advance(before, OrderUpdate(kind, self.ts))
            except IllegalTransition:
                assert not can_follow(before.status, kind)
                assert self.order is before

    @precondition(lambda self: self.filled < 100 and self.order.status is not S.REJECTED)
    @rule(data=st.data(), price=st.decimals("0.01", "1000", places=2))
    def execution(self, data, price):
        left = int(100 - self.filled)
        qty = Decimal(data.draw(st.integers(1, left)))
        self.ts += 1
        self.filled += qty
        update = OrderUpdate(K.FILLED, self.ts, qty, price, self.filled)
        self.order = advance(self.order, update)
        assert advance(self.order, update) is self.order

    @precondition(lambda self: self.order.status is not S.REJECTED)
    @rule(extra=st.integers(1, 50))
    def impossible_execution(self, extra):
        before = self.order
        with pytest.raises(OrderStateError):
            advance(before, OrderUpdate(K.FILLED, self.ts, Decimal(extra), Decimal(1), Decimal(100 + extra)))

    @invariant()
    def quantities_hold(self):
        assert self.order.filled_qty == self.filled <= self.order.qty
        assert (self.order.status is S.FILLED) == (self.filled == self.order.qty)
        if self.order.status is S.PARTIALLY_FILLED:
            assert 0 < self.filled < 100
        if self.order.status in {S.ACCEPTED, S.PENDING_NEW, S.UNKNOWN}:
            assert self.filled == 0


TestOrderMachine = OrderMachine.TestCase
TestOrderMachine.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


def test_the_record_is_immutable_but_replaceable():
    assert replace(order(), reason="why").reason == "why"
