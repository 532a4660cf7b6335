"""The live loop: decides when signals arrive, books fills when they arrive, and asks by REST regularly."""

import threading
import time
from collections.abc import Sequence

from ratchet.common import metrics
from ratchet.common.codec import encode_snapshot
from ratchet.common.consumer import Consumer
from ratchet.common.logging import get_logger
from ratchet.common.received import Received
from ratchet.common.streams import PORTFOLIO, SIGNALS, bars_stream
from ratchet.core.market import BarBatch
from ratchet.core.orders import Intent, Order, OrderStatus
from ratchet.core.phases import PhaseState
from ratchet.core.portfolio import PortfolioSnapshot
from ratchet.core.risk import Proposal, RiskContext, RiskEngine, Verdict
from ratchet.core.signals import SignalBatch
from ratchet.execution.booking import MissedError
from ratchet.execution.commands import Commands
from ratchet.execution.engine import Engine, now_ns
from ratchet.execution.gather import UnreadableError, decode
from ratchet.execution.ledger import Effects
from ratchet.execution.marks import Marks
from ratchet.execution.reconcile import Reconciler
from ratchet.execution.risk_client import RiskUnavailableError
from ratchet.execution.sync import Synchronizer, oldest_open_ns
from ratchet.execution.watch import observe

_log = get_logger("live")
SERVICE = "execution"
RISK_UNAVAILABLE = "RISK_UNAVAILABLE"
_POLL_MS = 50
_RESOLVE_EVERY_S = 1.0
_NS = 1_000_000_000


class LiveLoop:
    """One iteration reads what has arrived, decides, commits, sends, and then looks after open questions."""

    def __init__(
        self,
        engine: Engine,
        marks: Marks,
        commands: Commands[Engine],
        reconciler: Reconciler,
        fallback: RiskEngine,
    ) -> None:
        self._engine = engine
        self._marks = marks
        self._commands = commands
        self._reconciler = reconciler
        self._fallback = fallback
        self._parts = engine.parts
        streams = [*(bars_stream(name) for name in self._parts.registry.universes), SIGNALS]
        name = f"{SERVICE}-{self._parts.writer.portfolio}"
        self._consumer: Consumer = self._parts.bus.consumer(name, streams, name=name)
        self._sync = Synchronizer(self._parts.broker, engine.booker, self._parts.inbox)
        self._bars: dict[str, BarBatch] = {}
        self._next_resolve = self._next_sync = self._next_reconcile = 0.0
        self.waits_for: str | None = None

    def run(self, stop: threading.Event) -> None:
        """Work until stopped."""
        try:
            while not stop.is_set():
                self._commands.run_waiting(self._engine)
                self._marks.poll(0)
                self._take(self._consumer.read(block_ms=_POLL_MS))
                self._book_stream()
                self._look_after()
        finally:
            self._consumer.close()

    def _take(self, received: Sequence[Received]) -> None:
        if not received:
            return
        started = time.perf_counter()
        effects = Effects()
        done = [entry for entry in received if self._handle(entry, effects)]
        if done:
            with done[-1].span("execution.decide"):
                self._finish(effects, started)
            self._consumer.ack(*done)

    def _handle(self, entry: Received, effects: Effects) -> bool:
        try:
            batch = decode(entry)
        except UnreadableError as error:
            self._consumer.dead(entry, str(error))
            return False
        engine = self._engine
        effects.ts = max(effects.ts, batch.ts)
        if isinstance(batch, BarBatch):
            engine.close_day(batch.ts, 0)
            engine.session.mark([batch])
            self._bars[batch.universe] = batch
        else:
            self._decide(batch, effects)
        return True

    def _decide(self, batch: SignalBatch, effects: Effects) -> None:
        bars = self._bars.get(batch.universe)
        matching = [bars] if bars is not None and bars.ts == batch.ts else []
        # Risk compares the prices' time with the wall clock's, so signals of long ago trade nothing.
        self._engine.decide(matching, [batch], batch.ts, 0, effects, judged_at=now_ns(), judge=self._judge)

    def _judge(
        self,
        snapshot: PortfolioSnapshot,
        proposals: Sequence[Proposal],
        phases: Sequence[PhaseState],
        ts: int,
        context: RiskContext,
    ) -> list[Verdict]:
        """Ask risk; without it, exits are judged here by the same engine and entries are refused."""
        try:
            return self._parts.risk.evaluate(snapshot, proposals, phases, ts, context)
        except RiskUnavailableError:
            verdicts = self._fallback.evaluate(snapshot, proposals, phases, ts)
            return [
                verdict
                if proposal.intent is Intent.EXIT
                else Verdict(proposal.id, False, verdict.qty * 0, (RISK_UNAVAILABLE,))
                for proposal, verdict in zip(proposals, verdicts, strict=True)
            ]

    def _finish(self, effects: Effects, started: float) -> None:
        engine = self._engine
        engine.ts = effects.ts = max(engine.ts, effects.ts)
        snapshot = engine.snapshot()
        if not effects.is_trivial:
            effects.snapshots.append(snapshot)
        engine.commit(effects, durable=not effects.is_trivial)
        if effects.new_orders:
            engine.send(effects)
            metrics.TICK_TO_ORDER_SECONDS.observe(time.perf_counter() - started)
        self._parts.bus.publish(PORTFOLIO, encode_snapshot(engine.snapshot()), ts=engine.ts)

    def _book_stream(self) -> None:
        updates = self._parts.inbox.take()
        if not updates:
            return
        effects = Effects(ts=self._engine.ts)
        try:
            for update in updates:
                self._engine.booker.update(self._engine.session, update, effects)
        except MissedError as error:
            _log.warning("trade update missing", reason=str(error))
            self._parts.inbox.mark_gap()
            self._next_sync = 0.0
        if not effects.is_trivial:
            self._finish(effects, time.perf_counter())

    def _look_after(self) -> None:
        """Resolve unanswered orders, fill holes by REST, compare the books."""
        now = time.monotonic()
        if now >= self._next_resolve:
            self._next_resolve = now + _RESOLVE_EVERY_S
            self._resolve()
        every = self._parts.settings.reconcile_every_s
        if now >= self._next_sync or (self._parts.inbox.has_gap and now >= self._next_sync - every + 1.0):
            self._next_sync = now + every
            self._ask_by_rest()
        if now >= self._next_reconcile:
            self._next_reconcile = now + every * 10
            observe(self._engine, self._reconciler.run(self._engine))

    def _resolve(self) -> None:
        unsent = {OrderStatus.PENDING_NEW, OrderStatus.UNKNOWN}
        if any(order.status in unsent for order in self._engine.session.working_orders):
            self._engine.resolve_unknown(self._may_resend)

    def _may_resend(self, order: Order) -> bool:
        """An entry's reasons grow old; an exit's position is still there."""
        age_s = (now_ns() - order.created_ts) / _NS
        return order.intent is Intent.EXIT or age_s < self._parts.settings.unknown_valid_s

    def _ask_by_rest(self) -> None:
        engine = self._engine
        effects = Effects(ts=engine.ts)
        since = oldest_open_ns(
            engine.session, now_ns() - int(self._parts.settings.reconcile_every_s * 2 * _NS)
        )
        synced = self._sync.sync(engine.session, effects, since, None)
        self.waits_for = None if synced.ok else "the broker does not answer"
        if not effects.is_trivial:
            self._finish(effects, time.perf_counter())
