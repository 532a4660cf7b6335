"""The portfolio of record: cash, positions, marks, daily profit and loss. One writer; not thread-safe."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ratchet.core.assets.contracts import is_contract, multiplier_of
from ratchet.core.assets.types import AssetClass, Registry
from ratchet.core.market.batch import BarBatch, Floats
from ratchet.core.orders.money import ZERO, from_float, notional
from ratchet.core.orders.types import Fill
from ratchet.core.performance.daily import DailyPerformance
from ratchet.core.portfolio.adjust import adjust_units
from ratchet.core.portfolio.books import Books
from ratchet.core.portfolio.contracts import book_contracts
from ratchet.core.portfolio.margin import MarginHoldings, book_margined
from ratchet.core.portfolio.position import Booking, Position, book
from ratchet.core.portfolio.trades import ClosedTrade, OpenTrade
from ratchet.core.portfolio.types import OpenOrder, PortfolioSnapshot, PositionView

NS_PER_DAY = 86_400_000_000_000


@dataclass(frozen=True, slots=True)
class AppliedFill:
    """What a fill did. A duplicate changes nothing; `position` is the state after, qty 0 when closed."""

    fill: Fill
    position: Position
    cash_delta: Decimal
    realized_pnl: Decimal
    closed_trade: ClosedTrade | None = None
    duplicate: bool = False


class Portfolio:
    """Cash and positions of one portfolio, marked to the last closes.

    Fills are applied once each: a bounded memory of execution ids catches repeats (the unique key of the
    ledger table is the guard beyond it). The best price of a position follows bar highs (lows for shorts),
    from the bar on whose open the entry filled. `margin` holds the assets whose venue takes margin.
    """

    def __init__(
        self,
        registry: Registry,
        starting_cash: Decimal,
        name: str = "main",
        margin: MarginHoldings | None = None,
    ) -> None:
        self.name = name
        self._registry = registry
        self._margin = margin
        self._books = Books(len(registry), starting_cash)

    @property
    def cash(self) -> Decimal:
        """Cash in the account currency."""
        return self._books.cash

    @property
    def peak_equity(self) -> Decimal:
        """The highest equity at any mark so far."""
        return self._books.peak_equity

    @property
    def day_start_equity(self) -> Decimal:
        """Equity at the start of the running UTC day."""
        return self._books.day.start_equity

    def apply(self, fill: Fill) -> AppliedFill:
        """Book one execution; a repeated execution id changes nothing."""
        position = self.position(fill.asset_id)
        if fill.execution_id in self._books.seen:
            return AppliedFill(fill, position, ZERO, ZERO, duplicate=True)
        margin = self._margin_of(fill.asset_id)
        if margin is not None:
            booking = book_margined(position, fill, margin)
        elif is_contract(fill.asset_id):
            booking = book_contracts(position, fill)
        else:
            booking = book(position, fill.side, fill.qty, fill.price, fill.ts, fill.fee, fill.fee_in_base)
        self._books.seen.add(fill.execution_id)
        self._books.cash += booking.cash_delta
        self._store(booking.position)
        if not self._books.mark(fill.asset_id)[0]:
            self._books.set_mark(fill.asset_id, float(fill.price), fill.ts)
        closed = self._track(fill, booking)
        self._books.day.add_flow(self._class_of(fill.asset_id), booking.cash_delta, closed)
        return AppliedFill(fill, booking.position, booking.cash_delta, booking.realized_pnl, closed)

    def book_cash(self, amount: Decimal, asset_id: int | None = None, *, is_flow: bool = False) -> None:
        """Book money that no execution has moved: profit of an asset or of the whole, or a flow.

        A flow (a transfer in or out) is no profit: the day's start and the peak move with it.
        """
        self._books.cash += amount
        if is_flow:
            self._books.day.start_equity += amount
            self._books.peak_equity = max(ZERO, self._books.peak_equity + amount)
        elif asset_id is not None:
            self._books.day.add_flow(self._class_of(asset_id), amount, None)

    def adjust_units(
        self, asset_id: int, delta: Decimal, ts: int, *, cost: Decimal = ZERO, is_split: bool = False
    ) -> tuple[Position, Decimal]:
        """Book signed units that no order has moved, `cost` in all; see `ratchet.core.portfolio.adjust`.

        Cash is not touched. Returns the position after it and the profit realised, which for a margined
        asset is none: there profit is money that the venue books.
        """
        before = self.position(asset_id)
        position, realized = adjust_units(self._books, asset_id, delta, ts, cost, is_split=is_split)
        margin = self._margin_of(asset_id)
        if margin is None:
            return self._settled(before, position, realized)
        price = abs(cost / delta) if cost else from_float(self._books.mark(asset_id)[0])
        settled = margin.fill(asset_id, delta, price)
        position = replace(position, cost=settled.cost, realized_pnl=before.realized_pnl)
        self._store(position)
        return position, ZERO

    def mark(self, batches: Sequence[BarBatch]) -> None:
        """Take the bars of one step: closes become marks, highs and lows move the best prices."""
        if self._margin is not None:
            self._margin.mark(batches)
        for batch in batches:
            self._books.marks[batch.asset_ids] = batch.close
            self._books.mark_ts[batch.asset_ids] = batch.ts
            self._books.day.begin(batch.ts // NS_PER_DAY)
            if self._books.trades:
                self._see(batch)
        self._books.peak_equity = max(self.peak_equity, self.equity)

    def mark_contracts(self, marks: Mapping[int, tuple[float, int]]) -> None:
        """Take prices of option contracts and their times; those neither given nor held are forgotten."""
        self._books.keep_contracts({*marks, *self._books.positions})
        for asset_id, (price, ts) in marks.items():
            self._books.set_mark(asset_id, price, ts)
        self._books.peak_equity = max(self.peak_equity, self.equity)

    def day_to_close(self, ts: int) -> str:
        """Return the UTC date (YYYY-MM-DD) that a step at ts ends, or '' when ts is of the running day."""
        day = self._books.day.number
        return "" if day is None or ts // NS_PER_DAY <= day else date_of(day)

    def close_day(self, ts: int) -> tuple[DailyPerformance, ...]:
        """End the running day at the present marks and begin that of ts; return its rows, total first.

        Classes without positions, trades or fills that day have no row. Call it before anything of the step
        at ts is booked or marked.
        """
        number = self._books.day.number
        if number is None:
            return ()
        rows = self._books.day.rows(date_of(number), self.equity, self._class_values())
        self._books.day.restart(ts // NS_PER_DAY, self.equity, self._class_values())
        return rows

    def class_pnl(self) -> dict[AssetClass, Decimal]:
        """Return the running day's profit by asset class, realised and unrealised, net of fees."""
        return self._books.day.pnl(self._class_values())

    @property
    def market_value(self) -> Decimal:
        """Value of all positions at their marks; of margined ones, what closing them would bring."""
        return sum(self._class_values().values(), ZERO)

    @property
    def equity(self) -> Decimal:
        """Cash plus the value of all positions at their marks."""
        return self.cash + self.market_value

    @property
    def positions(self) -> dict[int, Position]:
        """Open positions by asset id."""
        return dict(self._books.positions)

    def position(self, asset_id: int) -> Position:
        """Return the position in an asset, flat if there is none."""
        return self._books.positions.get(asset_id) or Position(asset_id)

    @property
    def marks(self) -> tuple[Floats, NDArray[np.int64]]:
        """Last closes and their event times by asset id, 0 before the first bar; views, not to be written."""
        return self._books.marks, self._books.mark_ts

    def mark_of(self, asset_id: int) -> tuple[float, int]:
        """Return the last close and its event time, (0, 0) before the first bar."""
        return self._books.mark(asset_id)

    def view(self, asset_id: int) -> PositionView | None:
        """Return one open position as risk sees it."""
        position = self._books.positions.get(asset_id)
        if position is None:
            return None
        mark, mark_ts = self._books.mark(asset_id)
        return PositionView(
            asset_id=asset_id,
            qty=position.qty,
            avg_entry_price=position.avg_entry_price,
            mark=mark,
            mark_ts=mark_ts,
            opened_ts=position.opened_ts,
            high_watermark=self._books.trades[asset_id].best_price,
            realized_pnl=self._books.trades[asset_id].pnl,
        )

    def views(self) -> tuple[PositionView, ...]:
        """Return every open position in asset order."""
        views = (self.view(asset_id) for asset_id in sorted(self._books.positions))
        return tuple(view for view in views if view is not None)

    def snapshot(
        self,
        ts: int,
        seq: int,
        open_orders: Sequence[OpenOrder] = (),
        trading_state: str = "active",
        day_close: str = "",
    ) -> PortfolioSnapshot:
        """Return the portfolio as risk and the streams see it, positions in asset order."""
        return PortfolioSnapshot(
            portfolio=self.name,
            ts=ts,
            seq=seq,
            cash=self.cash,
            equity=self.equity,
            positions=self.views(),
            open_orders=tuple(open_orders),
            peak_equity=float(self.peak_equity),
            day_start_equity=float(self.day_start_equity),
            trading_state=trading_state,
            day_close=day_close,
            quote_rates=self._margin.rates() if self._margin is not None else {},
        )

    def state(self) -> dict[str, Any]:
        """Return everything as a JSON-able dict, exactly."""
        state = {"name": self.name, **self._books.dump()}
        return state if self._margin is None else {**state, "margin": self._margin.dump()}

    @classmethod
    def restore(cls, registry: Registry, state: dict[str, Any], margin: MarginHoldings | None = None) -> Self:
        """Rebuild a portfolio from `state()`; `margin` is empty and takes its own part of it."""
        portfolio = cls(registry, Decimal(state["cash"]), str(state["name"]), margin)
        portfolio._books = Books.load(len(registry), state)
        if margin is not None and "margin" in state:
            margin.load(state["margin"])
        return portfolio

    def _class_of(self, asset_id: int) -> AssetClass:
        return self._registry[asset_id].asset_class

    def _margin_of(self, asset_id: int) -> MarginHoldings | None:
        margin = self._margin
        return margin if margin is not None and margin.holds(asset_id) else None

    def _value(self, position: Position) -> Decimal:
        margin = self._margin_of(position.asset_id)
        if margin is not None:
            return margin.value(position.asset_id)
        mark = from_float(self._books.mark(position.asset_id)[0])
        return notional(position.qty, mark) * multiplier_of(position.asset_id)

    def _store(self, position: Position) -> None:
        if position.qty:
            self._books.positions[position.asset_id] = position
        else:
            self._books.positions.pop(position.asset_id, None)

    def _settled(self, before: Position, after: Position, realized: Decimal) -> tuple[Position, Decimal]:
        """Return units that no order has moved with their profit in money, not in the terms of prices."""
        factor = multiplier_of(after.asset_id)
        if factor == 1:
            return after, realized
        profit = realized * factor
        after = replace(after, realized_pnl=before.realized_pnl + profit)
        self._store(after)
        return after, profit

    def _class_values(self) -> dict[AssetClass, Decimal]:
        values: dict[AssetClass, Decimal] = {}
        for asset_id, position in self._books.positions.items():
            value = self._value(position)
            asset_class = self._class_of(asset_id)
            values[asset_class] = values.get(asset_class, ZERO) + value
        return values

    def _track(self, fill: Fill, booking: Booking) -> ClosedTrade | None:
        asset_id = fill.asset_id
        trades, pnl = self._books.trades, booking.realized_pnl
        margin = self._margin_of(asset_id)
        rate = float(multiplier_of(asset_id)) if margin is None else margin.rate(asset_id)
        trade = trades.get(asset_id) or OpenTrade.begin(fill, rate)
        if not booking.closed_qty:
            trades[asset_id] = trade.enter(booking, pnl)
            return None
        trade = trade.leave(booking, pnl)
        if booking.position.qty and not booking.opened_qty:
            trades[asset_id] = trade
            return None
        del trades[asset_id]
        if booking.opened_qty:
            trades[asset_id] = OpenTrade.begin(fill, rate).enter(booking)
        return trade.close(fill.ts)

    def _see(self, batch: BarBatch) -> None:
        held = np.fromiter(self._books.trades, dtype=np.int64, count=len(self._books.trades))
        rows = np.searchsorted(batch.asset_ids, held)
        for asset_id, row in zip(held.tolist(), rows.tolist(), strict=True):
            if row < len(batch) and int(batch.asset_ids[row]) == asset_id:
                self._books.trades[asset_id] = self._books.trades[asset_id].see(
                    float(batch.high[row]), float(batch.low[row])
                )


def date_of(day: int) -> str:
    """Return the UTC date of a day number since the epoch."""
    return datetime.fromtimestamp(day * 86_400, UTC).date().isoformat()
