"""Packages: one order for several legs, which the venue executes together in their ratio.

The venue reports executions leg by leg. Each is booked to its leg; the package itself counts as executed as
far as all of its legs are.
"""

from decimal import Decimal

from ratchet.core.orders.money import ZERO, notional, to_money
from ratchet.core.orders.news import MissedFillError, OrderEventKind, OrderUpdate, OverfillError
from ratchet.core.orders.order import Order, OrderLeg
from ratchet.core.orders.rows import evolve
from ratchet.core.orders.state import advance


def leg_of(order: Order, broker_order_id: str) -> OrderLeg | None:
    """Return the leg that the venue knows under an id."""
    found = (leg for leg in order.legs if leg.broker_order_id == broker_order_id)
    return next(found, None)


def with_leg_ids(order: Order, ids: dict[int, str]) -> Order:
    """Return the package with the venue's ids of its legs, by asset id; the same object if it has them."""
    legs = tuple(
        evolve(leg, broker_order_id=ids[leg.asset_id])
        if not leg.broker_order_id and leg.asset_id in ids
        else leg
        for leg in order.legs
    )
    return order if legs == order.legs else evolve(order, legs=legs)


def fill_leg(order: Order, leg: OrderLeg, update: OrderUpdate) -> Order:
    """Return the package after an execution of one leg; the same object when it was known.

    Raises OverfillError or MissedFillError; the order is then unchanged.
    """
    total = update.cumulative_qty
    if total > order.qty * leg.ratio:
        raise OverfillError(order, f"{total} filled of {order.qty * leg.ratio} in leg {leg.asset_id}")
    if total <= leg.filled_qty:
        return order
    if total != leg.filled_qty + update.qty:
        raise MissedFillError(
            order, f"{total} filled in leg {leg.asset_id}, but {leg.filled_qty} seen before"
        )
    money = leg.filled_notional + notional(update.qty, update.price)
    done = evolve(leg, filled_qty=total, filled_notional=money)
    legs = tuple(done if item is leg else item for item in order.legs)
    return _counted(evolve(order, legs=legs), update.ts)


def _counted(order: Order, ts: int) -> Order:
    """Take over the packages that all legs have together."""
    whole = min(leg.filled_qty // leg.ratio for leg in order.legs)
    fresh = whole - order.filled_qty
    if fresh <= 0:
        return order
    money = sum((_worth(leg, whole) for leg in order.legs), ZERO)
    price = (money - order.filled_notional) / fresh
    filled = advance(order, OrderUpdate(OrderEventKind.FILLED, ts, fresh, price, whole))
    return evolve(filled, filled_notional=money)


def _worth(leg: OrderLeg, packages: Decimal) -> Decimal:
    """Money for a leg's share of so many packages, per unit of the multiplier; negative for what was sold."""
    return leg.side.sign * to_money(leg.filled_notional * packages * leg.ratio / leg.filled_qty)
