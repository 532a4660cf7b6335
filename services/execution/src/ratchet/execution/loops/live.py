"""The live loop: decides when signals arrive, books fills when they arrive, and asks by REST regularly.

It wakes for signals only. The bars that they were computed from are in their streams by then and are read
first; bars alone are marked, and told to others when there is nothing else to do, as is what the venue has
answered: neither holds up an order.

It never waits for Redis: without it no signal arrives, but commands, the broker's updates and the comparison
of the books go on.
"""

import contextlib
import threading
import time
from collections.abc import Sequence

from ratchet.common import metrics
from ratchet.common.bus import Bus
from ratchet.common.consumer import Consumer
from ratchet.common.errors import BusUnavailableError
from ratchet.common.logging import get_logger
from ratchet.common.received import Received
from ratchet.common.streams import SIGNALS, bars_stream
from ratchet.core.market import BarBatch
from ratchet.core.orders import Intent, Order
from ratchet.core.signals import SignalBatch
from ratchet.execution.books.booking import MissedError
from ratchet.execution.books.reconcile import Reconciler
from ratchet.execution.engine import Engine
from ratchet.execution.ledger.effects import Effects
from ratchet.execution.loops.closing import close_day
from ratchet.execution.loops.commands import Commands
from ratchet.execution.loops.contracts import ContractQuotes
from ratchet.execution.loops.gather import UnreadableError, decode
from ratchet.execution.loops.marks import SERVICE, Marks
from ratchet.execution.loops.watch import observe
from ratchet.execution.sending.worked import look_after
from ratchet.execution.venue.broker import TradeUpdate
from ratchet.execution.venue.sync import Synchronizer, oldest_open_ns

_log = get_logger("live")
_POLL_MS = 50
_RESOLVE_EVERY_S = 1.0
# Marks are told at least so often, however much else there is to do.
_UNTOLD_S = 1.0
# Signals follow their bars within this time, else the bars are told without them.
_FOLLOWED_S = 0.2
# Updates that arrive with new bars wait so long for the signals, to be committed together with orders.
_TOGETHER_S = 0.05
# What takes long waits so long for the quiet after a decision: the next tick is farthest away then.
_PATIENCE_S = 1.0
_QUIET_S = 0.2
# Older executions are asked for only where some are missing: after a start, or when the venue was away.
_LOOK_BACK_NS = 86_400_000_000_000
# The database keeps microseconds.
_US, _NS = 1_000, 1_000_000_000


