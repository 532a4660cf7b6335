"""Drives a parent order: one pure step at a time, whatever its algorithm.

    work = begin(parent, algorithm)
    result = step(work, ts, markets)      the caller commits result.work with the new children, then acts
    work = on_order(result.work, order)   for every change of a child, in any order
    work = on_replacement(work, order)    once it is asked for: the order that is to take a child's place

A parent ends when it is filled; when what is left is below the venue's minimum; when it is stopped, its
deadline has come or too many of its children were refused, as soon as the end of every child is known.
"""

from dataclasses import dataclass, replace

from ratchet.core.execution.algorithm import Algorithm
from ratchet.core.execution.turn import Turn
from ratchet.core.execution.types import Action, Done, EndReason, Markets, ParentOrder, Replace
from ratchet.core.execution.work import Work
from ratchet.core.orders import Order, OrderStatus, child_order_id


@dataclass(frozen=True, slots=True)
class Step:
    """The next state of a parent, and what the caller is to do now, in this order."""

    work: Work
    actions: tuple[Action, ...] = ()


def begin(parent: ParentOrder, algorithm: Algorithm) -> Work:
    """Return the work of a parent that has not started; ValueError if the algorithm cannot work it."""
    if parent.legs and not algorithm.works_legs:
        raise ValueError(
            f"legs: algo {algorithm.name} works one instrument, but there are {len(parent.legs)} legs"
        )
    algorithm.check(parent)
    return Work(parent, algorithm)


def step(work: Work, ts: int, markets: Markets) -> Step:
    """Return what is due at event time `ts`; after the end, nothing."""
    if work.ended is not None:
        return Step(work)
    turn = Turn(work, ts, markets)
    reason = _ending(turn)
    if reason is EndReason.FILLED:
        turn.finish(reason)
    elif reason is not None:
        work.algorithm.wind_down(turn, reason)
    elif ts >= work.parent.start_ts:
        work.algorithm.act(turn)
    ended = next((action.reason for action in turn.actions if isinstance(action, Done)), None)
    return Step(
        replace(work, children=tuple(turn.children), memory=turn.memory, ended=ended), tuple(turn.actions)
    )


def on_order(work: Work, order: Order) -> Work:
    """Take over a child as it is now; KeyError if it is not one of this parent's."""
    children = list(work.children)
    for place, child in enumerate(children):
        if child.client_order_id == order.client_order_id:
            children[place] = order
            return replace(work, children=tuple(children))
    raise KeyError(f"order {order.client_order_id} is no child of parent {work.parent.id}")


def replacement_of(work: Work, action: Replace, ts: int) -> Order:
    """Return the order that is to take the child's place: the same at another price, with the next id."""
    child = next(item for item in work.children if item.client_order_id == action.client_order_id)
    return Order(
        client_order_id=child_order_id(work.parent.id, len(work.children)),
        asset_id=child.asset_id,
        side=child.side,
        qty=child.qty,
        intent=child.intent,
        created_ts=ts,
        updated_ts=ts,
        type=child.type,
        time_in_force=child.time_in_force,
        limit_price=action.limit_price,
        reference_price=child.reference_price,
        signal_id=child.signal_id,
        reason=child.reason,
        replaces=child.client_order_id,
    )


def on_replacement(work: Work, order: Order) -> Work:
    """Take over the order that is to take a child's place; the child ends when the venue says so.

    KeyError if it replaces no child of this parent.
    """
    if work.child(order.replaces) is None:
        raise KeyError(f"order {order.replaces} is no child of parent {work.parent.id}")
    return replace(work, children=(*work.children, order))


def stop(work: Work) -> Work:
    """Ask for an early end: nothing more is placed (but hedges), and what works is cancelled."""
    return replace(work, is_stopping=True)


def _was_refused(child: Order) -> bool:
    """A replacement that is refused leaves the order that it was to replace as it was."""
    return child.status is OrderStatus.REJECTED and not child.replaces


def _ending(turn: Turn) -> EndReason | None:
    work, parent = turn.work, turn.parent
    if not turn.open and work.filled_qty == parent.qty:
        return EndReason.FILLED
    if work.is_stopping:
        return EndReason.STOPPED
    if sum(map(_was_refused, work.children)) >= parent.max_rejects:
        return EndReason.CHILDREN_REJECTED
    if turn.is_past_deadline:
        return EndReason.DEADLINE
    if parent.legs or turn.open or turn.is_tradable(parent.instrument, turn.room, parent.limit_price):
        return None
    return EndReason.BELOW_MINIMUM
