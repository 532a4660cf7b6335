"""The order state machine.

    pending_new --> accepted, held, suspended <--> each other --> canceled, expired, rejected, replaced
         |               |        |
         |               |        +--> partially_filled --> filled
         |               +-- pending_cancel, pending_replace (ours, or the venue's word)
         +--> unknown (a write without an answer, a word that we do not know) --> what the venue says

Errors:
    OrderStateError      any of the following
      IllegalTransition  the event cannot happen in this state
      OverfillError      more was filled than was ordered
      MissedFillError    the cumulative quantity says that an execution before this one was not seen

Three things are kept apart, so that news may come twice, late or in any order and still leads to the same
end: what the venue said last (its newest word by its own time wins), what was filled (an execution is known
by its cumulative quantity), and what we have asked for. `_shown` puts the visible status together from them.
An end is final; only fills are stronger: the venue executed, so an order that we hold for canceled, expired
or replaced still books them.
"""

from typing import Any

from ratchet.core.orders.money import notional
from ratchet.core.orders.news import (
    IllegalTransition,
    MissedFillError,
    OrderEventKind,
    OrderUpdate,
    OverfillError,
)
from ratchet.core.orders.order import TERMINAL, Order
from ratchet.core.orders.rows import evolve
from ratchet.core.orders.types import OrderStatus, Write

_S, _K = OrderStatus, OrderEventKind

# The venue's words for an order that lives, weakest first: of two words of the same instant the last wins.
_WORDS: dict[OrderEventKind, OrderStatus] = {
    _K.HELD: _S.HELD,
    _K.ACCEPTED: _S.ACCEPTED,
    _K.SUSPENDED: _S.SUSPENDED,
    _K.REPLACE_PENDING: _S.PENDING_REPLACE,
    _K.CANCEL_PENDING: _S.PENDING_CANCEL,
    _K.UNRECOGNISED: _S.UNKNOWN,
}
_STRENGTH = {status: rank for rank, status in enumerate(_WORDS.values())}
_ENDS: dict[OrderEventKind, OrderStatus] = {
    _K.CANCELED: _S.CANCELED,
    _K.EXPIRED: _S.EXPIRED,
    _K.REJECTED: _S.REJECTED,
    _K.REPLACED: _S.REPLACED,
}
_BEFORE_ANSWER = frozenset({_S.PENDING_NEW, _S.UNKNOWN})
_WORKING = frozenset(
    {_S.ACCEPTED, _S.HELD, _S.SUSPENDED, _S.PARTIALLY_FILLED, _S.PENDING_CANCEL, _S.PENDING_REPLACE}
)
_LIVE = _BEFORE_ANSWER | _WORKING
_FILLABLE = frozenset(_S) - {_S.REJECTED}
# States in which each kind of news may come, as a change or as a repetition.
_ALLOWED: dict[OrderEventKind, frozenset[OrderStatus]] = {
    **dict.fromkeys(_WORDS, frozenset(_S) - {_S.REJECTED}),
    _K.UNANSWERED: _BEFORE_ANSWER,
    _K.RESENT: _BEFORE_ANSWER,
    _K.CANCEL_REQUESTED: _LIVE,
    _K.CANCEL_REJECTED: frozenset(_S) - {_S.REJECTED},
    _K.CANCEL_UNANSWERED: frozenset({_S.PENDING_CANCEL, _S.UNKNOWN}),
    _K.REPLACE_REQUESTED: frozenset({_S.ACCEPTED, _S.HELD, _S.PARTIALLY_FILLED}),
    _K.REPLACE_REJECTED: frozenset(_S) - {_S.REJECTED},
    _K.REPLACE_UNANSWERED: frozenset({_S.PENDING_REPLACE, _S.UNKNOWN}),
    _K.CANCELED: _LIVE | {_S.CANCELED, _S.FILLED},
    _K.EXPIRED: _LIVE | {_S.EXPIRED, _S.FILLED},
    _K.REJECTED: (_LIVE - {_S.PARTIALLY_FILLED}) | {_S.REJECTED},
    _K.REPLACED: _LIVE | {_S.REPLACED},
    _K.FILLED: _FILLABLE,
}
_REJECTIONS = {_K.CANCEL_REJECTED: Write.CANCEL, _K.REPLACE_REJECTED: Write.REPLACE}
_SILENCES = {
    _K.UNANSWERED: Write.SUBMIT,
    _K.CANCEL_UNANSWERED: Write.CANCEL,
    _K.REPLACE_UNANSWERED: Write.REPLACE,
}


