"""Trailing stops: the stop follows the best price seen at a fixed distance and never goes back."""

from dataclasses import dataclass
from decimal import Decimal

from ratchet.core.assets.types import Asset
from ratchet.core.exchange.matching import Bar, round_against
from ratchet.core.exchange.shape import tick_of
from ratchet.core.exchange.types import ExchangeOrder
from ratchet.core.orders.rows import evolve
from ratchet.core.orders.types import Side


@dataclass(frozen=True, slots=True)
class Trail:
    """What a bar or quote did: the order with its new mark, and the price that triggered it, if any."""

    order: ExchangeOrder
    trigger: Decimal | None = None
    at_open: bool = False


def stop_of(
    side: Side, hwm: Decimal, trail_price: Decimal | None, trail_percent: Decimal | None, asset: Asset
) -> Decimal:
    """Return the stop that belongs to a best price; rounded away from the market, at least one tick."""
    distance = trail_price if trail_price is not None else hwm * (trail_percent or Decimal(0)) / 100
    stop = hwm + side.sign * distance
    return round_against(side, stop, tick_of(asset, stop))


def follow(order: ExchangeOrder, best: Decimal, asset: Asset) -> ExchangeOrder:
    """Return the order after the market has been at `best`; its mark only ever improves."""
    hwm = order.hwm
    if hwm is not None and (best <= hwm if order.side is Side.SELL else best >= hwm):
        return order
    stop = stop_of(order.side, best, order.trail_price, order.trail_percent, asset)
    return evolve(order, hwm=best, stop_price=stop)


def on_bar(order: ExchangeOrder, bar: Bar, asset: Asset) -> Trail:
    """Follow a bar, whose path inside is unknown.

    The open moves the mark first. A bar that reaches the stop as it then stands triggers it, since the low
    may have come before the high. Otherwise the bar's extreme moves the mark; a close beyond the new stop
    proves that the price fell back through it.
    """
    sells = order.side is Side.SELL
    stop = order.stop_price
    if stop is not None and _beyond(sells, bar.open, stop):
        return Trail(order, bar.open, at_open=True)
    order = follow(order, bar.open, asset)
    if order.stop_price is not None and _beyond(sells, bar.low if sells else bar.high, order.stop_price):
        return Trail(order, order.stop_price)
    order = follow(order, bar.high if sells else bar.low, asset)
    if order.stop_price is not None and _beyond(sells, bar.close, order.stop_price):
        return Trail(order, order.stop_price)
    return Trail(order)


def on_price(order: ExchangeOrder, price: Decimal, asset: Asset) -> Trail:
    """Follow one traded price."""
    if order.stop_price is not None and _beyond(order.side is Side.SELL, price, order.stop_price):
        return Trail(order, price)
    return Trail(follow(order, price, asset))


def _beyond(sells: bool, price: Decimal, stop: Decimal) -> bool:
    return price <= stop if sells else price >= stop
