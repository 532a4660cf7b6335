"""What Alpaca checks before it takes an order: first its shape, then whether the account can bear it."""

from decimal import Decimal

from ratchet.core.assets.types import Asset, AssetClass
from ratchet.core.exchange import errors
from ratchet.core.exchange.config import EQUITIES, ExchangeConfig
from ratchet.core.exchange.types import ExchangeOrder, OrderClass, OrderRequest
from ratchet.core.exchange.venue import Venue
from ratchet.core.orders.money import canonical, floor_to, is_multiple, notional
from ratchet.core.orders.types import OrderType, Side, TimeInForce

_PENNY = Decimal("0.01")
_SUB_DOLLAR_TICK = Decimal("0.0001")
_LIMITED = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})
_STOPPED = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})
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
    if (request.qty is None) == (request.notional is None):
        raise errors.invalid("exactly one of qty and notional is required")
    amount = request.qty if request.qty is not None else request.notional
    if amount is not None and amount <= 0:
        raise errors.invalid(f"{'qty' if request.qty is not None else 'notional'} must be > 0")
    _check_prices(request, asset)
    if asset.asset_class is AssetClass.CRYPTO:
        _check_crypto(request)
    elif asset.asset_class in EQUITIES:
        _check_equity(request, asset)
    if request.extended_hours and request.type is not OrderType.LIMIT:
        raise errors.invalid("only limit orders are allowed during extended hours")
    _check_class(request)


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


def _check_crypto(request: OrderRequest) -> None:
    if request.type is OrderType.STOP:
        raise errors.unprocessable("invalid order type for crypto order")
    if request.time_in_force not in {TimeInForce.GTC, TimeInForce.IOC}:
        raise errors.unprocessable("invalid crypto time_in_force")
    if request.order_class is not OrderClass.SIMPLE:
        raise errors.unprocessable("crypto orders must be simple orders")


def _check_equity(request: OrderRequest, asset: Asset) -> None:
    whole = request.qty is not None and request.qty == request.qty.to_integral_value()
    if whole:
        return
    if request.order_class is not OrderClass.SIMPLE:
        raise errors.unprocessable("fractional orders must be simple orders")
    if request.time_in_force is not TimeInForce.DAY:
        raise errors.unprocessable("fractional orders must be DAY orders")
    if asset.qty_increment >= 1:
        raise errors.forbidden(f'asset "{asset.symbol}" is not fractionable')
    if request.qty is not None and not is_multiple(request.qty, asset.qty_increment):
        raise errors.unprocessable(f"qty must be a multiple of {canonical(asset.qty_increment)}")


def _check_class(request: OrderRequest) -> None:
    legs = (request.take_profit is not None) + (request.stop_loss is not None)
    wanted = {OrderClass.SIMPLE: 0, OrderClass.OTO: 1}.get(request.order_class, 2)
    if legs != wanted:
        raise errors.invalid(f"{request.order_class} orders require {wanted} of take_profit and stop_loss")
    if request.order_class is OrderClass.SIMPLE:
        return
    if request.time_in_force is TimeInForce.IOC or request.extended_hours:
        raise errors.unprocessable(f"{request.order_class} orders must be DAY or GTC in regular hours")
    if request.order_class is OrderClass.OCO:
        _check_oco(request)
    elif request.side is not Side.BUY:
        raise errors.unprocessable(f"{request.order_class} orders must be entry orders")
    if request.take_profit is not None and request.stop_loss is not None:
        low, high = request.stop_loss.stop_price, request.take_profit
        if high <= low:
            raise errors.unprocessable("take_profit.limit_price must be > stop_loss.stop_price")


def _check_oco(request: OrderRequest) -> None:
    if request.type is not OrderType.LIMIT:
        raise errors.unprocessable("oco orders must be limit orders")
    if request.side is not Side.SELL:
        raise errors.unprocessable("oco orders must be exit orders")
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