def can_follow(status: OrderStatus, kind: OrderEventKind) -> bool:
    """Say whether an event may happen in a state, as a change or as a repetition."""
    return status in _ALLOWED[kind]


def advance(order: Order, update: OrderUpdate) -> Order:
    """Return the order after a piece of news; the same object when it changes nothing.

    Raises IllegalTransition, OverfillError or MissedFillError; the order is then unchanged.
    """
    if _is_late(order, update):
        return order
    if update.kind is _K.REJECTED and order.filled_qty:
        raise IllegalTransition(order, f"it cannot be {update.kind}: {order.filled_qty} was filled")
    if not can_follow(order.status, update.kind):
        raise IllegalTransition(order, f"it cannot be {update.kind}")
    if update.kind is _K.FILLED:
        return _fill(order, update)
    changes = _changes(order, update)
    if not order.broker_order_id and update.broker_order_id:
        changes["broker_order_id"] = update.broker_order_id
    return _with(order, update, changes)


def _is_late(order: Order, update: OrderUpdate) -> bool:
    """Whether a word on the state is older than the one that is known, or than the end."""
    if update.kind not in _WORDS or not update.venue_ts:
        return False
    if order.status in TERMINAL and order.status is not _S.REJECTED:
        return True
    return update.venue_ts < order.venue_ts or (
        order.status is _S.REJECTED and update.venue_ts <= order.venue_ts
    )


def _changes(order: Order, update: OrderUpdate) -> dict[str, Any]:
    kind = update.kind
    if kind in _ENDS:
        return _end(order, update)
    if order.is_terminal:
        return {}
    if kind in _WORDS:
        return _word(order, update)
    if kind in _SILENCES:
        return {"unanswered": _SILENCES[kind]}
    if kind is _K.RESENT:
        if order.status is _S.PENDING_NEW or not order.is_unsent:
            return {}
        return {"unanswered": Write.NONE, "venue_status": _S.PENDING_NEW, "writes": order.writes + 1}
    if kind is _K.CANCEL_REQUESTED:
        return _ask(order, Write.CANCEL)
    if kind is _K.REPLACE_REQUESTED:
        return _ask(order, Write.REPLACE)
    return _refused(order, _REJECTIONS[kind])


def _end(order: Order, update: OrderUpdate) -> dict[str, Any]:
    if order.is_terminal:
        return {}
    changes: dict[str, Any] = {
        "venue_status": _ENDS[update.kind],
        "venue_ts": max(order.venue_ts, update.venue_ts),
        "asked": Write.NONE,
        "unanswered": Write.NONE,
    }
    if update.reason:
        changes["reason"] = update.reason
    if update.replaced_by:
        changes["replaced_by"] = update.replaced_by
    return changes


def _word(order: Order, update: OrderUpdate) -> dict[str, Any]:
    status = _WORDS[update.kind]
    known = _venue_status(order)
    if update.venue_ts and update.venue_ts == order.venue_ts and known in _STRENGTH:
        status = max(status, known, key=_STRENGTH.__getitem__)
    return {
        "venue_status": status,
        "venue_ts": max(order.venue_ts, update.venue_ts),
        "asked": _asked(order),
        "unanswered": Write.STATUS if status is _S.UNKNOWN else Write.NONE,
    }


