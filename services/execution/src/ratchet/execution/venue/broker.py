"""The port to a broker: what execution needs of a venue, and how a venue can fail.

BrokerError
├── BrokerRefusedError         the venue said no, with a code; it did nothing
│   ├── OrderNotFoundError     the venue said that it knows no such order
│   └── DuplicateOrderError    the venue already has an order with this client_order_id
└── BrokerUnreachableError     no answer, or not the venue's: nothing is known about the outcome
    ├── BrokerNotReachedError  there was no connection: the venue has not seen the request
    └── BrokerThrottledError   too many requests; the venue says for how long to wait
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol, TypeVar, runtime_checkable

from ratchet.core.orders import Intent, OrderStatus, OrderType, Side, TimeInForce, Trail

Row = TypeVar("Row")


class BrokerError(Exception):
    """Base of everything a broker call can raise."""


class BrokerRefusedError(BrokerError):
    """The venue refused; `code` is its own code, `status` the HTTP status."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(f"{message} (code {code}, HTTP {status})")
        self.code = code
        self.message = message
        self.status = status


class OrderNotFoundError(BrokerRefusedError):
    """The venue itself said that it knows no such order."""


class DuplicateOrderError(BrokerRefusedError):
    """The venue already has an order with this client_order_id."""


class BrokerUnreachableError(BrokerError):
    """The venue could not be asked, or its answer could not be read: the outcome is unknown."""


class BrokerNotReachedError(BrokerUnreachableError):
    """There was no connection to send the request over, so the venue has not seen it."""


class BrokerThrottledError(BrokerUnreachableError):
    """The venue has had too many requests; whether this one was heard must be asked after the pause."""

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class LegRequest:
    """One leg of a package to be sent: `ratio` contracts in each, opening or closing a position."""

    symbol: str
    side: Side
    ratio: int
    is_closing: bool


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """An order to be sent; the client_order_id is what makes sending it twice harmless.

    With `legs` it is one order for all of them: symbol and side are those of the first, `qty` counts
    packages, and the price is their net.
    """

    client_order_id: str
    symbol: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    qty: Decimal
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    intent: Intent = Intent.ENTRY
    trail: Trail | None = None
    legs: tuple[LegRequest, ...] = ()


@dataclass(frozen=True, slots=True)
class BrokerLeg:
    """A leg of a package as the venue reports it, with its own id there."""

    broker_order_id: str
    symbol: str
    side: Side
    ratio: int
    is_closing: bool


@dataclass(frozen=True, slots=True)
class ReplaceRequest:
    """What a working order should become; the new order has a client_order_id of its own, and its intent."""

    client_order_id: str
    qty: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail: Trail | None = None
    intent: Intent = Intent.ENTRY


@dataclass(frozen=True, slots=True)
class BrokerOrder:
    """An order as the venue reports it; times are ns since the epoch, UTC.

    `raw_status` is the venue's own word: `status` is UNKNOWN where that is not one that we know.
    `replaced_by` is the venue's id of the order that took this one's place. A package has `legs`, and symbol
    and side of the first; `is_leg` tells a leg that is reported as an order.
    """

    broker_order_id: str
    client_order_id: str
    symbol: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    status: OrderStatus
    qty: Decimal
    filled_qty: Decimal
    filled_avg_price: Decimal | None
    limit_price: Decimal | None
    stop_price: Decimal | None
    created_ns: int
    updated_ns: int
    raw_status: str = ""
    replaced_by: str = ""
    trail: Trail | None = None
    legs: tuple[BrokerLeg, ...] = ()
    is_leg: bool = False


@dataclass(frozen=True, slots=True)
class BrokerFill:
    """One execution; cum_qty is the order's filled quantity after it, which names it within the order.

    `fee` is what the venue says that it took, in the quote currency or (fee_in_base) in units of the asset;
    None where it does not say, and the fee schedule decides.
    `pl` is the profit in the account currency that a venue which takes margin has settled with it.
    """

    execution_id: str
    broker_order_id: str
    client_order_id: str
    symbol: str
    side: Side
    qty: Decimal
    price: Decimal
    cum_qty: Decimal
    ts: int
    fee: Decimal | None = None
    fee_in_base: bool = False
    pl: Decimal | None = None


@dataclass(frozen=True, slots=True)
class TradeUpdate:
    """One event of an order; sequence numbers the venue's updates from 1 where it does so, else 0.

    `venue` is its name where there are several, empty for the first.
    """

    event: str
    ts: int
    order: BrokerOrder
    fill: BrokerFill | None = None
    sequence: int = 0
    venue: str = ""


@dataclass(frozen=True, slots=True)
class BrokerPosition:
    """A position as the venue reports it; qty is signed."""

    symbol: str
    qty: Decimal
    avg_entry_price: Decimal


