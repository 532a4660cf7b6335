"""What is sent when: settling, priorities and the venue's limit, on a clock of the test's own."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.common.errors import FencedError
from ratchet.core.assets import Registry
from ratchet.core.orders import (
    Intent,
    Order,
    OrderEventKind,
    OrderStatus,
    OrderUpdate,
    Side,
    TimeInForce,
    advance,
)
from ratchet.execution.sending.outbound import Outbound, Timing
from ratchet.execution.sending.paced import PacedBroker
from ratchet.execution.sending.sender import Outcome, Sender
from ratchet.execution.sending.throttle import Priority, TokenBucket, Unlimited
from ratchet.execution.venue.broker import (
    BrokerNotReachedError,
    BrokerOrder,
    BrokerThrottledError,
    BrokerUnreachableError,
    OrderNotFoundError,
    OrderRequest,
)


class VirtualClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def now_ns(self) -> int:
        return int(self.now * 1e9)

    def monotonic(self) -> float:
        return self.now

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        self.now += seconds
        return stop.is_set()


class Venue:
    """A venue that loses what it is told to lose, and delivers late what is on its way."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.cancelled: list[str] = []
        self.orders: dict[str, BrokerOrder] = {}
        self.on_the_way: list[OrderRequest] = []
        self.is_slow = False
        self.is_down = False
        self.limited: float | None = None

    def submit(self, request: OrderRequest) -> BrokerOrder:
        if self.limited is not None:
            raise BrokerThrottledError("too many", self.limited)
        if self.is_down:
            raise BrokerNotReachedError("connection refused")
        self.sent.append(request.client_order_id)
        if self.is_slow:
            self.on_the_way.append(request)
            raise BrokerUnreachableError("no answer in time")
        return self.place(request)

    def place(self, request: OrderRequest) -> BrokerOrder:
        self.orders[request.client_order_id] = BrokerOrder(
            f"b-{request.client_order_id}", request.client_order_id, request.symbol, request.side,
            request.type, request.time_in_force, OrderStatus.ACCEPTED, request.qty, Decimal(0), None, None,
            None, 1, 1,
        )  # fmt: skip
        return self.orders[request.client_order_id]

    def cancel(self, broker_order_id: str) -> None:
        self.cancelled.append(broker_order_id)

    def get_by_client_id(self, client_order_id: str) -> BrokerOrder:
        if client_order_id not in self.orders:
            raise OrderNotFoundError("404", "not found", 404)
        return self.orders[client_order_id]


def order(key: str, intent: Intent = Intent.ENTRY, status: OrderStatus = OrderStatus.PENDING_NEW) -> Order:
    return Order(
        key, 0, Side.BUY, Decimal(1), intent, 1, 1, time_in_force=TimeInForce.GTC, status=status,
        broker_order_id="" if status is OrderStatus.PENDING_NEW else f"b-{key}",
    )  # fmt: skip


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def make(clock: VirtualClock, registry: Registry) -> Any:
    def build(
        venue: Any, throttle: Any = None, fence: Any = lambda: None, loaded: Sequence[Order] = ()
    ) -> Outbound:
        limit = throttle or Unlimited()
        return Outbound(
            Sender(PacedBroker(venue, limit)), registry, clock=clock, throttle=limit, fence=fence,
            timing=Timing(settle_s=7.0, deadline_s=5.0), loaded=loaded,
        )  # fmt: skip

    return build


def test_not_found_counts_only_when_the_request_can_no_longer_be_on_its_way(
    make: Any, clock: VirtualClock
) -> None:
    venue = Venue()
    venue.is_slow = True
    outbound = make(venue)
    ((_, answer),) = outbound.send([order("a")])
    assert answer.outcome is Outcome.UNKNOWN
    unknown = advance(order("a"), OrderUpdate(OrderEventKind.UNANSWERED, 2))
    clock.now += 6.9
    ((_, answer),) = outbound.resolve([unknown], lambda _: True)
    assert (answer.outcome, venue.sent) == (Outcome.UNKNOWN, ["a"])
    # It arrives after all, late: asked once more, it is adopted and not sent again.
    venue.place(venue.on_the_way.pop())
    clock.now += 0.2
    ((_, answer),) = outbound.resolve([unknown], lambda _: True)
    assert (answer.outcome, venue.sent) == (Outcome.KNOWN, ["a"])


