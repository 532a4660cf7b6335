"""A parent order on its way: its algorithm, its children so far and what the algorithm remembers."""

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from ratchet.core.execution.types import EndReason, Memory, ParentOrder
from ratchet.core.orders import Order
from ratchet.core.orders.money import ZERO, to_money

if TYPE_CHECKING:
    from ratchet.core.execution.algorithm import Algorithm


_BLANK = Memory()


@dataclass(frozen=True, slots=True)
class Work:
    """Immutable; `machine.step` and `machine.on_order` return the next one.

    `children` are all child orders by number. `is_stopping` says that somebody has asked to end it early.
    """

    parent: ParentOrder
    algorithm: "Algorithm"
    children: tuple[Order, ...] = ()
    memory: Memory = _BLANK
    is_stopping: bool = False
    ended: EndReason | None = None

    @property
    def filled_qty(self) -> Decimal:
        """What its children have filled; for several legs, whole packages."""
        return self.algorithm.filled_qty(self)

    @property
    def filled_avg_price(self) -> Decimal | None:
        """Average price over the children's fills; None before the first, and for several legs."""
        filled = sum((child.filled_qty - child.carried_qty for child in self.children), ZERO)
        if not filled or self.parent.legs:
            return None
        return to_money(self.filled_notional / filled)

    @property
    def filled_notional(self) -> Decimal:
        """What the children's fills have cost; of a replacement, not what it has taken over."""
        total = sum((child.filled_notional for child in self.children), ZERO)
        for child in self.children:
            replaced = self.child(child.replaces) if child.carried_qty else None
            total -= replaced.filled_notional if replaced else ZERO
        return total

    @property
    def remaining_qty(self) -> Decimal:
        """What is not filled."""
        return self.parent.qty - self.filled_qty

    def child(self, client_order_id: str) -> Order | None:
        """Return a child by its id."""
        return next((item for item in self.children if item.client_order_id == client_order_id), None)
