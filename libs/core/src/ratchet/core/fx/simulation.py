"""Matching an instrument's pending orders against one bar, or a new order against the present quote."""

import heapq
from dataclasses import replace
from decimal import Decimal

from ratchet.core.fx import lifecycle
from ratchet.core.fx.book import FxBook
from ratchet.core.fx.filling import closing_price, fill
from ratchet.core.fx.matching import FxBar, FxMatch, find, is_stop, make_bar, price_of, trailed
from ratchet.core.fx.netting import direction
from ratchet.core.fx.records import FxOrder, FxTrade
from ratchet.core.fx.types import CancelReason, FxTimeInForce, OrderKind
from ratchet.core.orders.types import Side

_IMMEDIATE = frozenset({FxTimeInForce.FOK, FxTimeInForce.IOC})


class FxMatcher:
    """One instrument, one bar: fills at the open first, then stops before limits."""

    def __init__(self, book: FxBook, bar: FxBar, start: int, ts: int) -> None:
        """`start` and `ts` are the bar's start and end (ns, UTC)."""
        self._book = book
        self._bar = bar
        self._start = start
        self._ts = ts
        self._candidates: list[tuple[tuple[int, int, Decimal, int], int, FxMatch]] = []
        self._resting: list[int] = []

    def run(self) -> None:
        """Expire what came too late, fill what matches, then age what rests."""
        name = self._bar.instrument.name
        lifecycle.expire_due(self._book, self._start, name)
        for order in list(self._book.orders_of(name)):
            if order.created_ts <= self._start:
                self._resting.append(order.id)
                self._enter(order, self._bar)
        self._fill_candidates()
        for order_id in self._resting:
            current = self._book.orders.get(order_id)
            if current is not None:
                self._age(current)

    def _enter(self, order: FxOrder, bar: FxBar) -> None:
        match = find(order, _side(self._book, order), bar)
        if match is not None:
            heapq.heappush(self._candidates, (match.rank, order.id, match))

    def _fill_candidates(self) -> None:
        while self._candidates:
            _, order_id, match = heapq.heappop(self._candidates)
            order = self._book.orders.get(order_id)
            if order is None:
                continue
            side = _side(self._book, order)
            price = price_of(self._book.config, order, side, match, self._bar.instrument)
            self._move_market(side, match.match.reference)
            self._book.begin()
            trade = fill(self._book, order, price, self._ts)
            if trade is not None:
                self._enter_dependents(trade, match.at_open)

    def _move_market(self, side: Side, reference: Decimal) -> None:
        """Let the quote be where the fill happens, so that margin is judged at that price."""
        mid = reference - side.sign * self._bar.half
        self._book.quotes.put(self._bar.instrument, mid, self._ts)

    def _enter_dependents(self, trade: FxTrade, at_open: bool) -> None:
        """Let new dependents trade in the rest of the bar.

        After an entry at the open the whole bar lies ahead. After one inside the bar only stops may fill:
        the price passed the entry before it reached the stop, but nobody knows whether the best price of
        the bar came later.
        """
        current = self._book.trades.get(trade.id)
        if current is None:
            return
        half = self._bar.half if current.units > 0 else -self._bar.half
        rest = self._bar if at_open else replace(self._bar, open=closing_price(self._book, trade) + half)
        for order_id in current.dependents:
            order = self._book.orders[order_id]
            if at_open:
                self._resting.append(order_id)
            if at_open or is_stop(order, _side(self._book, order)):
                self._enter(order, rest)

    def _age(self, order: FxOrder) -> None:
        if order.time_in_force in _IMMEDIATE:
            self._book.begin()
            lifecycle.cancel(self._book, order, CancelReason.TIME_IN_FORCE_EXPIRED, self._ts)
        elif order.kind is OrderKind.TRAILING_STOP_LOSS:
            self._trail(order)

    def _trail(self, order: FxOrder) -> None:
        side = _side(self._book, order)
        level, is_hit = trailed(order, side, self._bar)
        if level != order.trailing_value:
            order = self._book.put_order(replace(order, trailing_value=level))
        if is_hit:
            self._move_market(side, level)
            self._book.begin()
            fill(self._book, order, level, self._ts)


def match_at_quote(book: FxBook, order: FxOrder, ts: int) -> None:
    """Fill a new order at the present quote, or let it rest; one that must not rest is cancelled."""
    instrument, side = book.instruments[order.instrument], _side(book, order)
    mid = book.quotes[order.instrument].mid
    match = find(order, side, make_bar(book.config, instrument, (mid, mid, mid, mid)))
    if match is not None:
        fill(book, order, price_of(book.config, order, side, match, instrument), ts)
    elif order.time_in_force in _IMMEDIATE:
        lifecycle.cancel(book, order, CancelReason.TIME_IN_FORCE_EXPIRED, ts)


def _side(book: FxBook, order: FxOrder) -> Side:
    units = direction(order, book.trades.get(order.trade_id))
    return Side.BUY if units > 0 else Side.SELL