def test_an_order_that_was_lost_is_sent_again_or_expires_once_settled(make: Any, clock: VirtualClock) -> None:
    venue = Venue()
    venue.is_slow = True
    outbound = make(venue)
    outbound.send([order("a"), order("b")])
    a, b = (advance(order(key), OrderUpdate(OrderEventKind.UNANSWERED, 2)) for key in "ab")
    venue.is_slow = False
    clock.now += 7.1
    answers = {key.client_order_id: answer for key, answer in outbound.resolve([a, b], lambda o: o is a)}
    assert answers["a"].outcome is Outcome.KNOWN
    assert answers["b"].outcome is Outcome.EXPIRED
    assert venue.sent == ["a", "b", "a"]


def test_an_order_that_never_left_is_sent_again_as_soon_as_the_venue_answers(
    make: Any, clock: VirtualClock
) -> None:
    venue = Venue()
    venue.is_down = True
    outbound = make(venue)
    ((_, answer),) = outbound.send([order("a")])
    assert answer.outcome is Outcome.UNKNOWN
    unknown = advance(order("a"), OrderUpdate(OrderEventKind.UNANSWERED, 2))
    # The attempt to send it again does not leave either, so that the one after it need not wait.
    ((_, answer),) = outbound.resolve([unknown], lambda _: True)
    assert (answer.outcome, venue.sent) == (Outcome.UNKNOWN, [])
    venue.is_down = False
    ((_, answer),) = outbound.resolve([unknown], lambda _: True)
    assert (answer.outcome, venue.sent) == (Outcome.KNOWN, ["a"])


def test_an_order_of_the_process_before_settles_from_our_start_on(make: Any, clock: VirtualClock) -> None:
    venue = Venue()
    left = order("a")
    outbound = make(venue, loaded=[left])
    ((_, answer),) = outbound.resolve([left], lambda _: True)
    assert (answer.outcome, venue.sent) == (Outcome.UNKNOWN, [])
    clock.now += 7.1
    outbound.resolve([left], lambda _: True)
    assert venue.sent == ["a"]


def test_a_replacement_is_never_placed_beside_the_order_that_it_replaces(
    make: Any, clock: VirtualClock
) -> None:
    venue = Venue()
    new = replace(order("new"), replaces="old")
    outbound = make(venue, loaded=[new])
    clock.now += 7.1
    ((_, answer),) = outbound.resolve([new], lambda _: True)
    assert (answer.outcome, venue.sent) == (Outcome.EXPIRED, [])


def test_an_order_whose_cancel_is_wanted_is_not_sent_again(make: Any, clock: VirtualClock) -> None:
    venue = Venue()
    wanted = advance(order("a"), OrderUpdate(OrderEventKind.CANCEL_REQUESTED, 2))
    outbound = make(venue, loaded=[wanted])
    clock.now += 7.1
    ((_, answer),) = outbound.resolve([wanted], lambda _: True)
    assert (answer.outcome, venue.sent) == (Outcome.EXPIRED, [])


def test_not_found_proves_nothing_about_an_order_that_the_venue_had(make: Any, clock: VirtualClock) -> None:
    asked = advance(order("a", status=OrderStatus.ACCEPTED), OrderUpdate(OrderEventKind.CANCEL_REQUESTED, 2))
    unknown = advance(asked, OrderUpdate(OrderEventKind.CANCEL_UNANSWERED, 3))
    outbound = make(Venue(), loaded=[unknown])
    clock.now += 100
    ((_, answer),) = outbound.resolve([unknown], lambda _: True)
    assert answer.outcome is Outcome.UNKNOWN