def _ask(order: Order, write: Write) -> dict[str, Any]:
    """Note our wish; one for an order that has no answer yet is kept until it has."""
    if order.asked is write and order.unanswered is not write:
        return {}
    changes: dict[str, Any] = {"asked": write, "writes": order.writes + 1}
    if order.unanswered is write:
        changes["unanswered"] = Write.NONE
    return changes


def _refused(order: Order, write: Write) -> dict[str, Any]:
    if _asked(order) is not write:
        return {}
    changes: dict[str, Any] = {"asked": Write.NONE}
    if order.unanswered is write:
        changes["unanswered"] = Write.NONE
    return changes


def _with(order: Order, update: OrderUpdate, changes: dict[str, Any]) -> Order:
    if all(getattr(order, name) == value for name, value in changes.items()):
        return order
    # From here on the record says what the venue said, also one that held the visible status only.
    after = evolve(order, **{"venue_status": _venue_status(order), **changes})
    if after.venue_status is _S.UNKNOWN and after.unanswered is Write.NONE and after.remaining_qty:
        after = evolve(after, unanswered=Write.STATUS)
    return evolve(after, status=_shown(after), updated_ts=max(order.updated_ts, update.ts))


def _shown(order: Order) -> OrderStatus:
    """Put the visible status together from what the venue said, what was filled and what we asked for."""
    status = _venue_status(order)
    if order.filled_qty == order.qty:
        return _S.FILLED
    if status in TERMINAL:
        return status
    if order.unanswered is not Write.NONE:
        return _S.UNKNOWN
    if status is _S.PENDING_NEW:
        return status
    if order.asked is Write.CANCEL:
        return _S.PENDING_CANCEL
    if order.asked is Write.REPLACE:
        return _S.PENDING_REPLACE
    return _S.PARTIALLY_FILLED if status is _S.ACCEPTED and order.filled_qty else status


def _venue_status(order: Order) -> OrderStatus:
    """What the venue said last, also of a record that holds the visible status only."""
    if order.venue_status is not None:
        return order.venue_status
    if order.status in {_S.PARTIALLY_FILLED, _S.PENDING_CANCEL, _S.PENDING_REPLACE}:
        return _S.ACCEPTED
    return _S.PENDING_NEW if order.status is _S.UNKNOWN else order.status


def _asked(order: Order) -> Write:
    if order.venue_status is None:
        if order.status is _S.PENDING_CANCEL:
            return Write.CANCEL
        if order.status is _S.PENDING_REPLACE:
            return Write.REPLACE
    return order.asked


def _fill(order: Order, update: OrderUpdate) -> Order:
    # The net price of a package may be a credit, or nothing.
    if update.qty <= 0 or (update.price <= 0 and not order.legs):
        raise IllegalTransition(
            order, f"a fill needs a positive qty and price, not {update.qty} at {update.price}"
        )
    total = update.cumulative_qty
    if total > order.qty:
        raise OverfillError(order, f"{total} filled of {order.qty} ordered")
    if total <= order.filled_qty:
        return order
    if total != order.filled_qty + update.qty:
        raise MissedFillError(
            order,
            f"{total} filled in all after an execution of {update.qty}, but {order.filled_qty} seen before",
        )
    status = _venue_status(order)
    changes: dict[str, Any] = {
        "filled_qty": total,
        "filled_notional": order.filled_notional + notional(update.qty, update.price),
        "broker_order_id": order.broker_order_id or update.broker_order_id,
        "asked": _asked(order) if total < order.qty else Write.NONE,
        # An execution proves that the order arrived, but says nothing about a cancel or a replace.
        "venue_status": _S.ACCEPTED if status is _S.PENDING_NEW else status,
    }
    if order.unanswered is Write.SUBMIT or total == order.qty:
        changes["unanswered"] = Write.NONE
    return _with(order, update, changes)
