"""What execution itself refuses, before anything is committed or sent."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from ratchet.core.assets import Asset, Registry
from ratchet.core.orders import Intent, Order, OrderStatus, OrderType
from ratchet.execution.sending.denials import Denial
from ratchet.execution.venue.capabilities import VENUES, OrderClass, Shape, VenueCapabilities


class Gate:
    """Checks an order against its venue's table, and new risk against what is known of the venue.

    `is_down` says by asset that its venue's updates cannot arrive; a replay, which asks the venue at each
    step, leaves it out.
    """

    def __init__(
        self,
        registry: Registry,
        *,
        is_down: Callable[[Asset], bool] = lambda _: False,
        venues: Mapping[str, VenueCapabilities] = VENUES,
    ) -> None:
        self._registry = registry
        self._is_down = is_down
        self._venues = venues

    def denial(self, order: Order, working: Iterable[Order]) -> Denial | None:
        """Return why an order must not be sent, None if it may.

        `working` are the portfolio's working orders, the order itself among them or not. Exits pass whatever
        is unknown: they need only be an order that the venue takes.
        """
        asset = self._registry[order.asset_id]
        table = self._venues.get(asset.venue)
        if table is None:
            return Denial.VENUE_UNKNOWN
        found = table.denial(shape_of(order, asset))
        if found is not None or order.intent is Intent.EXIT:
            return found
        if order.type is OrderType.TRAILING_STOP:
            return Denial.TRAIL_REDUCES_ONLY
        if self._is_down(asset):
            return Denial.STREAM_DOWN
        unknown = any(
            not set(order.asset_ids).isdisjoint(other.asset_ids)
            and other.status is OrderStatus.UNKNOWN
            and other.client_order_id != order.client_order_id
            for other in working
        )
        return Denial.ORDER_UNKNOWN if unknown else None

    def can_replace(self, order: Order) -> bool:
        """Return whether the order's venue replaces orders; packages are cancelled and placed anew."""
        return not order.legs and self.can_replace_in(self._registry[order.asset_id])

    def can_replace_in(self, asset: Asset) -> bool:
        """Return whether an asset's venue replaces orders."""
        table = self._venues.get(asset.venue)
        return table is not None and table.can_replace(asset.asset_class)


def shape_of(order: Order, asset: Asset) -> Shape:
    """Return what a venue looks at."""
    return Shape(
        asset_class=asset.asset_class,
        type=order.type,
        time_in_force=order.time_in_force,
        order_class=OrderClass.MLEG if order.legs else OrderClass.SIMPLE,
        is_fractional=order.qty % Decimal(1) != 0,
    )
