"""Orders, events and rows of the exchange. Times are event times in ns since the epoch, UTC."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from ratchet.core.orders.money import ZERO, to_money
from ratchet.core.orders.types import OrderType, Side, TimeInForce

ONE = Decimal(1)


class OrderClass(StrEnum):
    """How orders hang together."""

    SIMPLE = "simple"
    BRACKET = "bracket"
    OCO = "oco"
    OTO = "oto"
    MLEG = "mleg"


class ExchangeStatus(StrEnum):
    """States of an order at the venue, in Alpaca's words; `held` legs wait for their parent."""

    PENDING_NEW = "pending_new"
    NEW = "new"
    ACCEPTED = "accepted"
    HELD = "held"
    PARTIALLY_FILLED = "partially_filled"
    PENDING_CANCEL = "pending_cancel"
    PENDING_REPLACE = "pending_replace"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REPLACED = "replaced"
    REJECTED = "rejected"


# An order that is being canceled or replaced can still fill until the request arrives.
WORKING_STATUSES = frozenset(
    {
        ExchangeStatus.NEW,
        ExchangeStatus.ACCEPTED,
        ExchangeStatus.PARTIALLY_FILLED,
        ExchangeStatus.PENDING_CANCEL,
        ExchangeStatus.PENDING_REPLACE,
    }
)
OPEN_STATUSES = WORKING_STATUSES | {ExchangeStatus.HELD, ExchangeStatus.PENDING_NEW}


class EventType(StrEnum):
    """What happened to an order, in the words of Alpaca's trade updates."""

    NEW = "new"
    ACCEPTED = "accepted"
    FILL = "fill"
    PARTIAL_FILL = "partial_fill"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REPLACED = "replaced"
    PENDING_NEW = "pending_new"
    PENDING_CANCEL = "pending_cancel"
    PENDING_REPLACE = "pending_replace"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class StopLoss:
    """The protective leg of a bracket: a stop, or a stop-limit when limit_price is given."""

    stop_price: Decimal
    limit_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """What a client asks for; exactly one of qty and notional is given.

    A trailing stop has one of trail_price (money) and trail_percent (2 means 2 %).
    """

    client_order_id: str
    asset_id: int
    side: Side
    qty: Decimal | None = None
    type: OrderType = OrderType.MARKET
    time_in_force: TimeInForce = TimeInForce.DAY
    notional: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    order_class: OrderClass = OrderClass.SIMPLE
    take_profit: Decimal | None = None
    stop_loss: StopLoss | None = None
    extended_hours: bool = False
    trail_price: Decimal | None = None
    trail_percent: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ReplaceRequest:
    """The changed fields of a working order; None keeps the old value.

    `trail` is the new distance of a trailing stop, in the unit (price or percent) that it was placed with.
    """

    qty: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    time_in_force: TimeInForce | None = None
    client_order_id: str | None = None
    trail: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ExchangeOrder:
    """One order at the venue: an immutable record, replaced whole at every change.

    `seq` is its rank in time. A notional order has qty None until its first match. `unit_reserve` is the
    price at which a working opening order reserves buying power, and `reserve_rate` the share of that value
    which is margin. `triggered` says that a stop has become a market or limit order; `rested` that it has
    stood through a bar, so that a limit then pays the maker's fee. `closing` says that it reduces a position
    (None, in rows of older versions: as the side tells of an account without shorts). `arrives_ts` is when
    the venue has it, `due_ts` when a pending cancel or replacement takes effect. `hwm` is the best price
    that a trailing stop has seen: the highest for a sell, the lowest for a buy. `ratio_qty` is what a leg
    of a package of options holds in one unit of the package, 0 in every other order.
    """

    id: str
    client_order_id: str
    seq: int
    asset_id: int
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    order_class: OrderClass
    status: ExchangeStatus
    qty: Decimal | None
    notional: Decimal | None
    limit_price: Decimal | None
    stop_price: Decimal | None
    unit_reserve: Decimal
    created_ts: int
    updated_ts: int
    expires_ts: int
    filled_qty: Decimal = ZERO
    filled_notional: Decimal = ZERO
    fill_count: int = 0
    filled_ts: int = 0
    canceled_ts: int = 0
    expired_ts: int = 0
    replaced_ts: int = 0
    parent_id: str = ""
    legs: tuple[str, ...] = ()
    sibling_id: str = ""
    replaces: str = ""
    replaced_by: str = ""
    triggered: bool = False
    rested: bool = False
    extended_hours: bool = False
    trail_price: Decimal | None = None
    trail_percent: Decimal | None = None
    hwm: Decimal | None = None
    closing: bool | None = None
    reserve_rate: Decimal = ONE
    arrives_ts: int = 0
    due_ts: int = 0
    ratio_qty: int = 0

    @property
    def is_open(self) -> bool:
        """Whether it can still change."""
        return self.status in OPEN_STATUSES

    @property
    def is_working(self) -> bool:
        """Whether it can fill; a held leg cannot yet."""
        return self.status in WORKING_STATUSES

    @property
    def remaining_qty(self) -> Decimal:
        """Quantity still to fill; 0 for a notional order that has not matched yet."""
        return ZERO if self.qty is None else self.qty - self.filled_qty

    @property
    def filled_avg_price(self) -> Decimal | None:
        """Average price of its executions, None before the first."""
        return to_money(self.filled_notional / self.filled_qty) if self.filled_qty else None

    @property
    def is_closing(self) -> bool:
        """Whether it reduces a position instead of opening or adding to one."""
        return self.side is Side.SELL if self.closing is None else self.closing

    @property
    def reserve(self) -> Decimal:
        """Value that it holds back from buying power."""
        if self.is_closing or not self.is_working:
            return ZERO
        if self.qty is None:
            return self.notional or ZERO
        return to_money(self.remaining_qty * self.unit_reserve)

    @property
    def margin_reserve(self) -> Decimal:
        """Margin that it holds back: its reserve where it must be paid in full."""
        return self.reserve if self.reserve_rate == ONE else to_money(self.reserve * self.reserve_rate)


