"""The forex venue: one OANDA account, matching on bars.

Driven like `ratchet.core.exchange.Exchange`: orders taken at t fill at the earliest on the instrument's next
bar; `on_bars` matches one step. Everything is a function of the calls made: no clock, no chance, no I/O.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

from ratchet.core.assets.types import Registry
from ratchet.core.fx import lifecycle, persistence
from ratchet.core.fx.book import FxBook
from ratchet.core.fx.closeout import check_margin
from ratchet.core.fx.config import FxConfig
from ratchet.core.fx.desk import FxDesk
from ratchet.core.fx.instruments import Instrument, Instruments
from ratchet.core.fx.matching import FxBar, make_bar
from ratchet.core.fx.quotes import Quotes
from ratchet.core.fx.records import (
    FxChanges,
    FxOrder,
    FxTrade,
    PositionTotals,
    Transaction,
)
from ratchet.core.fx.rollover import roll
from ratchet.core.fx.simulation import FxMatcher
from ratchet.core.fx.valuation import AccountValue, account_value
from ratchet.core.market.batch import BarBatch
from ratchet.core.orders.money import from_float
from ratchet.core.sessions.catalog import FOREX_WEEK, get_calendar
from ratchet.core.timeframes import timeframe_ns


@dataclass(frozen=True, slots=True)
class _Row:
    """One bar of the step that concerns this venue."""

    instrument: Instrument
    bar: FxBar
    start: int
    ts: int


class FxExchange(FxDesk):
    """One account's engine. Not thread-safe: the caller serialises calls.

    Closed orders and trades are not kept: with `track_changes` they come with `drain_changes`, which the
    caller must then call regularly, as it must `drain_events`.
    """

    def __init__(
        self,
        registry: Registry,
        config: FxConfig | None = None,
        account: str = "101-001-0000001-001",
        *,
        track_changes: bool = False,
        fills_at_quote: bool = False,
    ) -> None:
        super().__init__(registry, config or FxConfig(), account, track_changes, fills_at_quote)

    @property
    def book(self) -> FxBook:
        """The account's state, to be read."""
        return self._book

    @property
    def config(self) -> FxConfig:
        """The account's configuration."""
        return self._book.config

    @property
    def instruments(self) -> Instruments:
        """What is traded here."""
        return self._book.instruments

    @property
    def quotes(self) -> Quotes:
        """The last prices."""
        return self._book.quotes

    @property
    def last_id(self) -> int:
        """Id of the last transaction."""
        return self._book.last_id

    def on_bars(self, batches: Sequence[BarBatch]) -> list[Transaction]:
        """Match pending orders against the bars of one step; return all transactions since the last drain.

        Order: rollovers before the bars, close-out at the opens, matching, rollovers within the bars,
        expiries, close-out at the closes. A batch without forex still moves the time.
        """
        ts = max(batch.ts for batch in batches)
        rows = self._rows(batches)
        if not rows:
            self.tick(ts)
            return self.drain_events()
        book = self._book
        first = min(row.start for row in rows)
        self.open_account(first)
        book.ts = max(book.ts, ts)
        roll(book, first)
        self._quote([(row.instrument, row.bar.open, row.start) for row in rows])
        if book.trades:
            check_margin(book, ts)
        for row in rows:
            FxMatcher(book, row.bar, row.start, row.ts).run()
        self._quote([(row.instrument, row.bar.close, row.ts) for row in rows])
        for row in rows:
            book.bar_ends[row.instrument.name] = row.ts
        self._finish(ts)
        return self.drain_events()

    def tick(self, ts: int) -> None:
        """Move the time without bars: rollovers and expiries fall due."""
        self.open_account(ts)
        self._book.ts = max(self._book.ts, ts)
        self._finish(ts)

    def mark(self, batches: Sequence[BarBatch]) -> None:
        """Take quotes from bars without matching, as after a restore from rows."""
        for row in self._rows(batches):
            self._quote([(row.instrument, row.bar.close, row.ts)])
            self._book.bar_ends[row.instrument.name] = row.ts

    def drain_events(self) -> list[Transaction]:
        """Return transactions since the last drain, oldest first, and forget them."""
        events, self._book.events = self._book.events, []
        return events

    def drain_changes(self) -> FxChanges:
        """Return the rows changed since the last call; empty without track_changes."""
        return persistence.drain_changes(self._book)

    def value(self) -> AccountValue:
        """Return the account at the last quotes."""
        return account_value(self._book)

    def pending_orders(self) -> list[FxOrder]:
        """Return pending orders, oldest first."""
        return [self._book.orders[key] for key in sorted(self._book.orders)]

    def open_trades(self) -> list[FxTrade]:
        """Return open trades, oldest first."""
        return list(self._book.trades.values())

    def totals(self) -> list[PositionTotals]:
        """Return what each instrument has brought that was ever traded."""
        names = dict.fromkeys([*self._book.totals, *self._book.held()])
        return [self._book.totals_of(name) for name in sorted(names)]

    def snapshot(self) -> dict[str, Any]:
        """Return the state that decides the future as a JSON-able dict; the journal is not part of it."""
        return persistence.snapshot(self._book)

    @classmethod
    def restore(
        cls,
        registry: Registry,
        config: FxConfig,
        state: dict[str, Any],
        *,
        track_changes: bool = False,
        fills_at_quote: bool = False,
    ) -> Self:
        """Rebuild an account from `snapshot()`, or from stored rows under the same keys.

        Rows carry no quotes: after a restore from rows call `mark` with each instrument's last bar.
        """
        exchange = cls(
            registry,
            config,
            str(state["account"]["account"]),
            track_changes=track_changes,
            fills_at_quote=fills_at_quote,
        )
        persistence.load(exchange._book, state)
        return exchange

    def _rows(self, batches: Sequence[BarBatch]) -> list[_Row]:
        found = []
        for batch in batches:
            for row, asset_id in enumerate(batch.asset_ids.tolist()):
                instrument = self._book.instruments.of_asset(asset_id)
                if instrument is None:
                    continue
                columns = (batch.open, batch.high, batch.low, batch.close)
                prices = tuple(from_float(column[row]) for column in columns)
                start = batch.start or batch.ts - timeframe_ns(batch.timeframe)
                # A bar may be cut short by the close; it never begins before the one before it ended.
                start = max(start, self._book.bar_ends.get(instrument.name, 0))
                found.append(_Row(instrument, make_bar(self.config, instrument, prices), start, batch.ts))
        return sorted(found, key=lambda item: item.instrument.asset_id)

    def _quote(self, prices: Sequence[tuple[Instrument, Decimal, int]]) -> None:
        for instrument, mid, ts in prices:
            self._book.quotes.put(instrument, mid, ts)

    def _finish(self, ts: int) -> None:
        book = self._book
        roll(book, ts)
        lifecycle.expire_due(book, ts)
        open_or_closing = get_calendar(FOREX_WEEK).is_open(ts - 1)
        if (book.trades or book.margin_call_ts) and open_or_closing:
            check_margin(book, ts)
