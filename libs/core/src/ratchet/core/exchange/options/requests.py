"""What a client asks for in options: one contract, or a package of two to four legs."""

from dataclasses import dataclass
from decimal import Decimal

from ratchet.core.options.intents import PositionIntent
from ratchet.core.orders.types import OrderType, Side, TimeInForce


@dataclass(frozen=True, slots=True)
class LegRequest:
    """One leg of a package; side and intent may each stand for the other, if one is missing."""

    symbol: str
    ratio_qty: Decimal
    side: Side | None = None
    intent: PositionIntent | None = None


@dataclass(frozen=True, slots=True)
class OptionOrderRequest:
    """An order in options.

    A simple order has symbol and side, a package has legs. `limit_price` is the premium, or the package's net
    price: positive for a debit, negative for a credit.
    """

    client_order_id: str
    qty: Decimal | None
    type: OrderType = OrderType.MARKET
    time_in_force: TimeInForce = TimeInForce.DAY
    symbol: str = ""
    side: Side | None = None
    intent: PositionIntent | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    notional: Decimal | None = None
    extended_hours: bool = False
    legs: tuple[LegRequest, ...] = ()
