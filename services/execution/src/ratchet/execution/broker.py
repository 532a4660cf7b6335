"""The port to a broker: what execution needs of a venue, and how a venue can fail.

BrokerError
├── BrokerRefusedError         the venue said no, with a code; it did nothing
│   ├── OrderNotFoundError     the venue said that it knows no such order
│   └── DuplicateOrderError    the venue already has an order with this client_order_id
└── BrokerUnreachableError     no answer, or not the venue's: nothing is known about the outcome
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from ratchet.core.orders import OrderStatus, OrderType, Side, TimeInForce


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


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """An order to be sent; the client_order_id is what makes sending it twice harmless."""

    client_order_id: str
    symbol: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    qty: Decimal
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class BrokerOrder:
    """An order as the venue reports it; times are ns since the epoch, UTC."""

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


@dataclass(frozen=True, slots=True)
class BrokerFill:
    """One execution; cum_qty is the order's filled quantity after it, which names it within the order."""

    execution_id: str
    broker_order_id: str
    client_order_id: str
    symbol: str
    side: Side
    qty: Decimal
    price: Decimal
    cum_qty: Decimal
    ts: int


@dataclass(frozen=True, slots=True)
class TradeUpdate:
    """One event of an order; sequence numbers the venue's updates from 1 where it does so, else 0."""

    event: str
    ts: int
    order: BrokerOrder
    fill: BrokerFill | None = None
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class BrokerPosition:
    """A position as the venue reports it; qty is signed."""

    symbol: str
    qty: Decimal
    avg_entry_price: Decimal


@dataclass(frozen=True, slots=True)
class BrokerAccount:
    """Money of the account, in its currency."""

    account_number: str
    cash: Decimal
    equity: Decimal
    trading_blocked: bool


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


class UpdateStream(Protocol):
    """The venue's stream of trade updates; `connected` says whether updates can arrive now.

    `on_change` is called with it when the connection comes or goes: updates in between are lost.
    """

    connected: bool
    on_change: Callable[[bool], None]

    def start(self, handler: Callable[[TradeUpdate], None]) -> None:
        """Start to deliver updates to the handler, in a thread, with reconnection."""
        ...

    def stop(self) -> None:
        """Stop the thread."""
        ...
