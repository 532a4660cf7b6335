"""Whether and at what price an order matches a bar. Pure functions of the order and the bar.

The path inside a bar is unknown, so each rule takes the reading that flatters the strategy least: a stop and
a target that are both touched in one bar fill the stop; a limit needs the price to trade through it (or to
touch it, as configured); a gap past a stop fills at the open.
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from ratchet.core.exchange.config import SlippageConfig
from ratchet.core.exchange.types import ExchangeOrder
from ratchet.core.orders.types import OrderType, Side, TimeInForce

_BPS = 10_000
_LIMITED = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar in exact numbers; volume None means that the market reports none."""

    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal | None


@dataclass(frozen=True, slots=True)
class Match:
    """A possible execution: `reference` before costs, `limit` the worst price allowed.

    `takes` says that it takes liquidity, so that it pays spread and impact.
    """

    at_open: bool
    reference: Decimal
    limit: Decimal | None
    takes: bool

    def rank(self, order: ExchangeOrder) -> tuple[int, int, Decimal, int]:
        """Return the priority: at the open first, then stops before limits, then price, then time."""
        price = Decimal(0) if self.limit is None else -order.side.sign * self.limit
        return (not self.at_open, self.limit is not None, price, order.seq)


def find_match(order: ExchangeOrder, bar: Bar, half_spread: Decimal, touch: bool) -> Match | None:
    """Return how the order can match this bar, or None; a stop must have been triggered already."""
    if order.type not in _LIMITED:
        return Match(True, bar.open, None, takes=True)
    limit = _limit_of(order)
    if _within(order.side, quote(order.side, bar.open, half_spread), limit):
        return Match(True, bar.open, limit, takes=not order.rested)
    if _reaches(order.side, bar, limit, touch):
        return Match(False, limit, limit, takes=False)
    return None


def find_trigger(order: ExchangeOrder, bar: Bar, half_spread: Decimal) -> tuple[bool, Match | None]:
    """Say whether a resting stop is triggered by this bar, and how it matches at once if it does."""
    stop = order.stop_price
    if stop is None:
        raise ValueError(f"order {order.client_order_id} of type {order.type} has no stop_price")
    buys = order.side is Side.BUY
    if bar.open >= stop if buys else bar.open <= stop:
        return True, _after_trigger(order, bar, bar.open, half_spread, at_open=True)
    if bar.high >= stop if buys else bar.low <= stop:
        return True, _after_trigger(order, bar, stop, half_spread, at_open=False)
    return False, None


def find_auction(order: ExchangeOrder, bar: Bar) -> Match | None:
    """Return how an order meets its auction: everybody trades at the one price of the open or the close."""
    opens = order.time_in_force is TimeInForce.OPG
    price = bar.open if opens else bar.close
    if order.limit_price is None:
        return Match(opens, price, None, takes=False)
    if _within(order.side, price, order.limit_price):
        return Match(opens, price, order.limit_price, takes=False)
    return None


def _after_trigger(
    order: ExchangeOrder, bar: Bar, price: Decimal, half_spread: Decimal, at_open: bool
) -> Match | None:
    if order.type is OrderType.STOP:
        return Match(at_open, price, None, takes=True)
    limit = _limit_of(order)
    if _within(order.side, quote(order.side, price, half_spread), limit):
        return Match(at_open, price, limit, takes=True)
    # Triggered at the open beyond its limit, it rests for the remainder of the bar, whose range is known.
    if at_open and _reaches(order.side, bar, limit, touch=False):
        return Match(False, limit, limit, takes=False)
    return None


def _limit_of(order: ExchangeOrder) -> Decimal:
    if order.limit_price is None:
        raise ValueError(f"order {order.client_order_id} of type {order.type} has no limit_price")
    return order.limit_price


def _within(side: Side, price: Decimal, limit: Decimal) -> bool:
    return price <= limit if side is Side.BUY else price >= limit


def _reaches(side: Side, bar: Bar, limit: Decimal, touch: bool) -> bool:
    if side is Side.BUY:
        return bar.low < limit or (touch and bar.low == limit)
    return bar.high > limit or (touch and bar.high == limit)


def quote(side: Side, price: Decimal, cost_ratio: Decimal) -> Decimal:
    """Return the price moved against the trader by a fraction."""
    return price * (1 + side.sign * cost_ratio)


def impact_ratio(config: SlippageConfig, qty: Decimal, volume: Decimal | None) -> Decimal:
    """Return market impact as a fraction of the price, by the square-root law."""
    if volume is None:
        return config.unreported_volume_impact_bps / _BPS
    if not config.impact_bps_at_full_volume or not volume:
        return Decimal(0)
    return config.impact_bps_at_full_volume * (qty / volume).sqrt() / _BPS


def fill_price(match: Match, side: Side, cost_ratio: Decimal, tick: Decimal) -> Decimal:
    """Return the price with costs, rounded to the tick against the trader, never past the limit."""
    costs = cost_ratio if match.takes else Decimal(0)
    price = round_against(side, quote(side, match.reference, costs), tick)
    if match.limit is None:
        return price
    return min(price, match.limit) if side is Side.BUY else max(price, match.limit)


def round_against(side: Side, price: Decimal, tick: Decimal) -> Decimal:
    """Round up for a buyer and down for a seller, to at least one tick."""
    rounding = ROUND_CEILING if side is Side.BUY else ROUND_FLOOR
    return max((price / tick).to_integral_value(rounding), Decimal(1)) * tick
