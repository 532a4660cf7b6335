"""What an option order may look like: contract, quantity, type, time, price and intent."""

from dataclasses import dataclass
from decimal import Decimal

from ratchet.core.exchange import errors
from ratchet.core.exchange.options.requests import LegRequest, OptionOrderRequest
from ratchet.core.exchange.venue import Venue
from ratchet.core.options.contract import OptionContract
from ratchet.core.options.errors import OptionReason, OptionRefused
from ratchet.core.options.expiry import accepts_opening
from ratchet.core.options.intents import PositionIntent, resolve_intent
from ratchet.core.options.packages import PackageLeg, check_legs
from ratchet.core.options.ticks import NET_PRICE_INCREMENT, is_on_tick
from ratchet.core.orders.money import canonical, is_multiple
from ratchet.core.orders.types import OrderType, Side, TimeInForce
from ratchet.core.sessions import NEW_YORK, get_calendar

MAX_CLIENT_ORDER_ID = 128
_SIDE_OF_INTENT = {intent: intent.side for intent in PositionIntent}


@dataclass(frozen=True, slots=True)
class Terms:
    """A request that has the right shape: whole units of one or more legs of one underlying."""

    legs: tuple[PackageLeg, ...]
    qty: int
    is_package: bool

    @property
    def changes(self) -> list[tuple[OptionContract, int]]:
        """Contracts that the whole order adds, signed."""
        return [(leg.contract, leg.signed_ratio * self.qty) for leg in self.legs]


def refused(refusal: OptionRefused) -> errors.OrderRejected:
    """Return a refusal in the venue's codes."""
    kinds = {
        OptionReason.FIELD_INVALID: errors.invalid,
        OptionReason.POSITION_UNKNOWN: errors.forbidden,
        OptionReason.POSITION_SHORT: errors.short_position,
    }
    return kinds.get(refusal.reason, errors.unprocessable)(refusal.message)


def read_terms(venue: Venue, request: OptionOrderRequest, ts: int) -> Terms:
    """Return what a request asks for; OrderRejected names what is wrong with it."""
    _check_shape(request, ts)
    qty = _whole_qty(request)
    wanted = request.legs or (LegRequest(request.symbol, Decimal(1), request.side, request.intent),)
    try:
        legs = tuple(_leg(venue, leg, number, request, ts) for number, leg in enumerate(wanted))
        if request.legs:
            check_legs(legs)
    except OptionRefused as refusal:
        raise refused(refusal) from None
    _check_limit(venue, request, legs)
    return Terms(legs, qty, bool(request.legs))


def _check_shape(request: OptionOrderRequest, ts: int) -> None:
    if not 0 < len(request.client_order_id) <= MAX_CLIENT_ORDER_ID:
        raise errors.invalid(f"client_order_id must be 1 to {MAX_CLIENT_ORDER_ID} characters")
    if request.notional is not None:
        raise errors.unprocessable("notional orders are not supported for options trading")
    if request.extended_hours:
        raise errors.unprocessable("extended hours is not supported for options trading")
    if request.type not in {OrderType.MARKET, OrderType.LIMIT}:
        raise errors.unprocessable(f"invalid order type for options trading: {request.type}")
    if request.time_in_force is not TimeInForce.DAY:
        raise errors.unprocessable("order_time_in_force provided not supported for options trading")
    if request.stop_price is not None:
        raise errors.invalid(f"{request.type} orders must not have stop_price")
    if request.type is OrderType.LIMIT and request.limit_price is None:
        raise errors.unprocessable("limit price is required for limit orders")
    if request.type is OrderType.MARKET and request.limit_price is not None:
        raise errors.invalid("market orders must not have limit_price")
    if request.type is OrderType.MARKET and not get_calendar(NEW_YORK).is_open(ts):
        raise errors.unprocessable("options market orders are only allowed during market hours")


def _whole_qty(request: OptionOrderRequest) -> int:
    if request.qty is None:
        raise errors.invalid("qty is required")
    if request.qty <= 0:
        raise errors.invalid("qty must be > 0")
    if request.qty != request.qty.to_integral_value():
        raise errors.unprocessable("qty must be integer for options trading")
    return int(request.qty)


def _leg(venue: Venue, leg: LegRequest, number: int, request: OptionOrderRequest, ts: int) -> PackageLeg:
    contract = find_contract(venue, leg.symbol, ts)
    if leg.ratio_qty != leg.ratio_qty.to_integral_value():
        raise errors.invalid(f"leg.{number} ratio_qty {canonical(leg.ratio_qty)} must be a positive integer")
    if request.legs and leg.intent is None and leg.side is None:
        raise errors.unprocessable(f"leg.{number} position intent is required")
    side = leg.side or (_SIDE_OF_INTENT[leg.intent] if leg.intent is not None else None)
    if side is None:
        raise errors.invalid("side is required")
    intent = resolve_intent(side, _held(venue, contract), leg.intent)
    if intent.is_opening and not accepts_opening(venue.options.config.settlement, contract, ts):
        raise errors.unprocessable(f"contract {contract.symbol} expires soon, unable to open new positions")
    return PackageLeg(contract, int(leg.ratio_qty), intent)


def find_contract(venue: Venue, symbol: str, ts: int) -> OptionContract:
    """Return the contract of a symbol that trades at ts; OrderRejected if there is none."""
    contract = venue.options.find(symbol, ts)
    if contract is None:
        raise errors.unprocessable(f"option contract {symbol} not found")
    if venue.options.is_expired(contract, ts):
        raise errors.unprocessable(f"option contract {symbol} is expired")
    return contract


def _held(venue: Venue, contract: OptionContract) -> int:
    asset_id = venue.options.id_of(contract.symbol)
    return 0 if asset_id is None else int(venue.position(asset_id).qty)


def _check_limit(venue: Venue, request: OptionOrderRequest, legs: tuple[PackageLeg, ...]) -> None:
    price = request.limit_price
    if price is None:
        return
    if not request.legs and price <= 0:
        raise errors.invalid("limit_price must be > 0")
    ticks, name = venue.options.config.ticks, legs[0].contract.underlying
    allowed = is_multiple(price, NET_PRICE_INCREMENT) if request.legs else is_on_tick(ticks, name, price)
    if not allowed:
        raise errors.unprocessable(
            f"invalid limit_price {canonical(price)}. "
            "sub-penny increment does not fulfill minimum pricing criteria"
        )


def side_of(legs: tuple[PackageLeg, ...]) -> Side:
    """Return the side under which an order is kept: its leg's, or buy for a package."""
    return legs[0].side if len(legs) == 1 else Side.BUY
