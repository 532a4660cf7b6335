"""The rules that no algorithm can break, tried by one that would."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from ratchet.core.execution import EndReason, Place, Work, begin, step
from ratchet.core.execution.algorithm import Algorithm
from ratchet.core.execution.turn import Turn
from ratchet.core.orders import OrderEventKind as Kind

S = 1_000_000_000


@dataclass(frozen=True)
class Greedy(Algorithm):
    """Places all it can at every step, whatever works already."""

    size: Decimal = Decimal(60)

    def act(self, turn: Turn) -> None:
        turn.place(self.size)


@pytest.fixture
def greedy(desk_of: Any) -> Any:
    desk = desk_of("market")
    desk.work = Work(desk.work.parent, Greedy())
    return desk


def _sizes(desk: Any) -> list[Decimal]:
    return [action.order.qty for action in desk.actions if isinstance(action, Place)]


def test_a_working_child_counts_as_filled_whole(greedy: Any) -> None:
    greedy.step(0)
    greedy.accept_all()
    greedy.step(1)
    greedy.accept_all()
    greedy.step(2)
    assert _sizes(greedy) == [Decimal(60), Decimal(40)]


def test_what_a_cancelled_child_has_not_filled_is_free_only_after_its_end(greedy: Any) -> None:
    greedy.step(0)
    greedy.accept_all()
    key = next(iter(greedy.known))
    greedy.fill(key, Decimal(10))
    greedy.tell(key, Kind.CANCEL_REQUESTED)
    greedy.step(1)
    assert _sizes(greedy)[1:] == [Decimal(40)]
    greedy.accept_all()
    greedy.tell(key, Kind.CANCELED)
    greedy.step(2)
    assert _sizes(greedy)[2:] == [Decimal(50)]


@pytest.mark.parametrize("kind", [None, Kind.UNANSWERED])
def test_a_child_without_an_answer_blocks(greedy: Any, kind: Kind | None) -> None:
    greedy.step(0)
    if kind:
        greedy.tell(next(iter(greedy.known)), kind)
    greedy.step(1)
    assert len(_sizes(greedy)) == 1
    greedy.tell(next(iter(greedy.known)), Kind.ACCEPTED)
    greedy.step(2)
    assert len(_sizes(greedy)) == 2


def test_too_many_refusals_end_the_parent(greedy: Any) -> None:
    for second in range(3):
        greedy.step(second)
        greedy.tell(list(greedy.known)[-1], Kind.REJECTED)
    greedy.step(4)
    assert greedy.work.ended is EndReason.CHILDREN_REJECTED
    assert len(_sizes(greedy)) == 3


def test_a_rest_below_the_venues_minimum_goes_with_the_child_before(desk_of: Any) -> None:
    # 100 at 1.00: a minimum of 10 is 10 shares, so a rest of 5 could not be sold.
    desk = desk_of("market")
    desk.work = Work(desk.work.parent, Greedy(Decimal(95)))
    desk.step(0, "1.00", "1.00")
    assert _sizes(desk) == [Decimal(100)]


def test_an_order_below_the_minimum_ends_at_once(desk_of: Any) -> None:
    desk = desk_of("twap", {"slices": 2}, qty=Decimal(9))
    desk.step(0, "1.00", "1.00")
    assert desk.work.ended is EndReason.BELOW_MINIMUM


def test_child_ids_derive_from_the_parent(desk_of: Any) -> None:
    first, second = desk_of("market"), desk_of("market")
    first.step(0)
    second.step(5)
    assert list(first.known) == list(second.known)
    assert list(first.known) != list(desk_of("market", id="parent-2").known)


def test_nothing_happens_before_the_start_or_after_the_end(desk_of: Any) -> None:
    desk = desk_of("market", start_ts=10 * S)
    assert desk.step(9) == ()
    desk.step(10)
    desk.accept_all()
    desk.fill(next(iter(desk.known)), Decimal(100))
    desk.step(11)
    assert desk.work.ended is EndReason.FILLED
    assert desk.step(12) == ()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"qty": Decimal(0)}, "qty 0 must be a positive"),
        ({"qty": Decimal("1.5")}, "not a multiple of 1"),
        ({"limit_price": Decimal("10.005")}, "limit_price 10.005 is not a multiple of 0.01"),
        ({"deadline_ts": 0}, "deadline_ts 0 must be after start_ts 0"),
    ],
)
def test_a_bad_parent_is_refused_by_name(desk_of: Any, changes: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        desk_of("market", **changes)


def test_the_parent_ends_only_without_open_children(desk_of: Any) -> None:
    desk = desk_of("market")
    desk.step(0)
    turn = Turn(desk.work, 1, {})
    with pytest.raises(ValueError, match="cannot end while 1 children are open"):
        turn.finish(EndReason.STOPPED)


def test_begin_leaves_the_parent_as_it_is(desk_of: Any) -> None:
    work = begin(desk_of("market").work.parent, Greedy())
    assert step(work, -1, {}).work == work
