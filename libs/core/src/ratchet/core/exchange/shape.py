"""What an order may look like, before anybody asks whether the account can bear it."""

from decimal import Decimal

from ratchet.core.assets.types import Asset, AssetClass
from ratchet.core.exchange import errors
from ratchet.core.exchange.config import EQUITIES
from ratchet.core.exchange.types import OrderClass, OrderRequest
from ratchet.core.orders.money import canonical, floor_to, is_multiple
from ratchet.core.orders.types import OrderType, Side, TimeInForce

_SUB_DOLLAR_TICK = Decimal("0.0001")
_LIMITED = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})
_STOPPED = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})
_LASTING = frozenset({TimeInForce.DAY, TimeInForce.GTC})
AUCTIONS = frozenset({TimeInForce.OPG, TimeInForce.CLS})
MAX_CLIENT_ORDER_ID = 128


def tick_of(asset: Asset, price: Decimal) -> Decimal:
    """Return the price increment at a price: equities below a dollar move by hundredths of a cent."""
    if asset.asset_class in EQUITIES and price < 1:
        return min(asset.price_increment, _SUB_DOLLAR_TICK)
    return asset.price_increment


def check_shape(request: OrderRequest, asset: Asset) -> None:
    """Raise OrderRejected for an order that its own rules do not allow."""
    if not 0 < len(request.client_order_id) <= MAX_CLIENT_ORDER_ID:
        raise errors.invalid(f"client_order_id must be 1 to {MAX_CLIENT_ORDER_ID} characters")
    if asset.rules.get("tradable", True) is False:
        raise errors.unprocessable(f'asset "{asset.symbol}" is not tradable')
    if (request.qty is None) == (request.notional is None):
        raise errors.invalid("exactly one of qty and notional is required")
    amount = request.qty if request.qty is not None else request.notional
    if amount is not None and amount <= 0:
        raise errors.invalid(f"{'qty' if request.qty is not None else 'notional'} must be > 0")
    _check_prices(request, asset)
    _check_trail(request)
    check_terms(request, asset)
    _check_class(request)


def check_terms(request: OrderRequest, asset: Asset) -> None:
    """Raise OrderRejected for a combination of type, quantity, time in force and hours that is not traded."""
    if asset.asset_class is AssetClass.CRYPTO:
        _check_crypto(request)
    elif asset.asset_class in EQUITIES:
        _check_equity(request, asset)
    if request.extended_hours and request.type is not OrderType.LIMIT:
        raise errors.invalid("only limit orders are allowed during extended hours")
    if request.extended_hours and request.time_in_force not in _LASTING and asset.asset_class in EQUITIES:
        raise errors.unprocessable("extended hours orders must be DAY or GTC limit orders")
    _check_auction(request, asset)


def _check_prices(request: OrderRequest, asset: Asset) -> None:
    for name, value, needed in (
        ("limit_price", request.limit_price, request.type in _LIMITED),
        ("stop_price", request.stop_price, request.type in _STOPPED),
    ):
        if needed and value is None:
            raise errors.invalid(f"{request.type} orders require {name}")
        if not needed and value is not None:
            raise errors.invalid(f"{request.type} orders must not have {name}")
        check_price(asset, name, value)
    check_price(asset, "take_profit.limit_price", request.take_profit)
    if request.stop_loss is not None:
        check_price(asset, "stop_loss.stop_price", request.stop_loss.stop_price)
        check_price(asset, "stop_loss.limit_price", request.stop_loss.limit_price)


def check_price(asset: Asset, name: str, price: Decimal | None) -> None:
    """Raise OrderRejected for a price that is not positive or finer than the asset's increment."""
    if price is None:
        return
    if price <= 0:
        raise errors.invalid(f"{name} must be > 0")
    if not is_multiple(price, tick_of(asset, price)):
        raise errors.unprocessable(
            f"invalid {name} {canonical(price)}. "
            "sub-penny increment does not fulfill minimum pricing criteria"
        )


def _check_trail(request: OrderRequest) -> None:
    given = (request.trail_price is not None) + (request.trail_percent is not None)
    if request.type is not OrderType.TRAILING_STOP:
        if given:
            raise errors.invalid(f"{request.type} orders must not have trail_price or trail_percent")
        return
    if given != 1:
        raise errors.invalid("trailing_stop orders require exactly one of trail_price and trail_percent")
    check_trail("trail_price", request.trail_price)
    check_trail("trail_percent", request.trail_percent, Decimal(100))
    if request.order_class is not OrderClass.SIMPLE:
        raise errors.unprocessable("trailing stop orders must be simple orders")
    if request.time_in_force not in _LASTING:
        raise errors.unprocessable("trailing stop orders must be DAY or GTC orders")
    if request.extended_hours:
        raise errors.unprocessable("trailing stop orders are not allowed during extended hours")


