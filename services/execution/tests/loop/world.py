"""A lock-step world around execution: market, matching engine and streams."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from ratchet.common.bus import Bus
from ratchet.common.codec import encode_bars, encode_signals
from ratchet.common.db import Database
from ratchet.common.leases import AdvisoryLeaderLock
from ratchet.common.streams import PORTFOLIO, SIGNALS, WATERMARK, bars_stream
from ratchet.common.testing import load_module
from ratchet.core.assets import AssetClass, Registry
from ratchet.core.execution import AlgorithmsConfig
from ratchet.core.exits import ExitConfig
from ratchet.core.market import BarBatch, Step
from ratchet.core.orders.ids import signal_id
from ratchet.core.phases import PhasePlan, PhasesConfig
from ratchet.core.risk import RiskConfig, RiskEngine
from ratchet.core.signals import MarketContext, Signal, SignalBatch
from ratchet.execution.books.reconcile import Reconciler
from ratchet.execution.config import ExecutionSettings
from ratchet.execution.engine import Engine
from ratchet.execution.ledger.outbox import OutboxRelay
from ratchet.execution.ledger.postgres import PostgresLedger
from ratchet.execution.ledger.recovery import Loader
from ratchet.execution.loops.commands import Commands
from ratchet.execution.loops.live import LiveLoop
from ratchet.execution.loops.marks import Marks
from ratchet.execution.loops.replay import ReplayLoop
from ratchet.execution.parts import Parts
from ratchet.execution.sending.gate import Gate
from ratchet.execution.sending.throttle import Throttle, Unlimited
from ratchet.execution.venue.inbox import Inbox
from ratchet.v1 import control_pb2, orders_pb2

CoreBroker = load_module(Path(__file__).with_name("core_broker.py")).CoreBroker

HOUR = 3_600_000_000_000
START = int(datetime(2025, 1, 2, 18, tzinfo=UTC).timestamp()) * 1_000_000_000


class LocalRisk:
    """The risk engine without the wire."""

    reason: str | None = None

    def __init__(self, registry: Registry) -> None:
        self.engine = RiskEngine(registry, RiskConfig(stale_price_s=10**9, stale_mark_s=10**9))
        self.evaluate = self.engine.evaluate


class Crash(BaseException):
    """A kill -9, as far as the process's memory is concerned."""


