"""The vocabulary of orders. Money and quantities are Decimal."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Side(StrEnum):
    """Direction of an order or fill."""

    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        """Return 1 for a buy, -1 for a sell."""
        return 1 if self is Side.BUY else -1


class OrderType(StrEnum):
    """How an order is priced."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TRAILING_STOP = "trailing_stop"


class TimeInForce(StrEnum):
    """How long an order works; OPG and CLS take part in the opening and closing auction only."""

    DAY = "day"
    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    OPG = "opg"
    CLS = "cls"


class Intent(StrEnum):
    """Why an order exists: entries add risk, exits reduce it, external ones were made outside Ratchet."""

    ENTRY = "entry"
    EXIT = "exit"
    EXTERNAL = "external"


class OrderStatus(StrEnum):
    """States of an order as Ratchet knows it.

    UNKNOWN: a write was sent and has no answer, or the venue's word for the state is not one that we know.
    HELD waits for another order (a leg of a bracket); SUSPENDED is not eligible for trading at the venue now.
    """

    PENDING_NEW = "pending_new"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    HELD = "held"
    SUSPENDED = "suspended"
    PARTIALLY_FILLED = "partially_filled"
    PENDING_CANCEL = "pending_cancel"
    PENDING_REPLACE = "pending_replace"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    REPLACED = "replaced"


class Write(StrEnum):
    """What was asked of a venue about an order; NONE when nothing is outstanding.

    STATUS is no write: the venue was heard, but its word for the order's state is not known here.
    """

    NONE = ""
    SUBMIT = "submit"
    CANCEL = "cancel"
    REPLACE = "replace"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution. Fee is in the quote currency unless fee_in_base, then in units of the asset.

    `pl` is the profit in the account currency that a venue has settled which takes margin, else None.
    """

    execution_id: str
    client_order_id: str
    asset_id: int
    side: Side
    qty: Decimal
    price: Decimal
    ts: int
    fee: Decimal = Decimal(0)
    fee_in_base: bool = False
    pl: Decimal | None = None
