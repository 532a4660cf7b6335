"""Whether ledger and venue agree after everything has healed."""

from collections import Counter
from decimal import Decimal

from ratchet.core.orders import OrderStatus
from tests.simulation.world import World

_TAKEN = {
    OrderStatus.ACCEPTED,
    OrderStatus.PARTIALLY_FILLED,
    OrderStatus.PENDING_CANCEL,
    OrderStatus.FILLED,
    OrderStatus.CANCELED,
    OrderStatus.EXPIRED,
}


def problems(world: World) -> list[str]:
    """Return everything on which the two differ, and every rule that was broken on the way."""
    found = list(world.violations)
    books, venue = world.books, world.venue
    theirs = {
        order.client_order_id: order for order in (venue.exchange.order(key) for key in venue.known) if order
    }
    found += [f"order {key} is not in the ledger" for key in theirs.keys() - books.orders.keys()]
    for key, order in books.orders.items():
        at_venue = theirs.get(key)
        if order.status in {OrderStatus.PENDING_NEW, OrderStatus.UNKNOWN}:
            found.append(f"order {key} is still {order.status}")
        elif at_venue is None and order.status in _TAKEN and order.broker_order_id:
            found.append(f"order {key} is {order.status}, the venue has none")
        elif at_venue is not None and at_venue.filled_qty != order.filled_qty:
            found.append(f"order {key}: filled {order.filled_qty}, {at_venue.filled_qty} at the venue")
        elif at_venue is not None and at_venue.is_open == order.is_terminal:
            found.append(f"order {key} is {order.status}, {at_venue.status} at the venue")
    executions = Counter(fill.execution_id for fill in venue.executions)
    booked = Counter(books.fills.keys())
    found += [f"execution {key} is not booked" for key in executions - booked]
    found += [f"execution {key} is booked, the venue has none" for key in booked - executions]
    sent = Counter(books.proposals[key] for key in set(venue.arrivals) if books.proposals.get(key))
    found += [f"proposal {key} was placed {n} times" for key, n in sent.items() if n > 1]
    for asset in world.registry:
        held = venue.exchange.position(asset.id)
        qty = held.qty if held is not None else Decimal(0)
        if qty != books.positions.get(asset.id, Decimal(0)):
            found.append(f"position {asset.symbol}: {books.positions.get(asset.id)}, {qty} at the venue")
    if venue.exchange.account().cash != books.cash:
        found.append(f"cash: {books.cash}, {venue.exchange.account().cash} at the venue")
    if world.engine is not None and world.engine.blocked:
        found.append(f"still blocked: {world.engine.blocked}")
    return found
