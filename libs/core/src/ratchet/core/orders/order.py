"""The trader's own record of an order."""

from dataclasses import dataclass
from decimal import Decimal

from ratchet.core.orders.money import ZERO, to_money
from ratchet.core.orders.types import Intent, OrderStatus, OrderType, Side, TimeInForce, Write

TERMINAL = frozenset(
    {
        OrderStatus.FILLED,
        OrderStatus.CANCELED,
        OrderStatus.EXPIRED,
        OrderStatus.REJECTED,
        OrderStatus.REPLACED,
    }
)


@dataclass(frozen=True, slots=True)
class Trail:
    """How far a trailing stop keeps from the best price since it was placed: in money or in per cent."""

    price: Decimal | None = None
    percent: Decimal | None = None

    def __post_init__(self) -> None:
        if (self.price is None) == (self.percent is None):
            raise ValueError("a trailing stop takes one of trail_price and trail_percent")
        if self.price is not None and self.price <= 0:
            raise ValueError(f"trail_price {self.price} must be positive")
        if self.percent is not None and not 0 < self.percent < 100:
            raise ValueError(f"trail_percent {self.percent} must be above 0 and below 100")


@dataclass(frozen=True, slots=True)
class OrderLeg:
    """One leg of a package: `ratio` units of an asset in each, and what the venue has executed of it.

    `broker_order_id` is the venue's id of the leg, under which it reports executions.
    """

    asset_id: int
    side: Side
    ratio: int
    is_closing: bool = False
    reference_price: Decimal | None = None
    broker_order_id: str = ""
    filled_qty: Decimal = ZERO
    filled_notional: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Order:
    """One order as Ratchet knows it; times are event times in ns since the epoch, UTC.

    `reference_price` is the price that the decision was made at. `reason` says why it exists, and once it
    was refused, why.

    `status` is what everybody looks at. It follows from four things: what the venue said last
    (`venue_status`, as of its time `venue_ts`), what was filled, what we have asked for and the venue has
    not done yet (`asked`), and what we asked without getting an answer (`unanswered`). `writes` counts our
    requests. A replacement names the order that it `replaces`, and that one the order it is `replaced_by`,
    both by client_order_id (by the venue's id when the replacement was made outside). Of what it has filled,
    `carried_qty` was filled by that order before. The `stop_price` of a trailing stop is where the venue has
    moved it to, None until it has said so.

    With `legs` it is a package: `qty` counts packages, prices are the net of all legs (negative for a
    credit), and `asset_id` and `side` are those of its first leg.
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
    venue_status: OrderStatus | None = None
    venue_ts: int = 0
    asked: Write = Write.NONE
    unanswered: Write = Write.NONE
    writes: int = 0
    replaces: str = ""
    replaced_by: str = ""
    trail: Trail | None = None
    carried_qty: Decimal = ZERO
    legs: tuple[OrderLeg, ...] = ()

    @property
    def asset_ids(self) -> tuple[int, ...]:
        """Every asset that it trades."""
        return tuple(leg.asset_id for leg in self.legs) if self.legs else (self.asset_id,)

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

    @property
    def is_unsent(self) -> bool:
        """Whether the venue has not confirmed that it has the order at all."""
        return self.status is OrderStatus.PENDING_NEW or (
            self.status is OrderStatus.UNKNOWN and self.venue_status in {None, OrderStatus.PENDING_NEW}
        )

    @property
    def needs_answer(self) -> bool:
        """Whether the venue must be asked what became of a request of ours."""
        return self.status in {OrderStatus.PENDING_NEW, OrderStatus.UNKNOWN} or self.asked is not Write.NONE
