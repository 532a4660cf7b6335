"""Matching the working orders of one asset against one quote, in price-time priority among themselves.

An order fills when it is marketable: a buy against the ask, a sale against the bid. One that takes liquidity
fills at the quote; a resting limit that the market comes to fills at its own price. Stops are triggered by
the last trade, or by the middle where no trade is known.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from ratchet.core.assets.types import Asset
from ratchet.core.exchange import trailing
from ratchet.core.exchange.booking import book_execution, closable, cut, lot_of, random_lot
from ratchet.core.exchange.draws import perhaps_partial
from ratchet.core.exchange.hours import auction_ts, may_trade
from ratchet.core.exchange.lifecycle import activate_legs, close, open_for_trading, sync_sibling
from ratchet.core.exchange.shape import AUCTIONS
from ratchet.core.exchange.types import ExchangeOrder, ExchangeStatus
from ratchet.core.exchange.venue import Venue
from ratchet.core.market.quotes import QuoteBatch
from ratchet.core.orders.money import ZERO, floor_to, from_float
from ratchet.core.orders.types import OrderType, Side, TimeInForce

_STOPS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})
# What is not filled at its one chance is canceled.
_ONCE = AUCTIONS | {TimeInForce.IOC, TimeInForce.FOK}


@dataclass(frozen=True, slots=True)
class Quote:
    """One quote in exact numbers; None stands for a side without anybody."""

    bid: Decimal | None
    ask: Decimal | None
    traded: Decimal | None


class QuoteMatcher:
    """One asset, one quote: its sizes are shared by all orders."""

    def __init__(self, venue: Venue, asset: Asset, batch: QuoteBatch, row: int) -> None:
        self._venue, self._asset, self._ts = venue, asset, batch.ts
        self._quote = quote_of(batch, row)
        limited = venue.config.limit_by_quote_size
        self._left: dict[Side, Decimal | None] = {
            Side.BUY: (_price_of(batch.ask_size[row]) or ZERO) if limited else None,
            Side.SELL: (_price_of(batch.bid_size[row]) or ZERO) if limited else None,
        }

    def run(self) -> None:
        """Trigger, fill, and end what has had its one chance."""
        present = [order for order in self._venue.book.working(self._asset.id) if self._can_trade(order)]
        ready = [self._triggered(open_for_trading(self._venue, order, self._ts)) for order in present]
        queue = sorted((order for order in ready if order is not None), key=_rank)
        while queue:
            order = self._current(queue.pop(0))
            if order is not None:
                queue += self._fill(order)
        for order in present:
            self._age(order)

    def _can_trade(self, order: ExchangeOrder) -> bool:
        if order.arrives_ts > self._ts:
            return False
        if order.time_in_force in AUCTIONS:
            return self._ts >= auction_ts(order) >= order.arrives_ts
        return may_trade(order, self._asset, self._venue.settings, self._ts, self._ts + 1)

    def _current(self, order: ExchangeOrder) -> ExchangeOrder | None:
        found = self._venue.book.get(order.id)
        return found if found is not None and found.is_working else None

    def _triggered(self, order: ExchangeOrder) -> ExchangeOrder | None:
        """Return the order if it can fill: a stop only once the price has been there."""
        price = self._quote.traded
        if order.triggered or order.type not in _STOPS | {OrderType.TRAILING_STOP}:
            return order
        if price is None:
            return None
        if order.type is OrderType.TRAILING_STOP:
            trail = trailing.on_price(order, price, self._asset)
            after, hit = trail.order, trail.trigger is not None
        else:
            stop = order.stop_price or price
            after, hit = order, (price >= stop if order.side is Side.BUY else price <= stop)
        if hit or after != order:
            after = self._venue.put(replace(after, triggered=hit, updated_ts=self._ts))
        return after if hit else None

    def _fill(self, order: ExchangeOrder) -> list[ExchangeOrder]:
        """Execute what this quote gives; return exits that have become active and can fill at once."""
        price = self._price(order)
        if price is None:
            return []
        order = self._sized(order, price)
        wanted = closable(self._venue, order, self._ts) if order.is_working else None
        if wanted is None:
            return []
        qty = self._granted(order, wanted)
        if qty <= 0:
            return []
        left = self._left[order.side]
        if left is not None:
            self._left[order.side] = left - qty
        maker = order.rested and order.limit_price is not None
        order = book_execution(self._venue, self._asset, order, qty, price, self._ts, is_maker=maker)
        sync_sibling(self._venue, order, self._ts)
        if order.status is not ExchangeStatus.FILLED:
            return []
        legs = [self._triggered(leg) for leg in activate_legs(self._venue, order, self._ts)]
        return [leg for leg in legs if leg is not None]

    def _price(self, order: ExchangeOrder) -> Decimal | None:
        market = self._quote.ask if order.side is Side.BUY else self._quote.bid
        if market is None:
            return None
        if order.time_in_force in AUCTIONS:
            market = self._quote.traded or market
        limit = order.limit_price
        if limit is None:
            return market
        if market > limit if order.side is Side.BUY else market < limit:
            return None
        return limit if order.rested else market

    def _granted(self, order: ExchangeOrder, wanted: Decimal) -> Decimal:
        left = self._left[order.side]
        qty = wanted if left is None else cut(wanted, left, lot_of(order, self._asset))
        if order.time_in_force is TimeInForce.FOK:
            return qty if qty == order.remaining_qty else ZERO
        return perhaps_partial(self._venue, qty, random_lot(order, self._asset))

    def _sized(self, order: ExchangeOrder, price: Decimal) -> ExchangeOrder:
        if order.qty is not None or order.notional is None:
            return order
        qty = floor_to(order.notional / price, self._asset.qty_increment)
        if order.side is Side.SELL:
            qty = min(qty, self._venue.position(self._asset.id).qty)
        order = self._venue.put(replace(order, qty=qty, updated_ts=self._ts))
        return order if qty > 0 else close(self._venue, order, ExchangeStatus.CANCELED, self._ts)

    def _age(self, order: ExchangeOrder) -> None:
        current = self._current(order)
        if current is None:
            return
        if current.time_in_force in _ONCE:
            close(self._venue, current, ExchangeStatus.CANCELED, self._ts)
        elif current.limit_price is not None and not current.rested and _is_live(current):
            self._venue.put(replace(current, rested=True))


def quote_of(batch: QuoteBatch, row: int) -> Quote:
    """Return one row; a crossed quote has no sides, because nobody trades on it."""
    bid, ask = _price_of(batch.bid[row]), _price_of(batch.ask[row])
    last = _price_of(batch.last[row]) if len(batch.last) else None
    if bid is None or ask is None:
        return Quote(bid, ask, last)
    if bid > ask:
        return Quote(None, None, last)
    return Quote(bid, ask, last or (bid + ask) / 2)


def _price_of(value: float) -> Decimal | None:
    return from_float(value) if value > 0 else None


def _is_live(order: ExchangeOrder) -> bool:
    return order.type is OrderType.LIMIT or order.triggered


def _rank(order: ExchangeOrder) -> tuple[bool, Decimal, int]:
    price = ZERO if order.limit_price is None else -order.side.sign * order.limit_price
    return (order.limit_price is not None, price, order.seq)
