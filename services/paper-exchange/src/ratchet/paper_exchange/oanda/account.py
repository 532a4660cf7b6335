"""One account: its engine, its rows, its listeners. Every change is committed before anyone hears of it."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from ratchet.common import metrics
from ratchet.core.assets import Registry
from ratchet.core.fx import FxChanges, FxConfig, FxExchange, Outcome, Transaction
from ratchet.core.market import BarBatch
from ratchet.paper_exchange.oanda.store import WAIT_S, OandaStore
from ratchet.paper_exchange.streams.hub import Hub

Marks = Callable[[], Sequence[BarBatch]]


class OandaAccount:
    """Safe for threads; memory is rebuilt from the rows whenever a commit did not certainly succeed."""

    def __init__(
        self,
        registry: Registry,
        config: FxConfig,
        store: OandaStore,
        marks: Marks,
        *,
        fills_at_quote: bool = False,
    ) -> None:
        """`marks` returns each asset's last bar, which gives the quotes after a restart."""
        self.id = store.account
        self.store = store
        self.config = config
        self.hub = Hub()
        self.step_seq = 0
        self.clock = 0
        self.activities_ts = 0
        self._registry = registry
        self._marks = marks
        self._options = {"track_changes": True, "fills_at_quote": fills_at_quote}
        self._lock = threading.RLock()
        self._stale = True
        self._exchange = self._new()

    @contextmanager
    def exchange(self) -> Iterator[FxExchange]:
        """Lock and yield the engine as it is durable."""
        with self._lock:
            self._stale = self._stale or self.store.is_behind
            if self._stale:
                self._reload()
            yield self._exchange

    def start(self, step_seq: int, clock: int) -> None:
        """Load the account; a later place was reached by steps that changed nothing here."""
        with self._lock:
            self._stale = True
            self.step_seq, self.clock = step_seq, clock
            with self.exchange():
                self.activities_ts = self.clock

    def open(self) -> None:
        """Fund the account if it is new; durable when this returns."""
        with self.exchange() as exchange:
            if exchange.last_id:
                return
            try:
                exchange.open_account(self.clock)
                self._commit(exchange.drain_events(), self.step_seq, self.clock, WAIT_S)
            except BaseException:
                self._stale = True
                raise

    def change(self, action: Callable[[FxExchange, int], Outcome]) -> Outcome:
        """Run a client's request at the present time; what it did is durable when this returns."""
        with self.exchange() as exchange:
            try:
                outcome = action(exchange, self.clock)
                self._commit(exchange.drain_events(), self.step_seq, self.clock, WAIT_S)
            except BaseException:
                self._stale = True
                raise
            return outcome

    def step_once(self, batches: Sequence[BarBatch], seq: int, wait_s: float | None = WAIT_S) -> int:
        """Match one step's bars, unless they were; return the number of fills, already durable."""
        with self.exchange() as exchange:
            if seq <= self.step_seq:
                return 0
            return self._match(exchange, batches, seq, wait_s)

    def step_unnumbered(self, batches: Sequence[BarBatch], wait_s: float | None) -> int:
        """Match bars that came without a step's number, and perhaps twice; return the number of fills."""
        with self.exchange() as exchange:
            fresh = [part for batch in batches if (part := self._unseen(exchange, batch)) is not None]
            return self._match(exchange, fresh, self.step_seq, wait_s) if fresh else 0

    @property
    def last_id(self) -> int:
        """Id of the account's last transaction that is durable."""
        with self.exchange() as exchange:
            return exchange.last_id

    def _match(
        self, exchange: FxExchange, batches: Sequence[BarBatch], seq: int, wait_s: float | None
    ) -> int:
        try:
            events = exchange.on_bars(batches)
            self._commit(events, seq, max(batches[0].ts, self.clock), wait_s)
        except BaseException:
            self._stale = True
            raise
        fills = sum(entry.type == "ORDER_FILL" for entry in events)
        metrics.EXCHANGE_FILLS_TOTAL.inc(fills)
        return fills

    def _unseen(self, exchange: FxExchange, batch: BarBatch) -> BarBatch | None:
        ends = exchange.book.bar_ends
        names = [exchange.instruments.of_asset(asset_id) for asset_id in batch.asset_ids.tolist()]
        rows = np.array([item is None or ends.get(item.name, 0) < batch.ts for item in names], dtype=bool)
        if not rows.any():
            return None
        columns = ("asset_ids", "open", "high", "low", "close", "volume")
        return replace(batch, **{name: getattr(batch, name)[rows] for name in columns})

    def set_clock(self, clock: int) -> None:
        """Move the clock forward between bars, durably: rollovers and expiries fall due."""
        with self.exchange() as exchange:
            later = max(clock, self.clock)
            try:
                exchange.tick(later)
                self._commit(exchange.drain_events(), self.step_seq, later, WAIT_S, is_needed=True)
            except BaseException:
                self._stale = True
                raise

    def _commit(
        self,
        events: Sequence[Transaction],
        seq: int,
        clock: int,
        wait_s: float | None,
        *,
        is_needed: bool = False,
    ) -> None:
        changes = self._exchange.drain_changes()
        if changes or is_needed:
            self.store.commit(changes, self._row(changes), seq, clock, wait_s)
        self.step_seq, self.clock = seq, clock
        if any(entry.type == "DAILY_FINANCING" for entry in events):
            self.activities_ts = clock
        if events:
            self.hub.publish([{"entry": entry} for entry in events])

    def _row(self, changes: FxChanges) -> dict[str, Any]:
        row: dict[str, Any] = changes.account or self._exchange.snapshot()["account"]
        return row

    def _reload(self) -> None:
        stored = self.store.load()
        if stored is None:
            self._exchange = self._new()
        else:
            step_seq, clock, state = stored
            self.step_seq, self.clock = max(self.step_seq, step_seq), max(self.clock, clock)
            self._exchange = FxExchange.restore(self._registry, self.config, state, **self._options)
        if self.clock:
            for batch in self._marks():
                self._exchange.mark([batch])
        self._stale = False

    def _new(self) -> FxExchange:
        return FxExchange(self._registry, self.config, self.id, **self._options)
