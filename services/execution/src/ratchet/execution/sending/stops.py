"""Protective stops on their way to and from the venue.

The session plans them (`core.trader.protection`). Here a stop that has to go is cancelled, and its end is
learned, before anything else of its asset is sent: the venue holds back its quantity, and if it was filled
meanwhile, an exit beside it would sell what is no longer held.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ratchet.core.orders import Intent, Order, OrderStatus, Write
from ratchet.core.trader import is_protective
from ratchet.execution.ledger.effects import Effects, NewOrder
from ratchet.execution.ledger.events import OrderChange
from ratchet.execution.sending.sender import Answer, Outcome

if TYPE_CHECKING:
    from ratchet.execution.engine import Engine

_SOURCE = "protection"


def plan(engine: "Engine", ts: int, effects: Effects) -> None:
    """Note for the ledger which stops are taken back and which are placed."""
    before = {order.client_order_id: order.status.value for order in engine.session.working_orders}
    protection = engine.session.protect(ts)
    for order in protection.cancels:
        effects.changes.append(OrderChange(order, before[order.client_order_id], _SOURCE))
    effects.cancels += protection.cancels
    first = len(effects.new_orders)
    effects.new_orders += [NewOrder(order, place=first + n) for n, order in enumerate(protection.orders)]


def only_protected(effects: Effects) -> frozenset[int]:
    """Return the assets in which nothing but protective stops is cancelled and placed."""
    traded = {item.order.asset_id for item in effects.new_orders if not is_protective(item.order)}
    stopped = {order.asset_id for order in effects.cancels if is_protective(order)}
    stopped |= {item.order.asset_id for item in effects.new_orders if is_protective(item.order)}
    others = {order.asset_id for order in effects.cancels if not is_protective(order)}
    return frozenset(stopped - traded - others)


def take_back(engine: "Engine", orders: Sequence[Order]) -> None:
    """Cancel stops whose cancel is committed, and learn at once what became of them if that is possible."""
    current = [engine.session.order(order.client_order_id) for order in orders]
    working = [order for order in current if order is not None and order.asked is Write.CANCEL]
    engine.requests.send(working, _SOURCE)
    # An exit waits for this: it is committed with the exit's own answer.
    learn(engine, working, later=True)


def learn(engine: "Engine", orders: Sequence[Order], *, later: bool = False) -> None:
    """Ask the venue about orders whose cancel it has taken; what it does not know yet, it tells later."""
    current = [engine.session.order(order.client_order_id) for order in orders]
    taken = [order for order in current if order is not None and order.status is OrderStatus.PENDING_CANCEL]
    engine.record([(order, engine.outbound.look_up(order)) for order in taken], later=later)


def in_the_way(engine: "Engine", order: Order) -> bool:
    """Whether an exit must wait, because a stop in its asset is not known to have ended."""
    return order.intent is Intent.EXIT and any(
        other.asset_id == order.asset_id and is_protective(other) and not other.is_unsent
        for other in engine.session.working_orders
        if other.client_order_id != order.client_order_id
    )


def done(order: Order) -> Answer:
    """Return the answer to an exit that a stop has made needless."""
    return Answer(order.client_order_id, Outcome.EXPIRED, message="a protective stop has closed the position")


def still_fits(engine: "Engine", order: Order) -> bool:
    """Whether an exit closes no more than is held, for a stop may have closed it before."""
    if order.intent is not Intent.EXIT or order.legs:
        # A package states of each leg that it closes, and the venue holds it to that.
        return True
    held = engine.session.portfolio.position(order.asset_id).qty
    closing = sum(
        other.remaining_qty
        for other in engine.session.working_orders
        if other.asset_id == order.asset_id
        and other.client_order_id != order.client_order_id
        and other.intent is Intent.EXIT
        and other.created_ts <= order.created_ts
    )
    return held * order.side.sign < 0 and order.remaining_qty <= abs(held) - closing