@dataclass
class World:
    """Market, exchange and streams around one execution that can be killed and started again."""

    registry: Registry
    db: Database
    redis_url: str
    broker: CoreBroker
    seq: int = 0
    position: str = "0"
    is_live: bool = False
    stop: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None
    error: BaseException | None = None
    engine: Engine | None = None
    parts: Parts | None = None
    commands: Commands[Engine] = field(default_factory=Commands)
    before_start: Callable[["World"], None] = lambda _: None
    settings: dict[str, Any] = field(default_factory=dict)
    algorithms: AlgorithmsConfig | None = None
    reconciler: Reconciler = field(default_factory=lambda: Reconciler(Decimal(1)))
    crashes: int = 0
    offset_ns: int = 0
    is_down: bool = False
    throttle: Throttle = field(default_factory=Unlimited)

    def __post_init__(self) -> None:
        self.bus = Bus(self.redis_url)
        self.bus.redis.flushdb()

    def start(self) -> None:
        """Lead, load and run, as the service does."""
        self.stop, self.error = threading.Event(), None
        leader = AdvisoryLeaderLock(self.db, "main", "test")
        assert leader.try_acquire()
        inbox = Inbox()
        self.broker.handler = inbox.put
        ledger = PostgresLedger(self.db, "main", self.registry)
        ledger.epoch = leader.epoch
        at_once = threading.Event()
        at_once.set()
        self.own_bus = Bus(self.redis_url, stop=at_once if self.is_live else None)
        settings = {"update_wait_s": 0.05, "unknown_settle_s": 0.05, **self.settings}
        risk = LocalRisk(self.registry)
        self.parts = Parts(
            settings=ExecutionSettings(mode="live" if self.is_live else "replay", **settings),
            registry=self.registry, ledger=ledger, bus=self.own_bus, broker=self.broker, inbox=inbox,
            risk=risk, local_risk=risk.engine, stop=self.stop,
            gate=Gate(self.registry, is_down=lambda _: self.is_live and self.is_down),
            throttle=self.throttle, fence=leader.confirm,
        )  # fmt: skip
        self.thread = threading.Thread(target=self._run, args=(leader,), daemon=True)
        self.thread.start()

    def _run(self, leader: AdvisoryLeaderLock) -> None:
        try:
            assert self.parts is not None
            marks = Marks(self.own_bus, lambda event: self.engine and self.engine.phases.note(event))
            marks.open()
            self.engine = self._loader().load()
            self.before_start(self)
            kind = LiveLoop if self.is_live else ReplayLoop
            loop = kind(self.engine, marks, self.commands, self.own_bus, self.reconciler)
            loop.prepare()
            loop.run(self.stop)
        except BaseException as error:  # noqa: BLE001 - the test's thread looks at it
            self.error = error
        finally:
            leader.release()
            self.own_bus.close()

    def _loader(self) -> Loader:
        assert self.parts is not None
        plan = PhasePlan(phase=0, name="all", asset_classes=(AssetClass.CRYPTO, AssetClass.STOCK))
        later = PhasePlan(phase=1, name="later", asset_classes=())
        return Loader(
            self.parts, exits=ExitConfig(), fees=self.broker.exchange.config,
            phases=PhasesConfig(phases=(plan, later)), allow_short=False, algorithms=self.algorithms,
            on_stranger=self.reconciler.note_stranger,
        )  # fmt: skip

    def load(self) -> Engine:
        """Return what the next leader finds in the ledger."""
        assert self.parts is not None
        leader = AdvisoryLeaderLock(self.db, "main", "next")
        assert leader.try_acquire()
        self.parts.ledger.epoch = leader.epoch  # type: ignore[attr-defined]
        try:
            return self._loader().load()
        finally:
            leader.release()

    def kill(self) -> None:
        """Stop without a clean end being needed."""
        self.stop.set()
        if self.thread is not None:
            self.thread.join(20)
            assert not self.thread.is_alive()

    def step(self) -> None:
        """Let the market move by one bar and everything else but execution react."""
        self.seq += 1
        bars = self.make_bars(self.seq)
        self.bus.publish_many([(bars_stream(batch.universe), encode_bars(batch), batch.ts) for batch in bars])
        self.broker.on_bars(bars)
        mark = control_pb2.Watermark(
            service="paper-exchange", seq=self.seq, ts_ns=bars[0].ts, trade_updates=self.broker.number
        )
        self.bus.publish(WATERMARK, mark, ts=bars[0].ts)
        for batch in bars:
            self.bus.publish(SIGNALS, encode_signals(make_signals(batch)), ts=batch.ts)

    def finish(self, timeout_s: float = 30.0) -> None:
        """Wait until execution has finished the present step; start it again each time it was killed."""
        deadline = time.monotonic() + timeout_s
        while True:
            for entry in self.bus.tail(WATERMARK, self.position, block_ms=20):
                self.position = entry.entry_id
                mark = entry.parse(control_pb2.Watermark)
                if mark.service == "execution" and mark.seq >= self.seq:
                    return
            if isinstance(self.error, Crash):
                self.thread.join()  # type: ignore[union-attr]
                self.crashes += 1
                self.start()
            elif self.error is not None:
                raise self.error
            assert time.monotonic() < deadline, "execution has not finished the step in time"

    def run(self, steps: int) -> None:
        """Move on by so many bars."""
        for _ in range(steps):
            self.step()
            self.finish()

    def ledger(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything that must not depend on what went wrong on the way."""
        queries = {
            "orders": "SELECT client_order_id, symbol, side, qty, status, filled_qty, filled_avg_price, "
            "intent, reason, seq, position, created_ts FROM orders ORDER BY 1",
            "fills": "SELECT execution_id, client_order_id, qty, price, fee, realized_pnl, ts FROM fills "
            "ORDER BY 1",
            "positions": "SELECT symbol, qty, avg_entry_price, realized_pnl FROM positions ORDER BY 1",
            "cash": "SELECT kind, amount, reference, ts FROM cash_ledger ORDER BY 3, 1",
            "days": "SELECT day, asset_class, pnl, equity, trades, wins FROM daily_performance ORDER BY 1, 2",
            "decisions": "SELECT proposal_id, approved, qty, reasons FROM risk_decisions ORDER BY 1",
            "events": "SELECT id, from_status, to_status FROM order_events WHERE from_status <> 'unknown' "
            "AND to_status <> 'unknown' AND source <> 'answer' ORDER BY 1",
        }
        rows = {name: self.db.query(statement) for name, statement in queries.items()}
        return {**rows, "marks": self.marks()}

    def marks(self) -> list[tuple[Any, ...]]:
        """What execution remembers of every asset."""
        assert self.engine is not None
        session = self.engine.session
        columns = (column.tolist() for column in session.portfolio.marks)
        return [*zip(*columns, strict=True), (session.inputs.state()["notional"],)]

    def make_bars(self, seq: int) -> tuple[BarBatch, ...]:
        """The bars of an hour."""
        return tuple(replace(batch, ts=batch.ts + self.offset_ns) for batch in make_bars(seq))

    def relay(self) -> None:
        """Publish the outbox."""
        while OutboxRelay(self.db, self.bus, threading.Event()).relay():
            pass

    def closed_days(self) -> list[str]:
        """Days whose close was published, each once."""
        entries = self.bus.tail(PORTFOLIO, "0")
        days = [entry.parse(orders_pb2.PortfolioSnapshot).day_close for entry in entries]
        return sorted({day for day in days if day})


def make_bars(seq: int) -> tuple[BarBatch, ...]:
    """Hour `seq`: two coins around the clock, a stock in every third hour."""
    random = np.random.default_rng(seq)
    ts = START + seq * HOUR
    universes = ("crypto", "stock") if seq % 3 == 0 else ("crypto",)
    batches = []
    for universe in universes:
        ids = np.array([0, 1] if universe == "crypto" else [2], dtype=np.uint32)
        base = np.array([40_000.0, 2_500.0] if universe == "crypto" else [500.0])
        drift = 1 + 0.05 * np.sin(seq / 4 + ids)
        opened = np.round(base * drift, 2)
        close = np.round(opened * (1 + random.normal(0, 0.01, len(ids))), 2)
        batches.append(
            BarBatch(
                universe=universe, timeframe="1h", ts=ts, start=ts - HOUR, asset_ids=ids, open=opened,
                high=np.round(np.maximum(opened, close) * 1.004, 2),
                low=np.round(np.minimum(opened, close) * 0.996, 2), close=close,
                volume=np.full(len(ids), 10_000.0), step=Step(seq, universes),
            )
        )  # fmt: skip
    return tuple(batches)


def make_signals(batch: BarBatch) -> SignalBatch:
    """Buy low and sell high on a sine, so that something happens in every few hours."""
    signals = []
    for row, asset_id in enumerate(batch.asset_ids.tolist()):
        phase = np.sin(batch.step.seq / 4 + asset_id)
        direction = 1 if phase < -0.6 else -1 if phase > 0.6 else 0
        if direction:
            signals.append(
                Signal(
                    id=signal_id("test", str(asset_id), batch.ts, direction), asset_id=asset_id,
                    direction=direction, confidence=0.9, price=float(batch.close[row]),
                    votes={"sine": float(direction)},
                )
            )  # fmt: skip
    context = MarketContext(
        batch.asset_ids,
        batch.close * 0.01,
        np.full(len(batch), 0.01),
        np.zeros(len(batch), dtype=np.int8),
        *np.full((3, len(batch)), np.nan),
    )
    return SignalBatch(batch.universe, batch.ts, batch.step, tuple(signals), context)
