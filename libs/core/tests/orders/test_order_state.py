from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
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
    Write,
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
                assert not can_follow(before.status, kind) or (kind is K.REJECTED and self.filled)
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
        if self.order.status in {S.ACCEPTED, S.PENDING_NEW, S.REJECTED}:
            assert self.filled == 0
        assert (self.order.status is S.UNKNOWN) == (self.order.unanswered is not Write.NONE)


TestOrderMachine = OrderMachine.TestCase
TestOrderMachine.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


def test_a_cancel_without_an_answer_is_unknown_until_the_venue_has_spoken():
    asked = advance(order(S.ACCEPTED), OrderUpdate(K.CANCEL_REQUESTED, 2))
    unknown = advance(asked, OrderUpdate(K.CANCEL_UNANSWERED, 3))
    assert (unknown.status, unknown.unanswered, unknown.is_unsent) == (S.UNKNOWN, Write.CANCEL, False)
    # It still works: the cancel is wanted still, and is sent again.
    works = advance(unknown, OrderUpdate(K.ACCEPTED, 4, venue_ts=1))
    assert (works.status, works.asked) == (S.PENDING_CANCEL, Write.CANCEL)
    assert advance(unknown, OrderUpdate(K.CANCELED, 4, venue_ts=3)).status is S.CANCELED
    filled = advance(unknown, fill("4", "4"))
    assert (filled.status, filled.filled_qty) == (S.UNKNOWN, Decimal(4))
    assert advance(filled, fill("6", "10")).status is S.FILLED


def test_a_replace_without_an_answer_is_unknown_and_a_replaced_order_names_its_successor():
    asked = advance(order(S.ACCEPTED), OrderUpdate(K.REPLACE_REQUESTED, 2))
    assert asked.status is S.PENDING_REPLACE
    unknown = advance(asked, OrderUpdate(K.REPLACE_UNANSWERED, 3))
    assert (unknown.status, unknown.unanswered) == (S.UNKNOWN, Write.REPLACE)
    assert advance(unknown, OrderUpdate(K.REPLACE_REJECTED, 4)).status is S.ACCEPTED
    ended = advance(unknown, OrderUpdate(K.REPLACED, 4, replaced_by="c-2"))
    assert (ended.status, ended.replaced_by, ended.is_terminal) == (S.REPLACED, "c-2", True)
    assert advance(ended, fill("4", "4")).status is S.REPLACED


def test_a_cancel_wanted_before_the_answer_is_kept_until_the_order_is_known():
    wanted = advance(order(), OrderUpdate(K.CANCEL_REQUESTED, 2))
    assert (wanted.status, wanted.asked) == (S.PENDING_NEW, Write.CANCEL)
    unknown = advance(wanted, OrderUpdate(K.UNANSWERED, 3))
    assert (unknown.status, unknown.unanswered) == (S.UNKNOWN, Write.SUBMIT)
    assert advance(unknown, OrderUpdate(K.ACCEPTED, 4)).status is S.PENDING_CANCEL


@pytest.mark.parametrize(
    ("kind", "status"), [(K.HELD, S.HELD), (K.SUSPENDED, S.SUSPENDED), (K.REPLACE_PENDING, S.PENDING_REPLACE)]
)
def test_the_venues_newest_word_counts_by_its_own_clock(kind, status):
    state = advance(order(), OrderUpdate(kind, 9, venue_ts=2))
    assert state.status is status
    assert advance(state, OrderUpdate(K.ACCEPTED, 9, venue_ts=1)) is state
    assert advance(state, OrderUpdate(K.ACCEPTED, 9, venue_ts=3)).status is S.ACCEPTED


def test_a_word_that_is_not_known_is_unknown_and_not_taken_for_working():
    state = advance(order(S.ACCEPTED), OrderUpdate(K.UNRECOGNISED, 2, venue_ts=2))
    assert (state.status, state.unanswered, state.is_unsent) == (S.UNKNOWN, Write.STATUS, False)
    assert advance(state, OrderUpdate(K.ACCEPTED, 3, venue_ts=3)).status is S.ACCEPTED


def test_a_refused_order_that_the_venue_calls_working_is_a_contradiction():
    refused = advance(order(), OrderUpdate(K.REJECTED, 5, venue_ts=5))
    assert advance(refused, OrderUpdate(K.ACCEPTED, 6, venue_ts=4)) is refused
    with pytest.raises(IllegalTransition):
        advance(refused, OrderUpdate(K.ACCEPTED, 7, venue_ts=7))


@st.composite
def venue_lives(draw):
    """A life as a venue could tell it: words and executions by rising time, then perhaps an end."""
    ts, cumulative, news = 1, 0, []
    for _ in range(draw(st.integers(1, 8))):
        ts += draw(st.integers(0, 2))
        if draw(st.booleans()) and cumulative < 100:
            qty = draw(st.integers(1, 100 - cumulative))
            cumulative += qty
            news.append(fill(str(qty), str(cumulative), "100", ts))
        else:
            kinds = [K.ACCEPTED, K.HELD, K.SUSPENDED, K.CANCEL_PENDING, K.REPLACE_PENDING, K.UNRECOGNISED]
            news.append(OrderUpdate(draw(st.sampled_from(kinds)), ts, venue_ts=ts))
    if cumulative < 100 and draw(st.booleans()):
        ends = [K.CANCELED, K.EXPIRED, K.REPLACED] + [K.REJECTED] * (cumulative == 0)
        news.append(OrderUpdate(draw(st.sampled_from(ends)), ts + 1, venue_ts=ts + 1))
    return news


def tell(news):
    """Tell it all; executions before earlier ones wait, as REST brings them in order."""
    state, waiting = order(qty="100"), []
    for update in news:
        before = state.filled_qty
        try:
            state = advance(state, update)
        except MissedFillError:
            waiting.append(update)
        assert before <= state.filled_qty <= state.qty
    for update in sorted(waiting, key=lambda item: item.cumulative_qty):
        state = advance(state, update)
    return state


def essence(state):
    """What anybody can see; what the venue said before the end no longer matters after it."""
    seen = (state.status, state.filled_qty, state.filled_notional, state.asked, state.unanswered)
    return seen if state.is_terminal else (*seen, state.venue_status, state.venue_ts)


@given(venue_lives(), st.randoms(use_true_random=False), st.data())
def test_news_doubled_late_or_in_any_order_ends_as_news_in_order(news, random, data):
    shuffled = news + [item for item in news if data.draw(st.booleans())]
    random.shuffle(shuffled)
    assert essence(tell(shuffled)) == essence(tell(news))


def test_the_record_is_immutable_but_replaceable():
    assert replace(order(), reason="why").reason == "why"