@dataclass(frozen=True, slots=True)
class BrokerAccount:
    """Money of the account, in its currency; of several, `failed` names those counted as last seen."""

    account_number: str
    cash: Decimal
    equity: Decimal
    trading_blocked: bool
    failed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class BrokerActivity:
    """What the venue booked that is no execution; `amount` in the account currency and `qty` are signed.

    `day` is the UTC date (YYYY-MM-DD) that it is booked for, `ts` the end of what is known of its time.
    """

    activity_id: str
    type: str
    ts: int
    day: str
    symbol: str = ""
    qty: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)
    price: Decimal | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class BrokerQuote:
    """The best bid and offer of an option contract, per unit of its multiplier; ts in ns, UTC."""

    symbol: str
    bid: Decimal
    ask: Decimal
    ts: int

    @property
    def middle(self) -> Decimal:
        """The middle of the market."""
        return (self.bid + self.ask) / 2


@dataclass(frozen=True, slots=True)
class AccountUpdate:
    """An event of the account that is no order's: it tells that the updates up to its number were seen."""

    ts: int
    sequence: int
    venue: str = ""


Update = TradeUpdate | AccountUpdate


class VenueList(list[Row]):
    """A list of several venues' rows; `failed` names the venues that did not answer."""

    def __init__(self, rows: Iterable[Row] = (), failed: frozenset[str] = frozenset()) -> None:
        super().__init__(rows)
        self.failed = failed


def failed_venues(*answers: object) -> frozenset[str]:
    """Return the venues that are missing in lists or accounts; none where there is one venue only."""
    return frozenset().union(*(getattr(answer, "failed", frozenset()) for answer in answers))


class Broker(Protocol):
    """A venue's account. Every call has a time-out and raises BrokerError, nothing else."""

    def submit(self, request: OrderRequest) -> BrokerOrder:
        """Place an order once; no retry happens below this call."""
        ...

    def cancel(self, broker_order_id: str) -> None:
        """Ask for an order to be cancelled; BrokerRefusedError if it is no longer working."""
        ...

    def get_by_client_id(self, client_order_id: str) -> BrokerOrder:
        """Return the order, or raise OrderNotFoundError when the venue says that there is none."""
        ...

    def list_orders(self, since_ns: int | None = None, *, open_only: bool = False) -> list[BrokerOrder]:
        """Return orders submitted after a time, oldest first."""
        ...

    def positions(self) -> list[BrokerPosition]:
        """Return every open position."""
        ...

    def account(self) -> BrokerAccount:
        """Return the account's money."""
        ...

    def fills(self, since_ns: int) -> list[BrokerFill]:
        """Return the executions after a time, oldest first, as the account's activities list them."""
        ...


@runtime_checkable
class ReplacingBroker(Protocol):
    """A venue that can replace a working order."""

    def replace(self, broker_order_id: str, change: ReplaceRequest) -> BrokerOrder:
        """Ask for a working order to be replaced, once; returns the new order."""
        ...


@runtime_checkable
class ActivityBroker(Protocol):
    """A venue that lists what it booked beside executions."""

    def activities(self, since_ns: int) -> list[BrokerActivity]:
        """Return dividends, fees, transfers and the like since a time, oldest first."""
        ...


@runtime_checkable
class OptionBroker(Protocol):
    """A venue that trades option contracts and quotes them."""

    def option_quotes(self, symbols: Sequence[str]) -> list[BrokerQuote]:
        """Return the last quotes of contracts, by OCC symbol; those without one are left out."""
        ...


def replace_at(broker: Broker, broker_order_id: str, change: ReplaceRequest) -> BrokerOrder:
    """Replace an order; BrokerRefusedError where the venue has no such request."""
    if not isinstance(broker, ReplacingBroker):
        raise BrokerRefusedError("REPLACE_UNSUPPORTED", "the venue cannot replace orders", 0)
    return broker.replace(broker_order_id, change)


def activities_of(broker: Broker, since_ns: int) -> list[BrokerActivity]:
    """List activities; none where the venue does not list them."""
    return broker.activities(since_ns) if isinstance(broker, ActivityBroker) else []


def option_quotes_of(broker: Broker, symbols: Sequence[str]) -> list[BrokerQuote]:
    """Quote option contracts; none where the venue does not."""
    return broker.option_quotes(symbols) if symbols and isinstance(broker, OptionBroker) else []


class UpdateStream(Protocol):
    """The venue's stream of trade updates.

    `on_change` is called with it when the connection comes or goes: updates in between are lost.
    """

    on_change: Callable[[bool], None]

    @property
    def connected(self) -> bool:
        """Whether updates can arrive now."""
        ...

    def start(self, handler: Callable[[Update], None]) -> None:
        """Start to deliver updates to the handler, in a thread, with reconnection."""
        ...

    def stop(self) -> None:
        """Stop the thread."""
        ...