def test_exits_go_before_entries_and_entries_wait_until_their_deadline(
    make: Any, clock: VirtualClock
) -> None:
    venue = Venue()
    outbound = make(venue, TokenBucket(per_minute=6, burst=10, clock=clock))
    entries = [order(f"n{i}") for i in range(9)]
    exits = [order("x", Intent.EXIT)]
    outbound.send([*entries, *exits])
    assert venue.sent[0] == "x"
    waiting = [item for item in entries if outbound.is_waiting(item)]
    assert len(waiting) == 4
    # One token every ten seconds, and their deadline is five: they are refused, never sent.
    clock.now += 5.1
    answers = outbound.send(waiting)
    assert {answer.code for _, answer in answers} == {"THROTTLED"}
    assert {answer.outcome for _, answer in answers} == {Outcome.REFUSED}
    assert not outbound.has_waiting
    assert len(venue.sent) == 6
    outbound.send([order("y", Intent.EXIT)])
    assert venue.sent[-1] == "y"


def test_an_exit_waits_as_long_as_it_takes(make: Any, clock: VirtualClock) -> None:
    venue = Venue()
    outbound = make(venue, TokenBucket(per_minute=6, burst=10, clock=clock))
    exits = [order(f"x{i}", Intent.EXIT) for i in range(12)]
    outbound.send(exits)
    while outbound.has_waiting:
        clock.now += 10
        outbound.send([item for item in exits if outbound.is_waiting(item)])
    assert sorted(venue.sent) == sorted(item.client_order_id for item in exits)


def test_a_429_stops_everything_for_as_long_as_the_venue_asks(make: Any, clock: VirtualClock) -> None:
    venue = Venue()
    venue.limited = 30.0
    bucket = TokenBucket(per_minute=600, burst=60, clock=clock)
    outbound = make(venue, bucket)
    ((_, answer),) = outbound.send([order("a")])
    assert answer.outcome is Outcome.UNKNOWN
    venue.limited = None
    works = order("c", status=OrderStatus.ACCEPTED)
    assert outbound.cancel(works) is None
    clock.now += 30.1
    assert outbound.cancel(works) is not None
    assert venue.cancelled == ["b-c"]


def test_nothing_leaves_a_process_that_no_longer_leads(make: Any) -> None:
    def deposed() -> None:
        raise FencedError("another process leads")

    venue = Venue()
    outbound = make(venue, fence=deposed)
    with pytest.raises(FencedError):
        outbound.send([order("a")])
    with pytest.raises(FencedError):
        outbound.cancel(order("c", status=OrderStatus.ACCEPTED))
    assert (venue.sent, venue.cancelled) == ([], [])


@given(st.lists(st.tuples(st.sampled_from(sorted(Priority)), st.floats(0, 30)), max_size=200))
def test_the_bucket_never_lets_more_pass_than_its_rate(calls: list[tuple[Priority, float]]) -> None:
    clock = VirtualClock()
    bucket = TokenBucket(per_minute=120, burst=20, clock=clock)
    start, passed = clock.now, 0
    for priority, pause in calls:
        clock.now += pause
        # Who may go later may go earlier too.
        allowed = [bucket.allows(item) for item in sorted(Priority)]
        assert allowed == sorted(allowed, reverse=True)
        if bucket.allows(priority):
            bucket.spend()
            passed += 1
        assert passed <= 20 + (clock.now - start) * 2 + 1e-6


def test_a_commit_proves_leadership_once_and_for_a_moment(make: Any, clock: Any) -> None:
    asked: list[float] = []
    venue = Venue()
    outbound = make(venue, fence=lambda: asked.append(clock.now))
    outbound.note_leadership(clock.now)
    outbound.send([order("a")])
    assert asked == []
    outbound.send([order("b")])
    assert len(asked) == 1
    outbound.note_leadership(clock.now)
    clock.now += 0.011
    outbound.send([order("c")])
    assert len(asked) == 2
    assert len(venue.sent) == 3
