"""Whether and at what price an order matches a bar: the exchange's rules, applied to the side that pays.

A buyer sees the bar half a spread higher and a seller half a spread lower, so a limit needs the price at
which it would fill to trade through it, and a stop the price at which it would fill to reach it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from ratchet.core.exchange.matching import Bar, Match, find_match, find_trigger, round_against
from ratchet.core.exchange.types import ExchangeOrder, ExchangeStatus, OrderClass
from ratchet.core.fx.config import FxConfig
from ratchet.core.fx.instruments import Instrument
from ratchet.core.fx.quotes import half_spread
from ratchet.core.fx.records import FxOrder
from ratchet.core.fx.types import OrderKind, TriggerCondition
from ratchet.core.orders.money import ZERO
from ratchet.core.orders.types import OrderType, Side, TimeInForce

_STOPS = frozenset({OrderKind.STOP, OrderKind.STOP_LOSS, OrderKind.TRAILING_STOP_LOSS})


@dataclass(frozen=True, slots=True)
class FxBar:
    """One bar of mid prices in exact numbers, of one instrument."""

    instrument: Instrument
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    half: Decimal

    def seen_by(self, side: Side) -> Bar:
        """Return the bar as the prices at which this side trades."""
        tick, shift = self.instrument.tick, side.sign * self.half
        opened, high, low, close = (
            round_against(side, price + shift, tick) for price in (self.open, self.high, self.low, self.close)
        )
        return Bar(open=opened, high=high, low=low, close=close, volume=None)

    def seen_as(self, condition: TriggerCondition, side: Side) -> Bar:
        """Return the bar as the prices that trigger an order of this side."""
        other = Side.SELL if side is Side.BUY else Side.BUY
        match condition:
            case TriggerCondition.DEFAULT:
                return self.seen_by(side)
            case TriggerCondition.INVERSE:
                return self.seen_by(other)
            case TriggerCondition.BID:
                return self.seen_by(Side.SELL)
            case TriggerCondition.ASK:
                return self.seen_by(Side.BUY)
            case TriggerCondition.MID:
                return Bar(self.open, self.high, self.low, self.close, volume=None)


@dataclass(frozen=True, slots=True)
class FxMatch:
    """A possible execution at a price before slippage, and its rank among those of one bar."""

    match: Match
    rank: tuple[int, int, Decimal, int]

    @property
    def at_open(self) -> bool:
        """Whether it happens at the bar's open."""
        return self.match.at_open


def make_bar(config: FxConfig, instrument: Instrument, prices: Sequence[Decimal]) -> FxBar:
    """Return a bar from open, high, low and close of the mid price."""
    opened, high, low, close = prices
    return FxBar(instrument, opened, high, low, close, half_spread(config, instrument))


def find(order: FxOrder, side: Side, bar: FxBar) -> FxMatch | None:
    """Return how an order of this side matches a bar, or None."""
    if order.kind is OrderKind.MARKET:
        view = _view(order, side, OrderType.MARKET)
        return _ranked(view, find_match(view, bar.seen_by(side), ZERO, touch=False))
    if is_stop(order, side):
        return _find_stop(order, side, bar)
    view = _view(order, side, OrderType.LIMIT, limit=order.price)
    return _ranked(view, find_match(view, bar.seen_by(side), ZERO, touch=False))


def is_stop(order: FxOrder, side: Side) -> bool:
    """Say whether the market must move against the trader to fill an order."""
    if order.kind is OrderKind.MARKET_IF_TOUCHED:
        return order.rises == (side is Side.BUY)
    return order.kind in _STOPS


def stop_level(order: FxOrder) -> Decimal:
    """Return the price that triggers a stop."""
    level = order.trailing_value if order.kind is OrderKind.TRAILING_STOP_LOSS else order.price
    if level is None:
        raise ValueError(f"order {order.id} of type {order.kind} has no price that triggers it")
    return level


def _find_stop(order: FxOrder, side: Side, bar: FxBar) -> FxMatch | None:
    view = _view(order, side, OrderType.STOP, stop=stop_level(order))
    trigger, paid = bar.seen_as(order.trigger, side), bar.seen_by(side)
    _, match = find_trigger(view, trigger, ZERO)
    if match is None:
        return None
    if match.at_open:
        return _ranked(view, replace(match, reference=paid.open))
    # What triggers and what pays are two prices whose distance the spread fixes.
    reference = match.reference + (paid.open - trigger.open)
    return _ranked(view, replace(match, reference=reference))


def price_of(config: FxConfig, order: FxOrder, side: Side, match: FxMatch, instrument: Instrument) -> Decimal:
    """Return the price of a fill: a limit's is never worse than its own, others pay slippage."""
    reference = match.match.reference
    limit = match.match.limit
    if limit is None or order.kind is OrderKind.MARKET_IF_TOUCHED:
        slipped = reference + side.sign * config.slippage_pips * instrument.pip
        return round_against(side, slipped, instrument.tick)
    return min(reference, limit) if side is Side.BUY else max(reference, limit)


def trailed(order: FxOrder, side: Side, bar: FxBar) -> tuple[Decimal, bool]:
    """Return a trailing stop's value after a bar that did not trigger it, and whether its close did.

    Whether the bar's best price came before its worst is unknown, except that the close came last.
    """
    seen, level = bar.seen_as(order.trigger, side), stop_level(order)
    close = round_against(side, bar.close + side.sign * bar.half, bar.instrument.tick)
    distance = order.distance or ZERO
    if side is Side.SELL:
        level = max(level, seen.high - distance)
        return level, close <= level
    level = min(level, seen.low + distance)
    return level, close >= level


def _ranked(view: ExchangeOrder, match: Match | None) -> FxMatch | None:
    return None if match is None else FxMatch(match, match.rank(view))


def _view(
    order: FxOrder,
    side: Side,
    kind: OrderType,
    limit: Decimal | None = None,
    stop: Decimal | None = None,
) -> ExchangeOrder:
    """Return the order as the matching functions know orders; only side, type, prices and rank matter."""
    return ExchangeOrder(
        id=str(order.id),
        client_order_id=str(order.id),
        seq=order.id,
        asset_id=0,
        side=side,
        type=kind,
        time_in_force=TimeInForce.GTC,
        order_class=OrderClass.SIMPLE,
        status=ExchangeStatus.NEW,
        qty=abs(order.units),
        notional=None,
        limit_price=limit,
        stop_price=stop,
        unit_reserve=ZERO,
        created_ts=order.created_ts,
        updated_ts=order.created_ts,
        expires_ts=order.expires_ts,
    )