def unit_reserve(venue: Venue, request: OrderRequest, asset: Asset) -> Decimal:
    """Return the price at which an order reserves buying power; market and stop orders add a buffer."""
    if request.limit_price is not None:
        return request.limit_price
    mark = venue.mark_price(asset.id)
    if mark is None:
        raise errors.unprocessable(f"market price of {asset.symbol} is not available")
    return max(mark, request.stop_price or mark) * (1 + venue.config.market_order_buffer)


def check_account(venue: Venue, order: ExchangeOrder, asset: Asset) -> None:
    """Raise OrderRejected for a new order that the account cannot bear."""
    check_funds(venue, order, asset, buying_power(venue), venue.available_qty(asset.id))
    check_minimum(venue, order, asset)
    check_wash_trade(venue, order)


def buying_power(venue: Venue) -> Decimal:
    """Return the cash that no working buy has reserved."""
    return max(venue.cash - venue.book.reserved, Decimal(0))


def check_funds(venue: Venue, order: ExchangeOrder, asset: Asset, funds: Decimal, available: Decimal) -> None:
    """Raise OrderRejected when a buy exceeds `funds` or a sell exceeds the `available` quantity."""
    crypto = asset.asset_class is AssetClass.CRYPTO
    if order.side is Side.BUY:
        if order.reserve > funds and crypto:
            raise errors.insufficient_balance("USD", order.reserve, funds)
        if order.reserve > funds:
            raise errors.insufficient_buying_power(funds, order.reserve)
        return
    wanted = order.remaining_qty if order.qty is not None else _sold_qty(venue, order, asset)
    if wanted <= available:
        return
    held = venue.position(asset.id).qty
    if crypto:
        raise errors.insufficient_balance(asset.symbol.split("/")[0], wanted, available)
    raise errors.insufficient_qty(asset.symbol, wanted, held, held - available)


def _sold_qty(venue: Venue, order: ExchangeOrder, asset: Asset) -> Decimal:
    mark = venue.mark_price(asset.id)
    if mark is None:
        raise errors.unprocessable(f"market price of {asset.symbol} is not available")
    return (order.notional or Decimal(0)) / mark


def check_minimum(venue: Venue, order: ExchangeOrder, asset: Asset) -> None:
    """Raise OrderRejected for an order that is too small, unless it closes the whole position."""
    if order.side is Side.SELL and order.qty == venue.position(asset.id).qty:
        return
    minimum = max(asset.min_notional, _class_minimum(asset, venue.config))
    price = order.limit_price or venue.mark_price(asset.id) or order.unit_reserve
    basis = order.notional if order.qty is None else notional(order.qty, price)
    if basis is not None and basis < minimum:
        raise errors.forbidden(
            f"cost basis must be >= minimal amount of order {canonical(minimum)}", cost_basis=canonical(basis)
        )


def _class_minimum(asset: Asset, config: ExchangeConfig) -> Decimal:
    if asset.asset_class is AssetClass.CRYPTO:
        return config.min_notional_crypto
    return config.min_notional_equity if asset.asset_class in EQUITIES else Decimal(0)


def check_wash_trade(venue: Venue, order: ExchangeOrder) -> None:
    """Raise OrderRejected for a simple order that could trade with a resting simple order of the account."""
    if order.order_class is not OrderClass.SIMPLE:
        return
    for other in venue.book.working(order.asset_id):
        if other.side is order.side or other.order_class is not OrderClass.SIMPLE:
            continue
        if order.limit_price is None or other.limit_price is None:
            raise errors.wash_trade(other.id, "market/stop")
        buy, sell = (order, other) if order.side is Side.BUY else (other, order)
        if (buy.limit_price or Decimal(0)) >= (sell.limit_price or Decimal(0)):
            raise errors.wash_trade(other.id, "limit")


def check_bracket(venue: Venue, request: OrderRequest, asset: Asset) -> None:
    """Raise OrderRejected when the protective stop would trigger at once."""
    if request.stop_loss is None:
        return
    base = request.limit_price or request.stop_price or venue.mark_price(asset.id)
    if base is not None and request.stop_loss.stop_price > base - _PENNY:
        raise errors.unprocessable("stop_loss.stop_price must be <= base_price - 0.01")
