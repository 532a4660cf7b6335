"""Faults of trade updates on their way to the clients: the log of updates stays whole."""

from abc import abstractmethod
from typing import Annotated, Any, ClassVar

from pydantic import Field

from ratchet.paper_exchange.faults.base import UPDATE_FIELDS, Fault
from ratchet.paper_exchange.streams.hub import Delivery

MAX_WAIT_S = 3_600.0


class UpdateFault(Fault):
    """A fault that changes how an update is delivered."""

    fields: ClassVar = UPDATE_FIELDS

    @abstractmethod
    def delivery(self, update: dict[str, Any]) -> Delivery:
        """Return how this update goes out."""


class DropUpdates(UpdateFault):
    """Updates are not sent; their numbers (`sequence`) show the gap."""

    name: ClassVar = "drop_updates"

    def delivery(self, update: dict[str, Any]) -> Delivery:
        """Send none."""
        return Delivery(update, copies=0)


class DuplicateUpdates(UpdateFault):
    """Updates are sent several times."""

    name: ClassVar = "duplicate_updates"

    copies: Annotated[int, Field(ge=2, le=100)] = 2

    def delivery(self, update: dict[str, Any]) -> Delivery:
        """Send copies."""
        return Delivery(update, copies=self.copies)


class DelayUpdates(UpdateFault):
    """Updates are sent some seconds (of real time) late; others overtake them."""

    name: ClassVar = "delay_updates"

    seconds: Annotated[float, Field(gt=0, le=MAX_WAIT_S)] = 1.0

    def delivery(self, update: dict[str, Any]) -> Delivery:
        """Send late."""
        return Delivery(update, delay_s=self.seconds)


class ReorderUpdates(UpdateFault):
    """Updates are sent after the next one, or after some seconds when none follows."""

    name: ClassVar = "reorder_updates"

    seconds: Annotated[float, Field(gt=0, le=MAX_WAIT_S)] = 5.0

    def delivery(self, update: dict[str, Any]) -> Delivery:
        """Send behind the next one."""
        return Delivery(update, hold_s=self.seconds)
