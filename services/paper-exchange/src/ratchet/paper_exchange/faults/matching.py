"""Faults that ask the exchange for something unpleasant that its rules allow."""

from decimal import Decimal
from typing import Annotated, ClassVar

from pydantic import Field

from ratchet.core.orders.money import floor_to
from ratchet.paper_exchange.faults.base import ORDER_FIELDS, Fault


class PartialFills(Fault):
    """Each match fills only a share of what it would have, as long as that is a tradable quantity."""

    name: ClassVar = "partial_fills"
    fields: ClassVar = ORDER_FIELDS

    share: Annotated[Decimal, Field(gt=0, lt=1)] = Decimal("0.5")

    def limit(self, qty: Decimal, increment: Decimal) -> Decimal:
        """Return what may be filled of a quantity."""
        return floor_to(qty * self.share, increment) or qty


class RejectOrders(Fault):
    """Orders are taken and answered as such, then rejected: the stream tells."""

    name: ClassVar = "reject_orders"
    fields: ClassVar = ORDER_FIELDS
