"""Matching the working orders of one asset against one bar."""

import heapq
from dataclasses import replace
from decimal import Decimal

from ratchet.core.assets.types import Asset
from ratchet.core.exchange import trailing
from ratchet.core.exchange.booking import book_execution, closable, cut, lot_of, random_lot
from ratchet.core.exchange.draws import perhaps_partial
from ratchet.core.exchange.hours import can_meet
from ratchet.core.exchange.lifecycle import activate_legs, close, open_for_trading, sync_sibling
from ratchet.core.exchange.matching import (
    Bar,
    Match,
    fill_price,
    find_auction,
    find_match,
    find_trigger,
    impact_ratio,
    quote,
)
from ratchet.core.exchange.shape import AUCTIONS, tick_of
from ratchet.core.exchange.types import ExchangeOrder, ExchangeStatus
from ratchet.core.exchange.venue import Venue
from ratchet.core.market.batch import BarBatch
from ratchet.core.orders.money import floor_to, from_float
from ratchet.core.orders.types import OrderType, Side, TimeInForce

_STOPS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})
# What is not filled at its one chance is canceled.
_ONCE = AUCTIONS | {TimeInForce.IOC, TimeInForce.FOK}


class BarMatcher:
    """One asset, one bar: candidates in price-time priority share the volume that may be taken."""

    def __init__(self, venue: Venue, asset: Asset, batch: BarBatch, row: int) -> None:
        config = venue.config
        self._venue = venue
        self._asset = asset
        self._ts = batch.ts
        self._half_spread = config.half_spread(asset.asset_class)
        self._touch = config.limit_fill == "touch"
        reports_volume = asset.asset_class not in config.slippage.unreported_volume_classes
        volume = from_float(batch.volume[row]) if reports_volume else None
        self._bar = Bar(
            from_float(batch.open[row]),
            from_float(batch.high[row]),
            from_float(batch.low[row]),
            from_float(batch.close[row]),
            volume,
        )
        share = config.slippage.max_volume_share
        self._budget = (
            None if volume is None or share is None else floor_to(volume * share, asset.qty_increment)
        )
        self._candidates: list[tuple[tuple[int, int, Decimal, int], str, Match]] = []

    def run(self) -> None:
        """Expire what came too late, fill what matches, and age what rests."""
        start = int(self._venue.bar_start[self._asset.id])
        entered = []
        for order in self._venue.book.working(self._asset.id):
            if order.created_ts > start and order.time_in_force not in AUCTIONS:
                continue
            current = self._venue.book.get(order.id)
            if current is None or not current.is_working:
                continue
            if current.expires_ts <= start:
                close(self._venue, current, ExchangeStatus.EXPIRED, self._ts)
                continue
            if not can_meet(current, self._asset, self._venue.settings, start, self._ts):
                continue
            entered.append(order.id)
            if self._budget is None or self._budget > 0:
                self._enter(open_for_trading(self._venue, current, self._ts), self._bar)
        self._fill_candidates()
        for order_id in entered:
            self._age(order_id)

    def _enter(self, order: ExchangeOrder, bar: Bar) -> None:
        match = self._match(order, bar)
        if match is not None:
            heapq.heappush(self._candidates, (match.rank(order), order.id, match))

    def _match(self, order: ExchangeOrder, bar: Bar) -> Match | None:
        if order.time_in_force in AUCTIONS:
            return find_auction(order, bar)
        if order.type is OrderType.TRAILING_STOP and not order.triggered:
            return self._trail(order, bar)
        if order.type in _STOPS and not order.triggered:
            triggered, match = find_trigger(order, bar, self._half_spread)
            if triggered:
                self._venue.put(replace(order, triggered=True, updated_ts=self._ts))
            return match
        return find_match(order, bar, self._half_spread, self._touch)

    def _trail(self, order: ExchangeOrder, bar: Bar) -> Match | None:
        trail = trailing.on_bar(order, bar, self._asset)
        after = trail.order
        if trail.trigger is None:
            if after != order:
                self._venue.put(replace(after, updated_ts=self._ts))
            return None
        self._venue.put(replace(after, triggered=True, updated_ts=self._ts))
        return Match(trail.at_open, trail.trigger, None, takes=True)

    def _fill_candidates(self) -> None:
        while self._candidates:
            _, order_id, match = heapq.heappop(self._candidates)
            order = self._venue.book.get(order_id)
            if order is None or not order.is_working:
                continue
            order = self._execute(order, match)
            if order is not None:
                sync_sibling(self._venue, order, self._ts)
                if order.status is ExchangeStatus.FILLED:
                    self._enter_legs(order, match)

    def _enter_legs(self, parent: ExchangeOrder, match: Match) -> None:
        """Let new legs trade in the rest of the bar.

        After an entry at the open the whole bar lies ahead. After one inside the bar only the stop may fill:
        the price passed the entry before it reached the stop, but nobody knows whether the high came later.
        """
        entry = parent.filled_avg_price or match.reference
        rest = self._bar if match.at_open else replace(self._bar, open=entry)
        for leg in activate_legs(self._venue, parent, self._ts):
            if match.at_open or leg.type in _STOPS:
                self._enter(leg, rest)

    def _execute(self, order: ExchangeOrder, match: Match) -> ExchangeOrder | None:
        order = self._sized(order, match)
        wanted = closable(self._venue, order, self._ts) if order.is_working else None
        if wanted is None:
            return None
        qty = self._granted(order, wanted)
        if qty <= 0:
            return None
        if self._venue.fill_limit is not None and order.time_in_force is not TimeInForce.FOK:
            qty = self._venue.fill_limit(order, qty)
        price = self._price(order, match, qty)
        if self._budget is not None:
            self._budget -= qty
        return book_execution(self._venue, self._asset, order, qty, price, self._ts, is_maker=not match.takes)

    def _granted(self, order: ExchangeOrder, wanted: Decimal) -> Decimal:
        """Return how much of an order fills now; all or nothing for a fill-or-kill one."""
        qty = wanted
        if self._budget is not None:
            qty = cut(wanted, self._budget, lot_of(order, self._asset))
        if order.time_in_force is TimeInForce.FOK:
            return qty if qty == order.remaining_qty else Decimal(0)
        return perhaps_partial(self._venue, qty, random_lot(order, self._asset))

    def _price(self, order: ExchangeOrder, match: Match, qty: Decimal) -> Decimal:
        costs = self._half_spread + impact_ratio(self._venue.config.slippage, qty, self._bar.volume)
        return fill_price(match, order.side, costs, tick_of(self._asset, match.reference))

    def _sized(self, order: ExchangeOrder, match: Match) -> ExchangeOrder:
        """Turn the notional of an order into a quantity at its first match."""
        if order.qty is not None or order.notional is None:
            return order
        estimate = order.notional / quote(order.side, match.reference, self._half_spread)
        qty = floor_to(order.notional / self._price(order, match, estimate), self._asset.qty_increment)
        if order.side is Side.SELL:
            qty = min(qty, self._venue.position(self._asset.id).qty)
        order = self._venue.put(replace(order, qty=qty, updated_ts=self._ts))
        return order if qty > 0 else close(self._venue, order, ExchangeStatus.CANCELED, self._ts)

    def _age(self, order_id: str) -> None:
        order = self._venue.book.get(order_id)
        if order is None or not order.is_working:
            return
        if order.time_in_force in _ONCE:
            close(self._venue, order, ExchangeStatus.CANCELED, self._ts)
        elif order.limit_price is not None and not order.rested:
            self._venue.put(replace(order, rested=True))
