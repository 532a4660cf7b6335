"""Whether the account can bear an order: what it opens or closes, the money for it, its own other orders."""

from dataclasses import replace
from decimal import Decimal

from ratchet.core.assets.types import Asset, AssetClass
from ratchet.core.exchange import errors
from ratchet.core.exchange.config import EQUITIES, ExchangeConfig
from ratchet.core.exchange.margin import MarginPolicy, policy_on, reserve_rate
from ratchet.core.exchange.margin.policy import MINIMUM_EQUITY
from ratchet.core.exchange.shape import exits_long, is_whole
from ratchet.core.exchange.types import ExchangeOrder, OrderClass, OrderRequest
from ratchet.core.exchange.venue import Venue
from ratchet.core.orders.money import ZERO, canonical, notional
from ratchet.core.orders.types import OrderType, Side

_PENNY = Decimal("0.01")
# Alpaca values a short sale three per cent above the ask.
_SHORT_BUFFER = Decimal("1.03")


def policy_of(venue: Venue) -> MarginPolicy:
    """Return the margin rule in force."""
    return policy_on(venue.config, venue.margin.day)


def is_closing(venue: Venue, request: OrderRequest, asset: Asset) -> bool:
    """Say whether an order reduces a position; without one only equities on margin can be sold short."""
    held = venue.position(asset.id).qty
    if held:
        return (held > 0) is (request.side is Side.SELL)
    can_short = asset.asset_class in EQUITIES and policy_of(venue).allows_shorts
    return request.side is Side.SELL and not can_short


def unit_reserve(venue: Venue, request: OrderRequest, asset: Asset) -> Decimal:
    """Return the price at which an order reserves buying power; market and stop orders add a buffer."""
    if request.limit_price is not None and (request.side is Side.BUY or venue.position(asset.id).qty > 0):
        return request.limit_price
    mark = venue.mark_price(asset.id)
    if mark is None:
        raise errors.unprocessable(f"market price of {asset.symbol} is not available")
    if request.side is Side.SELL and venue.position(asset.id).qty <= 0:
        ask = mark * (1 + venue.config.half_spread(asset.asset_class))
        return max(request.limit_price or ZERO, ask * _SHORT_BUFFER)
    return max(mark, request.stop_price or mark) * (1 + venue.config.market_order_buffer)


def with_intent(venue: Venue, order: ExchangeOrder, request: OrderRequest, asset: Asset) -> ExchangeOrder:
    """Return the order with what it does to the position and the rate at which it reserves margin."""
    closing = is_closing(venue, request, asset)
    if closing:
        return replace(order, closing=True)
    leverage = policy_of(venue).multiplier(venue)
    price = order.limit_price or venue.mark_price(asset.id) or order.unit_reserve
    return replace(order, closing=False, reserve_rate=reserve_rate(asset, order.side, price, leverage))


def check_account(venue: Venue, order: ExchangeOrder, asset: Asset) -> None:
    """Raise OrderRejected for a new order that the account cannot bear."""
    if order.order_class is OrderClass.OCO and not order.is_closing:
        raise errors.unprocessable("oco orders must be exit orders")
    if order.order_class in {OrderClass.BRACKET, OrderClass.OTO} and order.is_closing:
        raise errors.unprocessable(f"{order.order_class} orders must be entry orders")
    if not venue.settings.fractional_trading and asset.asset_class in EQUITIES and not is_whole(order.qty):
        raise errors.forbidden("fractional trading is not enabled for this account")
    if order.is_closing:
        policy_of(venue).check_closing(venue, order)
    else:
        _check_opening(venue, order, asset)
    check_funds(venue, order, asset)
    check_minimum(venue, order, asset)
    check_wash_trade(venue, order)


def _check_opening(venue: Venue, order: ExchangeOrder, asset: Asset) -> None:
    policy_of(venue).check_opening(venue)
    if order.side is Side.SELL:
        _check_short(venue, order, asset)
    for other in venue.book.working(asset.id):
        if other.is_closing or other.side is order.side:
            continue
        if order.side is Side.SELL:
            raise errors.forbidden("cannot open a short sell while a long buy order is open")
        raise errors.forbidden("cannot open a long buy while a short sell order is open")


def _check_short(venue: Venue, order: ExchangeOrder, asset: Asset) -> None:
    if venue.settings.no_shorting or venue.equity < MINIMUM_EQUITY:
        raise errors.forbidden("account is not allowed to short")
    if not asset.shortable:
        raise errors.unprocessable(f'asset "{asset.symbol}" cannot be sold short')
    if not is_whole(order.qty):
        raise errors.unprocessable("fractional orders cannot be sold short")


