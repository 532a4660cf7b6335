"""One step of a parent order: what it may look at, and the only way in which it can act.

The rules that hold for every algorithm are here, so that no algorithm can break them:

* the parent's fills can never exceed its quantity: a child that has not ended counts as filled whole;
* while a child has no answer (PENDING_NEW, UNKNOWN), nothing new is placed;
* no child is priced beyond the parent's limit, and none is at the market if there is a limit;
* nothing is placed from the deadline on.
"""

from decimal import Decimal

from ratchet.core.execution.prices import within
from ratchet.core.execution.types import (
    Action,
    Cancel,
    Done,
    EndReason,
    Instrument,
    Leg,
    Markets,
    MarketView,
    Memory,
    Place,
    Replace,
)
from ratchet.core.execution.work import Work
from ratchet.core.orders import Intent, Order, OrderStatus, OrderType, Side, child_order_id
from ratchet.core.orders.money import ZERO, floor_to

_ACTIONABLE = frozenset(
    {OrderStatus.ACCEPTED, OrderStatus.HELD, OrderStatus.SUSPENDED, OrderStatus.PARTIALLY_FILLED}
)


class Turn:
    """A step at event time `ts`; collects actions, children and memory for the next `Work`."""

    def __init__(self, work: Work, ts: int, markets: Markets) -> None:
        self.work = work
        self.parent = work.parent
        self.ts = ts
        self.memory = work.memory
        self.actions: list[Action] = []
        self.children = list(work.children)
        self._markets = markets

    @property
    def open(self) -> list[Order]:
        """Children that have not ended, in their order."""
        return [child for child in self.children if not child.is_terminal]

    @property
    def is_blocked(self) -> bool:
        """Whether a child of an earlier step has no answer yet, so that nothing new may be placed."""
        return any(child.status in UNANSWERED for child in self.work.children)

    @property
    def is_past_deadline(self) -> bool:
        """Whether nothing may be placed any more."""
        return self.ts >= self.parent.deadline_ts

    @property
    def room(self) -> Decimal:
        """Quantity that no child has filled or may still fill."""
        return self.parent.qty - sum((possible_qty(child) for child in self.children), ZERO)

    @property
    def market(self) -> MarketView | None:
        """The parent's market; None if there is none or it is too old."""
        return self.market_of(self.parent.instrument.asset_id)

    def market_of(self, asset_id: int) -> MarketView | None:
        """Return an asset's market; None if there is none or it is too old."""
        view = self._markets.get(asset_id)
        if view is None or self.ts - view.ts > self.parent.max_market_age_ns:
            return None
        return view

    def remember(self, *, stage: str | None = None, count: int | None = None, ts: int | None = None) -> None:
        """Change fields of the memory."""
        memory = self.memory
        self.memory = Memory(
            memory.stage if stage is None else stage,
            memory.count if count is None else count,
            memory.ts if ts is None else ts,
        )

    def place(self, qty: Decimal, price: Decimal | None = None) -> bool:
        """Place a child of at most this quantity, at a limit or (None) at the market; say whether it was.

        Not placed is what is blocked, past the deadline, or below the venue's minimum. If it would leave a
        rest below that minimum, it takes the rest along.
        """
        parent, room = self.parent, self.room
        if self.is_past_deadline:
            return False
        limit = parent.limit_price if price is None else within(price, parent.limit_price, parent.side)
        wanted = floor_to(max(ZERO, min(qty, room)), parent.instrument.qty_increment)
        if not self.is_tradable(parent.instrument, room - wanted, limit):
            wanted = room
        return self.send(parent.instrument, parent.side, wanted, limit, parent.intent)

    def send(
        self, instrument: Instrument, side: Side, qty: Decimal, price: Decimal | None, intent: Intent
    ) -> bool:
        """Place a child in any instrument, unless blocked or below the venue's minimum."""
        if self.is_blocked or not self.is_tradable(instrument, qty, price):
            return False
        self._add(self._child(instrument, side, qty, price, intent))
        return True

    def send_package(self) -> bool:
        """Place all legs of the parent as one order of a venue that takes packages, unless blocked.

        The child is in the first leg's asset; its quantity counts packages.
        """
        parent = self.parent
        if self.is_blocked or self.is_past_deadline:
            return False
        first = parent.legs[0]
        self._add(
            self._child(first.instrument, first.side, self.room, parent.limit_price, parent.intent),
            parent.legs,
        )
        return True

    def is_tradable(self, instrument: Instrument, qty: Decimal, price: Decimal | None) -> bool:
        """Whether the venue takes an order of this size; an unknown price does not speak against it."""
        if qty < instrument.qty_increment:
            return False
        view = self.market_of(instrument.asset_id)
        worth = price or (view.last if view else None)
        return worth is None or qty * worth >= instrument.min_notional

    def reprice(self, child: Order, price: Decimal) -> bool:
        """Move a working child to another price, in place or by cancelling it; say whether it was asked."""
        if self.is_past_deadline or child.status not in _ACTIONABLE:
            return False
        if self._can_replace(child):
            price = within(price, self.parent.limit_price, self.parent.side)
            self.actions.append(Replace(child.client_order_id, price))
        else:
            self.actions.append(Cancel(child.client_order_id))
        return True

    def _can_replace(self, child: Order) -> bool:
        """Whether to ask in place: never for a child that has filled in part, nor after a refusal."""
        refused = any(
            other.replaces == child.client_order_id and other.status is OrderStatus.REJECTED
            for other in self.children
        )
        return self.parent.can_replace and not child.filled_qty and not refused

    def cancel(self, child: Order) -> None:
        """Cancel a child that the venue has acknowledged; others are left until it has."""
        if child.status in _ACTIONABLE:
            self.actions.append(Cancel(child.client_order_id))

    def cancel_all(self) -> None:
        """Cancel every child that can be."""
        for child in self.open:
            self.cancel(child)

    def _child(
        self, instrument: Instrument, side: Side, qty: Decimal, price: Decimal | None, intent: Intent
    ) -> Order:
        view = self.market_of(instrument.asset_id)
        return Order(
            client_order_id=child_order_id(self.parent.id, len(self.children)),
            asset_id=instrument.asset_id,
            side=side,
            qty=qty,
            intent=intent,
            created_ts=self.ts,
            updated_ts=self.ts,
            type=OrderType.MARKET if price is None else OrderType.LIMIT,
            time_in_force=self.parent.time_in_force,
            limit_price=price,
            reference_price=view.last if view else price,
            signal_id=self.parent.signal_id,
            reason=self.parent.reason,
        )

    def _add(self, order: Order, legs: tuple[Leg, ...] = ()) -> None:
        self.children.append(order)
        self.actions.append(Place(order, legs))

    def finish(self, reason: EndReason) -> None:
        """End the parent; only without open children."""
        if self.open:
            raise ValueError(f"parent {self.parent.id} cannot end while {len(self.open)} children are open")
        self.actions.append(Done(reason))


UNANSWERED = frozenset({OrderStatus.PENDING_NEW, OrderStatus.UNKNOWN})


def possible_qty(child: Order) -> Decimal:
    """Return what a child has filled, or may have filled by the time its end is known.

    What a replacement has taken over from the order before it was that one's.
    """
    return (child.filled_qty if child.is_terminal else child.qty) - child.carried_qty
