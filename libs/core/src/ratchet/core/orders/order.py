"""The trader's own record of an order."""

from dataclasses import dataclass
from decimal import Decimal

from ratchet.core.orders.money import ZERO, to_money
from ratchet.core.orders.types import Intent, OrderStatus, OrderType, Side, TimeInForce

TERMINAL = frozenset({OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REJECTED})


@dataclass(frozen=True, slots=True)
class Order:
    """One order as Ratchet knows it; times are event times in ns since the epoch, UTC.

    `reference_price` is the price that the decision was made at. `reason` says why it exists, and once it
    was refused, why.
    """

    client_order_id: str
    asset_id: int
    side: Side
    qty: Decimal
    intent: Intent
    created_ts: int
    updated_ts: int
    type: OrderType = OrderType.MARKET
    time_in_force: TimeInForce = TimeInForce.DAY
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    reference_price: Decimal | None = None
    status: OrderStatus = OrderStatus.PENDING_NEW
    filled_qty: Decimal = ZERO
    filled_notional: Decimal = ZERO
    broker_order_id: str = ""
    signal_id: str = ""
    reason: str = ""

    @property
    def remaining_qty(self) -> Decimal:
        """Quantity not filled."""
        return self.qty - self.filled_qty

    @property
    def filled_avg_price(self) -> Decimal | None:
        """Average price of its fills, None before the first."""
        return to_money(self.filled_notional / self.filled_qty) if self.filled_qty else None

    @property
    def is_terminal(self) -> bool:
        """Whether it will not work again; a late fill may still be booked on a canceled or expired order."""
        return self.status in TERMINAL