@dataclass(frozen=True, slots=True)
class ExchangeEvent:
    """A trade update; price, qty, fee and execution_id are set for executions, `order` is the state after."""

    type: EventType
    order: ExchangeOrder
    ts: int
    price: Decimal | None = None
    qty: Decimal | None = None
    execution_id: str = ""
    position_qty: Decimal | None = None
    fee: Decimal = ZERO
    fee_in_base: bool = False

    @property
    def is_execution(self) -> bool:
        """Whether this is a fill or partial fill."""
        return self.type in {EventType.FILL, EventType.PARTIAL_FILL}


NO_ASSET = -1


@dataclass(frozen=True, slots=True)
class Activity:
    """A row of account history.

    FILL for executions, CFEE for crypto fees, FEE for regulatory fees and borrowing, INT for margin interest,
    DIV for dividends, SPLIT for splits. asset_id is NO_ASSET for what concerns the whole account. `fee` is
    that of a FILL, in units of the asset if `fee_in_base`.
    """

    id: str
    type: str
    ts: int
    asset_id: int
    order_id: str
    side: Side
    qty: Decimal
    price: Decimal
    net_amount: Decimal
    execution_id: str
    cum_qty: Decimal = ZERO
    leaves_qty: Decimal = ZERO
    order_status: str = ""
    description: str = ""
    per_share: Decimal = ZERO
    fee: Decimal = ZERO
    fee_in_base: bool = False


@dataclass(frozen=True, slots=True)
class Changes:
    """Rows that changed since the last drain, each a JSON-able dict as in `Exchange.snapshot`."""

    orders: tuple[dict[str, object], ...] = field(default=())
    activities: tuple[dict[str, object], ...] = field(default=())
    positions: tuple[dict[str, object], ...] = field(default=())
    account: dict[str, object] | None = None

    def __bool__(self) -> bool:
        return bool(self.orders or self.activities or self.positions or self.account)