def buying_power(venue: Venue) -> Decimal:
    """Return the value of new positions that the account can open, as Alpaca states it."""
    policy = policy_of(venue)
    return max(policy.free_margin(venue) * policy.multiplier(venue), ZERO)


def check_funds(
    venue: Venue, order: ExchangeOrder, asset: Asset, replaced: ExchangeOrder | None = None
) -> None:
    """Raise OrderRejected when an opening order exceeds the money, or a closing one what is held.

    `replaced` is the order in whose place it comes: what that one holds back counts as free.
    """
    if order.is_closing:
        _check_closable(venue, order, asset, replaced)
    elif asset.asset_class is AssetClass.CRYPTO:
        funds = max(policy_of(venue).non_marginable(venue, replaced), ZERO)
        if order.reserve > funds:
            raise errors.insufficient_balance("USD", order.reserve, funds)
    else:
        _check_margin(venue, order, replaced)


def _check_margin(venue: Venue, order: ExchangeOrder, replaced: ExchangeOrder | None) -> None:
    given_back = ZERO if replaced is None else replaced.reserve
    paid_in_full = order.side is Side.BUY and not venue.has_shorts
    if paid_in_full and order.reserve <= venue.cash - venue.book.reserved + given_back:
        return
    free = max(policy_of(venue).free_margin(venue, replaced), ZERO)
    if order.margin_reserve > free:
        raise errors.insufficient_buying_power(_cents(free / order.reserve_rate), order.reserve)


def _cents(value: Decimal) -> Decimal:
    return value.quantize(_PENNY)


def _check_closable(venue: Venue, order: ExchangeOrder, asset: Asset, replaced: ExchangeOrder | None) -> None:
    wanted = order.remaining_qty if order.qty is not None else _sold_qty(venue, order, asset)
    available = venue.available_qty(asset.id)
    if replaced is not None and replaced.is_closing and replaced.is_working:
        available += replaced.remaining_qty
    if wanted <= available:
        return
    held = abs(venue.position(asset.id).qty)
    if asset.asset_class is AssetClass.CRYPTO:
        raise errors.insufficient_balance(asset.symbol.split("/")[0], wanted, available)
    raise errors.insufficient_qty(asset.symbol, wanted, held, held - available)


def _sold_qty(venue: Venue, order: ExchangeOrder, asset: Asset) -> Decimal:
    mark = venue.mark_price(asset.id)
    if mark is None:
        raise errors.unprocessable(f"market price of {asset.symbol} is not available")
    return (order.notional or ZERO) / mark


def check_minimum(venue: Venue, order: ExchangeOrder, asset: Asset) -> None:
    """Raise OrderRejected for an order that is too small, unless it closes the whole position."""
    if order.is_closing and order.qty == abs(venue.position(asset.id).qty):
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
    return config.min_notional_equity if asset.asset_class in EQUITIES else ZERO


def check_wash_trade(venue: Venue, order: ExchangeOrder) -> None:
    """Raise OrderRejected for an order that could trade with a resting order of the account.

    Members of a group and trailing stops are exempt.
    """
    if not _can_wash(order):
        return
    for other in venue.book.working(order.asset_id):
        if other.side is order.side or not _can_wash(other):
            continue
        if order.limit_price is None or other.limit_price is None:
            raise errors.wash_trade(other.id, "market/stop")
        buy, sell = (order, other) if order.side is Side.BUY else (other, order)
        if (buy.limit_price or ZERO) >= (sell.limit_price or ZERO):
            raise errors.wash_trade(other.id, "limit")


def _can_wash(order: ExchangeOrder) -> bool:
    return order.order_class is OrderClass.SIMPLE and order.type is not OrderType.TRAILING_STOP


def check_bracket(venue: Venue, request: OrderRequest, asset: Asset) -> None:
    """Raise OrderRejected when the protective stop would trigger at once."""
    if request.stop_loss is None:
        return
    base = request.limit_price or request.stop_price or venue.mark_price(asset.id)
    if base is None:
        return
    stop = request.stop_loss.stop_price
    if exits_long(request) and stop > base - _PENNY:
        raise errors.unprocessable("stop_loss.stop_price must be <= base_price - 0.01")
    if not exits_long(request) and stop < base + _PENNY:
        raise errors.unprocessable("stop_loss.stop_price must be >= base_price + 0.01")