class LiveLoop:
    """One iteration reads what has arrived, decides, commits, sends, and then looks after open questions."""

    def __init__(
        self, engine: Engine, marks: Marks, commands: Commands[Engine], bus: Bus, reconciler: Reconciler
    ) -> None:
        self._engine = engine
        self._marks = marks
        self._commands = commands
        self._reconciler = reconciler
        self._parts = engine.parts
        name = f"{SERVICE}-{engine.portfolio}"
        streams = [bars_stream(universe) for universe in self._parts.registry.universes]
        self._bus = bus
        self._consumer: Consumer = bus.consumer(name, [SIGNALS], name=name, along=streams)
        self._parts.inbox.on_arrival(self._consumer.wake)
        self._sync = Synchronizer(self._parts.broker, engine.booker, self._parts.inbox)
        self._contracts = ContractQuotes(engine)
        self._bars: dict[str, BarBatch] = {}
        self._decided: dict[str, int] = {}
        # Handled, but not committed yet, since when (monotonic seconds); and committed, but not acknowledged.
        self._untold: list[Received] = []
        # Bars that have woken us, with updates, before their signals came; and until when they wait for them.
        self._early: list[Received] = []
        self._early_until = 0.0
        self._untold_since = 0.0
        self._unacknowledged: list[Received] = []
        # Signals up to here may have been decided by the process before us.
        self._loaded_ts = engine.ts
        self._next_resolve = self._next_sync = self._next_reconcile = 0.0
        self._decided_at = float("-inf")
        self._is_synced = False
        self._bus_away_until = 0.0
        self.waits_for: str | None = None

    def prepare(self) -> None:
        """Ask what became of orders, book what happened meanwhile, compare the books; send nothing anew."""
        self._recall_bars()
        self._engine.resolve_unknown(lambda _: False)
        self._ask_by_rest(since_ns=self._engine.ts)
        self._reconciler.run(self._engine, "start")
        self._next_reconcile = self._parts.clock.monotonic() + self._parts.settings.reconcile_every_s

    def run(self, stop: threading.Event) -> None:
        """Work until stopped."""
        try:
            while not stop.is_set():
                self.turn()
            self._engine.write_answers()
        finally:
            self._try_to_acknowledge()
            self._consumer.close()

    def _recall_bars(self) -> None:
        """Mark the newest bars of the running day, which may be later than the last commit."""
        portfolio = self._engine.session.portfolio
        for universe in self._parts.registry.universes:
            with contextlib.suppress(BusUnavailableError, UnreadableError):
                newest = self._bus.last(bars_stream(universe))
                batch = decode(newest) if newest else None
                if isinstance(batch, BarBatch) and not portfolio.day_to_close(batch.ts):
                    portfolio.mark([batch])

    def turn(self) -> None:
        """Do one iteration."""
        self._parts.quotes.feed(self._engine.session)
        self._commands.run_waiting(self._engine)
        received = [*self._early, *self._read()]
        if self._comes_early(received):
            return
        updates = self._parts.inbox.take()
        self._take(received, updates)
        self._tell_marks(is_idle=not received)
        self._engine.send_waiting()
        self._look_after(is_idle=not received and not updates)

    def _read(self) -> list[Received]:
        """Return new messages, bars first; without Redis, none after the same pause."""
        if self._parts.clock.monotonic() < self._bus_away_until:
            self._parts.bus.on_activity()
            self._parts.inbox.wait_for_news(_POLL_MS / 1000)
            return []
        try:
            self._acknowledge()
            self._marks.poll(0)
            is_due = self._parts.inbox.has_news and not self._early
            return self._consumer.read(block_ms=0 if is_due else _POLL_MS)
        except BusUnavailableError as error:
            _log.warning("no signals arrive", reason=str(error))
            self._bus_away_until = self._parts.clock.monotonic() + 1.0
            return []

    def _comes_early(self, received: list[Received]) -> bool:
        """Keep bars until the signals that are computed from them are here, or for a short while."""
        now = self._parts.clock.monotonic()
        if not self._early:
            self._early_until = now + _TOGETHER_S
        is_early = (
            bool(received)
            and now < self._early_until
            and not any(entry.stream == SIGNALS for entry in received)
        )
        self._early = received if is_early else []
        return is_early

    def _try_to_acknowledge(self) -> None:
        """Acknowledge what is durable; without Redis that is done later, or the messages come again."""
        try:
            self._acknowledge()
        except BusUnavailableError as error:
            _log.warning("messages not acknowledged", reason=str(error))

    def _acknowledge(self) -> None:
        if self._unacknowledged and not self._engine.has_unwritten:
            self._consumer.ack(*self._unacknowledged)
            self._unacknowledged = []

    def _take(self, received: Sequence[Received], updates: Sequence[TradeUpdate]) -> None:
        """Book what the broker told, then decide on what has arrived; both are committed at once."""
        if not received and not updates:
            return
        started = time.perf_counter()
        effects = Effects(ts=self._engine.ts)
        self._book(updates, effects)
        done = [entry for entry in received if self._handle(entry, effects)]
        if done and not self._untold:
            self._untold_since = self._parts.clock.monotonic()
        self._untold += done
        self._engine.ts = max(self._engine.ts, effects.ts)
        if not effects.is_trivial:
            with done[-1].span("execution.decide") if done else contextlib.nullcontext():
                self._finish(effects, started)
            self._try_to_acknowledge()

    def _tell_marks(self, *, is_idle: bool) -> None:
        """Commit and publish what bars have changed, when nothing waits for us or it has waited long.

        Answers of the venue are committed with that, or alone.
        """
        if is_idle:
            self._engine.write_answers()
        if not self._untold:
            return
        waited = self._parts.clock.monotonic() - self._untold_since
        if waited >= (_UNTOLD_S if not is_idle else _FOLLOWED_S if self._awaits_signals else 0.0):
            self._finish(Effects(ts=self._engine.ts), time.perf_counter())
            self._try_to_acknowledge()

    @property
    def _awaits_signals(self) -> bool:
        """Whether bars are marked whose signals are on their way, and would wait for a commit now."""
        return any(batch.ts > self._decided.get(universe, 0) for universe, batch in self._bars.items())

    def _handle(self, entry: Received, effects: Effects) -> bool:
        try:
            batch = decode(entry)
        except UnreadableError as error:
            self._consumer.dead(entry, str(error))
            return False
        effects.ts = max(effects.ts, batch.ts)
        if isinstance(batch, BarBatch):
            self._mark(batch, effects)
        elif batch.ts > self._decided.get(batch.universe, 0):
            self._decide(batch, effects)
        return True

    def _mark(self, batch: BarBatch, effects: Effects) -> None:
        close_day(self._engine, batch.ts, 0)
        effects.outcomes += self._engine.session.mark([batch])
        self._bars[batch.universe] = batch

    def _decide(self, batch: SignalBatch, effects: Effects) -> None:
        self._decided[batch.universe] = batch.ts
        self._decided_at = self._parts.clock.monotonic()
        bars = self._bars.get(batch.universe)
        matching = [bars] if bars is not None and bars.ts == batch.ts else []
        # Risk compares the prices' time with the wall clock's, so signals of long ago trade nothing.
        engine = self._engine
        engine.decide(
            matching,
            [batch],
            batch.ts,
            0,
            effects,
            judged_at=self._parts.clock.now_ns(),
            judge=engine.judge,
            is_repeat=batch.ts // _US <= self._loaded_ts // _US,
        )

    def _finish(self, effects: Effects, started: float) -> None:
        engine = self._engine
        engine.ts = effects.ts = max(engine.ts, effects.ts)
        sends = bool(effects.new_orders or effects.cancels or effects.replacements)
        if sends:
            # One of a series, and what makes no order: the orders need not wait for them.
            snapshot, refusals = engine.snapshot(), effects.take_refusals()
        elif not effects.is_trivial:
            effects.snapshots.append(engine.snapshot())
        engine.commit(effects, durable=not effects.is_trivial)
        if sends:
            engine.send(effects)
            engine.write_later(snapshot, refusals)
            metrics.TICK_TO_ORDER_SECONDS.observe(time.perf_counter() - started)
        engine.publish_portfolio()
        self._unacknowledged += self._untold
        self._untold = []

    def _book(self, updates: Sequence[TradeUpdate], effects: Effects) -> None:
        try:
            for update in updates:
                self._engine.booker.update(self._engine.session, update, effects)
        except MissedError as error:
            _log.warning("trade update missing", reason=str(error))
            self._parts.inbox.mark_gap()
            self._next_sync = 0.0

    def _look_after(self, *, is_idle: bool) -> None:
        """Resolve unanswered orders, fill holes by REST, compare the books, quote option contracts."""
        self._contracts.look_after()
        now = self._parts.clock.monotonic()
        if self._parts.inbox.take_is_back():
            # What was asked in vain meanwhile can be had now.
            self._next_resolve = self._next_sync = 0.0
        if now >= self._next_resolve:
            self._next_resolve = now + _RESOLVE_EVERY_S
            if any(order.needs_answer for order in self._engine.session.working_orders):
                self._engine.resolve_unknown(self._may_resend)
            effects = look_after(self._engine)
            if not effects.is_trivial:
                self._finish(effects, time.perf_counter())
        every = self._parts.settings.reconcile_every_s
        is_quiet = is_idle and now < self._decided_at + _QUIET_S
        due = self._next_sync - every + 1.0 if self._parts.inbox.has_gap else self._next_sync
        if _is_time(now, due, is_quiet=is_quiet):
            self._next_sync = now + every
            self._ask_by_rest()
        if _is_time(now, self._next_reconcile, is_quiet=is_quiet):
            report = self._reconciler.run(self._engine)
            observe(self._engine, report)
            # What blocks new risk is looked at again soon, for most of it explains itself.
            self._next_reconcile = now + every * (10 if report.ok else 1)

    def _may_resend(self, order: Order) -> bool:
        """An entry's reasons grow old; an exit's position is still there."""
        age_s = (self._parts.clock.now_ns() - order.created_ts) / _NS
        return order.intent is Intent.EXIT or age_s < self._parts.settings.unknown_valid_s

    def _ask_by_rest(self, since_ns: int = 0) -> None:
        """Book executions and states since the oldest that may still change, or since an earlier time."""
        engine = self._engine
        effects = Effects(ts=engine.ts)
        now_ns = self._parts.clock.now_ns()
        recent = now_ns - int(self._parts.settings.reconcile_every_s * 2 * _NS)
        fallback = min(recent, since_ns) if since_ns else recent
        since = min(oldest_open_ns(engine.session, fallback), fallback)
        if self._is_synced:
            since = max(since, now_ns - _LOOK_BACK_NS)
        synced = self._sync.sync(engine.session, effects, since, None)
        self._is_synced = synced.ok and not synced.lacks_fills
        self.waits_for = None if synced.ok else "the broker does not answer"
        if not effects.is_trivial:
            self._finish(effects, time.perf_counter())


def _is_time(now: float, due: float, *, is_quiet: bool) -> bool:
    """Whether something that takes long is to be done now."""
    return now >= due if is_quiet else now >= due + _PATIENCE_S
