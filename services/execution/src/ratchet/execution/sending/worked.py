"""Orders that an algorithm works: what its steps change in the ledger and at the venue.

A parent is recorded like any order, and its children are ordinary orders that name it. Both are committed
before anything is sent, with what the algorithm remembers, so that a killed process goes on where it stood.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ratchet.core.orders import Order, OrderEventKind, OrderUpdate, can_follow
from ratchet.core.trader import ParentStep
from ratchet.core.trader.parents import is_entry
from ratchet.execution.ledger.effects import Effects, NewOrder
from ratchet.execution.ledger.events import OrderChange
from ratchet.execution.ports import LedgerTransaction
from ratchet.execution.sending.throttle import Priority
from ratchet.execution.venue.broker import ReplaceRequest

if TYPE_CHECKING:
    from ratchet.execution.engine import Engine

_SOURCE = "algorithm"
_K = OrderEventKind


def work(engine: "Engine", effects: Effects, ts: int) -> None:
    """Let every parent act; note its children, cancels and states for the next commit.

    In a replay it acts at `ts` (ns, UTC), live at the time of day. While no new risk is taken, parents that
    add risk come to their end.
    """
    at = engine.parts.now_ns() if engine.parts.is_live else ts
    if engine.effective_state != "active":
        engine.session.parents.stop(is_entry)
    for item in engine.session.work(at):
        for child in item.children:
            place = len(effects.new_orders)
            effects.new_orders.append(NewOrder(child, place=place, parent_id=item.after.client_order_id))
        _note_cancels(engine, item, at, effects)
        effects.replacements += item.replacements
        if item.is_news:
            detail = item.ended.value if item.ended else ""
            effects.changes.append(OrderChange(item.after, item.before.status.value, _SOURCE, detail=detail))


def work_now(engine: "Engine", also: Callable[[LedgerTransaction], None] = lambda _: None) -> None:
    """Let every parent act, commit and send, between two steps of the loop."""
    effects = Effects(engine.seq, engine.ts)
    work(engine, effects, engine.ts)
    engine.commit(effects, also=also)
    engine.send(effects)


def reprice(engine: "Engine", replacements: Sequence[Order]) -> None:
    """Ask for children to be replaced in place, each committed before it is sent, as one by hand is.

    What became of a child meanwhile decides: one that no longer works, or has filled, is left alone.
    """
    for new in replacements:
        child = engine.session.order(new.replaces)
        if child is None or child.filled_qty or not can_follow(child.status, _K.REPLACE_REQUESTED):
            continue
        if engine.parts.gate.denial(new, engine.session.working_orders) is not None:
            continue
        if not engine.outbound.allows(Priority.ENTRY):
            # The next interval asks again.
            continue
        request = ReplaceRequest(new.client_order_id, limit_price=new.limit_price, intent=new.intent)
        engine.requests.replace(child, new, request, _SOURCE, None)


def look_after(engine: "Engine") -> Effects:
    """Live: return what is due between two bars; trivial effects need no commit."""
    effects = Effects(ts=engine.ts)
    if engine.session.parents.orders:
        work(engine, effects, engine.ts)
    return effects


def stop_parents(
    engine: "Engine", wanted: Callable[[Order], bool], also: Callable[[LedgerTransaction], None]
) -> list[Order]:
    """End parents early: cancel their children, place no more; return them as they stand then."""
    stopped = engine.session.parents.stop(wanted)
    work_now(engine, also)
    return [engine.session.parents.order(item.client_order_id) or item for item in stopped]


def _note_cancels(engine: "Engine", item: ParentStep, ts: int, effects: Effects) -> None:
    for key in item.cancels:
        child = engine.session.order(key)
        if child is not None:
            asked = engine.session.on_update(key, OrderUpdate(OrderEventKind.CANCEL_REQUESTED, ts))
            effects.changes.append(OrderChange(asked, child.status.value, _SOURCE))
            effects.cancels.append(asked)
