"""The shape of an order, and what a venue takes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ratchet.core.assets import AssetClass
from ratchet.core.orders import OrderType, TimeInForce
from ratchet.execution.sending.denials import Denial

Times = frozenset[TimeInForce]


class OrderClass(StrEnum):
    """How orders belong together."""

    SIMPLE = "simple"
    BRACKET = "bracket"
    OCO = "oco"
    OTO = "oto"
    MLEG = "mleg"


@dataclass(frozen=True, slots=True)
class Shape:
    """Everything about an order that a venue may not take."""

    asset_class: AssetClass
    type: OrderType
    time_in_force: TimeInForce
    order_class: OrderClass = OrderClass.SIMPLE
    is_fractional: bool = False
    is_notional: bool = False
    extended_hours: bool = False


@dataclass(frozen=True, slots=True)
class Capability:
    """What a venue takes in one asset class.

    `times` holds the times in force of each order type, and by that the types; `fractional_times` the same
    for quantities that are not whole, None where any quantity is taken alike, empty where none is.
    """

    times: Mapping[OrderType, Times]
    classes: frozenset[OrderClass] = frozenset({OrderClass.SIMPLE})
    fractional_times: Mapping[OrderType, Times] | None = field(default_factory=dict)
    notional: bool = False
    extended_hours_times: Mapping[OrderType, Times] = field(default_factory=dict)
    replace: bool = False

    def denial(self, shape: Shape) -> Denial | None:
        """Return why the venue would not take the order, None if it would."""
        times = self.times.get(shape.type)
        if times is None:
            return Denial.ORDER_TYPE_UNSUPPORTED
        if shape.time_in_force not in times:
            return Denial.TIF_UNSUPPORTED
        if shape.order_class not in self.classes:
            return Denial.ORDER_CLASS_UNSUPPORTED
        if shape.is_notional and not self.notional:
            return Denial.FRACTION_UNSUPPORTED
        if (shape.is_fractional or shape.is_notional) and self.fractional_times is not None:
            if shape.order_class is not OrderClass.SIMPLE:
                return Denial.FRACTION_UNSUPPORTED
            if shape.time_in_force not in self.fractional_times.get(shape.type, frozenset()):
                return Denial.FRACTION_UNSUPPORTED
        if shape.extended_hours and shape.time_in_force not in self.extended_hours_times.get(
            shape.type, frozenset()
        ):
            return Denial.EXTENDED_HOURS_UNSUPPORTED
        return None


@dataclass(frozen=True, slots=True)
class VenueCapabilities:
    """The table of one venue; a class that is missing is not traded there."""

    venue: str
    source: str
    by_class: Mapping[AssetClass, Capability]

    def denial(self, shape: Shape) -> Denial | None:
        """Return why the venue would not take the order, None if it would."""
        capability = self.by_class.get(shape.asset_class)
        return Denial.ORDER_TYPE_UNSUPPORTED if capability is None else capability.denial(shape)

    def can_replace(self, asset_class: AssetClass) -> bool:
        """Return whether working orders of a class can be replaced."""
        capability = self.by_class.get(asset_class)
        return capability is not None and capability.replace
