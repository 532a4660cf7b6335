"""The lock-step loop: one step of a replay after the other, finished before its watermark is published."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence

from ratchet.common import metrics
from ratchet.common.bus import Bus
from ratchet.common.codec import encode_snapshot
from ratchet.common.consumer import Consumer
from ratchet.common.logging import get_logger
from ratchet.common.received import Received
from ratchet.common.streams import PORTFOLIO, SIGNALS, WATERMARK, bars_stream
from ratchet.execution.books.activities import ActivityBooker
from ratchet.execution.books.adoption import book_replayed
from ratchet.execution.books.booking import MissedError
from ratchet.execution.books.reconcile import Reconciler
from ratchet.execution.engine import Engine, StoppedError
from ratchet.execution.ledger.effects import Effects
from ratchet.execution.loops import contracts
from ratchet.execution.loops.closing import close_day
from ratchet.execution.loops.commands import Commands
from ratchet.execution.loops.gather import Gatherer, StepInput
from ratchet.execution.loops.marks import SERVICE, Marks
from ratchet.execution.venue.broker import BrokerError, TradeUpdate
from ratchet.execution.venue.sync import Synchronizer, oldest_open_ns
from ratchet.v1 import control_pb2

_log = get_logger("replay")
_STATUS_KEY = "ratchet:replay:status"
_BUSY_MS, _IDLE_MS = 50, 200
_OVERLAP_NS = 2_000_000_000


class ReplayLoop:
    """Steps through a replay from where the engine stands."""

    def __init__(
        self, engine: Engine, marks: Marks, commands: Commands[Engine], bus: Bus, reconciler: Reconciler
    ) -> None:
        self._engine = engine
        self._marks = marks
        self._commands = commands
        self._parts = engine.parts
        self._bus = bus
        self._reconciler = reconciler
        universes = self._parts.registry.universes
        streams = [*(bars_stream(name) for name in universes), SIGNALS]
        name = f"{SERVICE}-{engine.portfolio}"
        # One name for every instance: only the leader reads, and a new leader takes over at once.
        self._consumer: Consumer = bus.consumer(name, streams, name=name)
        self._gatherer = Gatherer(engine.seq)
        self._sync = Synchronizer(self._parts.broker, engine.booker, self._parts.inbox)
        self._held: list[TradeUpdate] = []
        self._unacknowledged: list[Received] = []
        self._uncommitted = 0
        self._last_seq = 0
        # What the venues had told at the last step, and up to when their other bookings are known.
        self._told: Mapping[str, int] = {}
        self._booked_ts = engine.ts
        self._activities = ActivityBooker(
            self._parts.registry, self._parts.ledger.reckoned_fees, reconciler.note_stranger
        )
        self.waits_for: str | None = None

    def prepare(self) -> None:
        """Find out what became of every order, and compare the books."""
        self._engine.settle()
        self._reconciler.run(self._engine, "start")

    def run(self, stop: threading.Event) -> None:
        """Work until stopped; what was not committed is done again after the next start."""
        self._announce_restart()
        try:
            while not stop.is_set():
                step = self._gather(stop)
                if step is not None:
                    self._run_step(step)
            self._checkpoint()
        finally:
            self._consumer.close()

    def _gather(self, stop: threading.Event) -> StepInput | None:
        """Wait for everything of the next step; None when stopped."""
        step = self._gatherer.current
        while not stop.is_set():
            self._commands.run_waiting(self._engine)
            if self._marks.exchange.seq < step.seq:
                self._wait_for_exchange(step)
                continue
            if step.is_complete:
                self.waits_for = None
                return step
            self._read(step)
        return None

    def _wait_for_exchange(self, step: StepInput) -> None:
        """Wait for the slowest part first: what else the step needs arrives meanwhile."""
        self._marks.poll(_BUSY_MS if self._uncommitted else _IDLE_MS)
        if self._marks.exchange.seq < step.seq:
            self.waits_for = f"step {step.seq} waits for the exchange"
            self._checkpoint()

    def _read(self, step: StepInput) -> None:
        received = self._consumer.read(block_ms=_IDLE_MS, count=512)
        for entry, reason in self._gatherer.add(received):
            self._consumer.dead(entry, reason)
        stale = self._gatherer.take_stale()
        if stale:
            self._consumer.ack(*stale)
        if not received:
            self.waits_for = f"step {step.seq} waits for {step.missing()}"

    def _run_step(self, step: StepInput) -> None:
        started = time.perf_counter()
        parent = next((entry for entry in step.received if entry.stream == SIGNALS), step.received[0])
        with parent.span("execution.step"):
            changed = self._decide(step, started)
            self._publish(step, changed=changed)
        metrics.STEP_SECONDS.observe(time.perf_counter() - started)

    def _decide(self, step: StepInput, started: float) -> bool:
        """Run the step up to the venue's answers; return whether anything changed."""
        engine = self._engine
        effects = Effects(step.seq, step.ts)
        bars = step.ordered_bars()
        if close_day(engine, step.ts, step.seq):
            self._uncommitted = 0
        self._book_updates(step, effects)
        effects.outcomes += engine.session.mark(bars)
        self._until(step, lambda: contracts.refresh(engine, ts=step.ts))
        engine.decide(bars, step.ordered_signals(), step.ts, step.seq, effects)
        self._uncommitted += 1
        if not effects.is_trivial or step.seq == self._last_step() or self._is_checkpoint_due():
            self._commit(effects)
        engine.seq, engine.ts = step.seq, step.ts
        if effects.new_orders or effects.cancels:
            engine.send(effects)
            metrics.TICK_TO_ORDER_SECONDS.observe(time.perf_counter() - started)
            engine.settle()
        return not effects.is_trivial

    def _commit(self, effects: Effects) -> None:
        engine = self._engine
        effects.snapshots.append(engine.session.snapshot(effects.ts, effects.seq, engine.effective_state))
        # Even without effects: what this step and those before it were told is acknowledged now.
        engine.commit(effects)
        self._uncommitted = 0

    def _is_checkpoint_due(self) -> bool:
        return self._uncommitted >= self._parts.settings.checkpoint_steps

    def _book_updates(self, step: StepInput, effects: Effects) -> None:
        """Book what the exchange made of the step's bars: by stream, by REST where that has a hole."""
        engine, inbox = self._engine, self._parts.inbox
        total = self._totals()
        complete = True
        self._book_activities(step, effects)
        if engine.session.working_orders or total != self._told:
            complete = inbox.wait_for(total, self._parts.settings.update_wait_s)
        else:
            # Nothing of ours can have been filled, so nothing can have been missed.
            inbox.mark_synced(inbox.begin_sync(), total)
        self._told = total
        # Venue by venue: which stream was faster must not matter.
        updates = sorted([*self._held, *inbox.take()], key=lambda update: update.venue)
        self._held = [update for update in updates if update.ts > step.ts]
        try:
            for update in updates:
                if update.ts <= step.ts:
                    engine.booker.update(engine.session, update, effects)
        except MissedError as error:
            _log.warning("trade update missing", reason=str(error))
            complete = False
        if not complete:
            self._ask_by_rest(step, effects, total)

    def _totals(self) -> Mapping[str, int]:
        """Return how many updates each venue has made, the first one's name being empty."""
        mark = self._marks.exchange
        made = {"alpaca": mark.trade_updates, **mark.venue_updates}
        first, *others = self._parts.venues
        return {"": made.get(first, 0), **{name: made.get(name, 0) for name in others}}

    def _book_activities(self, step: StepInput, effects: Effects) -> None:
        """Book dividends, splits, interest and financing; asks only when the exchange has booked any."""
        if self._marks.exchange.activities_ts_ns <= self._booked_ts:
            return
        since = max(0, self._booked_ts - _OVERLAP_NS)

        def book() -> bool:
            try:
                book_replayed(self._engine, self._activities, effects, since, step.ts)
            except BrokerError as error:
                _log.warning("activities not known", reason=str(error))
                return False
            return True

        self._until(step, book)
        self._booked_ts = step.ts

    def _ask_by_rest(self, step: StepInput, effects: Effects, total: Mapping[str, int]) -> None:
        """Ask until the venue has answered: a step is not finished before its fills are known."""
        since = oldest_open_ns(self._engine.session, step.ts)
        self._until(step, lambda: self._sync.sync(self._engine.session, effects, since, step.ts, total).ok)

    def _until(self, step: StepInput, ask: Callable[[], bool]) -> None:
        pause = 0.05
        while not ask():
            self._parts.bus.on_activity()
            self.waits_for = f"step {step.seq} waits for the venue's answer"
            if self._parts.clock.wait(self._parts.stop, pause):
                raise StoppedError("stopped while the venue did not answer")
            pause = min(pause * 2, 1.0)

    def _publish(self, step: StepInput, *, changed: bool) -> None:
        engine, bus = self._engine, self._bus
        self._unacknowledged += self._gatherer.finish()
        mark = control_pb2.Watermark(service=SERVICE, seq=step.seq, ts_ns=step.ts)
        messages: list[tuple[str, object, int]] = []
        if changed or not self._uncommitted:
            snapshot = engine.session.snapshot(step.ts, step.seq, engine.effective_state)
            messages.append((PORTFOLIO, encode_snapshot(snapshot), step.ts))
        messages.append((WATERMARK, mark, step.ts))
        done = self._take_acknowledged()
        ids = bus.publish_many(messages, ack=(self._consumer, done) if done else None)  # type: ignore[arg-type]
        self._marks.skip_to(ids[-1], step.seq)

    def _take_acknowledged(self) -> Sequence[Received]:
        """Return entries whose step is committed; the others must come again after a crash."""
        if self._uncommitted:
            return []
        done, self._unacknowledged = self._unacknowledged, []
        return done

    def _checkpoint(self) -> None:
        """Commit steps without effects, which nobody waits for."""
        if not self._uncommitted:
            return
        self._commit(Effects(self._engine.seq, self._engine.ts))
        done = self._take_acknowledged()
        if done:
            self._consumer.ack(*done)

    def _announce_restart(self) -> None:
        """Publish our last watermark again: it may have been lost with the process before."""
        engine = self._engine
        if engine.seq:
            mark = control_pb2.Watermark(service=SERVICE, seq=engine.seq, ts_ns=engine.ts)
            self._bus.publish(WATERMARK, mark, ts=engine.ts)

    def _last_step(self) -> int:
        """Return the number of the replay's last step, 0 while it is not known."""
        if not self._last_seq:
            total = self._bus.retrying(lambda: self._bus.redis.hget(_STATUS_KEY, "total"))
            self._last_seq = int(total or 0)
        return self._last_seq