def check_trail(name: str, value: Decimal | None, below: Decimal | None = None) -> None:
    """Raise OrderRejected for a trail that is not positive, or not below a bound."""
    if value is not None and (value <= 0 or (below is not None and value >= below)):
        bound = "" if below is None else f" and < {below}"
        raise errors.invalid(f"{name} must be > 0{bound}")


def _check_crypto(request: OrderRequest) -> None:
    if request.type in {OrderType.STOP, OrderType.TRAILING_STOP}:
        raise errors.unprocessable("invalid order type for crypto order")
    if request.time_in_force not in {TimeInForce.GTC, TimeInForce.IOC}:
        raise errors.unprocessable("invalid crypto time_in_force")
    if request.order_class is not OrderClass.SIMPLE:
        raise errors.unprocessable("crypto orders must be simple orders")


def _check_equity(request: OrderRequest, asset: Asset) -> None:
    if is_whole(request.qty):
        return
    if request.order_class is not OrderClass.SIMPLE:
        raise errors.unprocessable("fractional orders must be simple orders")
    if request.time_in_force is not TimeInForce.DAY:
        raise errors.unprocessable("fractional orders must be DAY orders")
    if request.type is OrderType.TRAILING_STOP:
        raise errors.unprocessable("fractional orders must be market, limit, stop or stop_limit orders")
    if asset.qty_increment >= 1:
        raise errors.forbidden(f'asset "{asset.symbol}" is not fractionable')
    if request.qty is not None and not is_multiple(request.qty, asset.qty_increment):
        raise errors.unprocessable(f"qty must be a multiple of {canonical(asset.qty_increment)}")


def is_whole(qty: Decimal | None) -> bool:
    """Say whether a quantity is one of whole units; a notional order's is not."""
    return qty is not None and qty == qty.to_integral_value()


def _check_auction(request: OrderRequest, asset: Asset) -> None:
    tif = request.time_in_force
    if tif not in AUCTIONS:
        return
    if asset.asset_class not in EQUITIES:
        raise errors.unprocessable(f"{tif} orders are allowed for equities only")
    if request.type not in {OrderType.MARKET, OrderType.LIMIT}:
        raise errors.unprocessable(f"{tif} orders must be market or limit orders")


def _check_class(request: OrderRequest) -> None:
    legs = (request.take_profit is not None) + (request.stop_loss is not None)
    wanted = {OrderClass.SIMPLE: 0, OrderClass.OTO: 1}.get(request.order_class, 2)
    if legs != wanted:
        raise errors.invalid(f"{request.order_class} orders require {wanted} of take_profit and stop_loss")
    if request.order_class is OrderClass.SIMPLE:
        return
    if request.time_in_force not in _LASTING or request.extended_hours:
        raise errors.unprocessable(f"{request.order_class} orders must be DAY or GTC in regular hours")
    if request.order_class is OrderClass.OCO:
        _check_oco(request)
    if request.take_profit is not None and request.stop_loss is not None:
        _check_sides(request.take_profit, request.stop_loss.stop_price, exits_long(request))


def exits_long(request: OrderRequest) -> bool:
    """Say whether the exits of a group leave a long position: those of a buy, or an OCO that sells."""
    return (request.side is Side.BUY) is not (request.order_class is OrderClass.OCO)


def _check_sides(target: Decimal, stop: Decimal, long: bool) -> None:
    if target <= stop if long else target >= stop:
        word = ">" if long else "<"
        raise errors.unprocessable(f"take_profit.limit_price must be {word} stop_loss.stop_price")


def _check_oco(request: OrderRequest) -> None:
    if request.type is not OrderType.LIMIT:
        raise errors.unprocessable("oco orders must be limit orders")
    if request.limit_price != request.take_profit:
        raise errors.unprocessable("limit_price of an oco order must equal take_profit.limit_price")


def normalized_qty(request: OrderRequest, asset: Asset) -> Decimal | None:
    """Return the quantity that the venue works with: crypto is cut silently to the increment."""
    if request.qty is None:
        return None
    if asset.asset_class in EQUITIES:
        return request.qty
    qty = floor_to(request.qty, asset.qty_increment)
    if qty <= 0:
        raise errors.unprocessable(f"qty must be >= {canonical(asset.qty_increment)}")
    return qty
