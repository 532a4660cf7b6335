"""A lock-step world around execution: market, matching engine and streams."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from ratchet.common.bus import Bus
from ratchet.common.codec import encode_bars, encode_signals
from ratchet.common.db import Database
from ratchet.common.leases import AdvisoryLeaderLock
from ratchet.common.streams import PORTFOLIO, SIGNALS, WATERMARK, bars_stream
from ratchet.core.assets import AssetClass, Registry
from ratchet.core.exchange import Exchange, ExchangeConfig, ExchangeEvent, ExchangeOrder, OrderRejected
from ratchet.core.exchange import OrderRequest as ExchangeRequest
from ratchet.core.exchange import ReplaceRequest as ExchangeReplace
from ratchet.core.execution import AlgorithmsConfig
from ratchet.core.exits import ExitConfig
from ratchet.core.market import BarBatch, Step
from ratchet.core.orders import OrderStatus, Trail
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
from ratchet.execution.venue.broker import (
    BrokerAccount,
    BrokerActivity,
    BrokerFill,
    BrokerOrder,
    BrokerPosition,
    BrokerRefusedError,
    BrokerUnreachableError,
    DuplicateOrderError,
    OrderNotFoundError,
    OrderRequest,
    ReplaceRequest,
    TradeUpdate,
)
from ratchet.execution.venue.inbox import Inbox
from ratchet.v1 import control_pb2, orders_pb2

HOUR = 3_600_000_000_000
START = int(datetime(2025, 1, 2, 18, tzinfo=UTC).timestamp()) * 1_000_000_000
_STATUS = {
    "new": OrderStatus.ACCEPTED, "accepted": OrderStatus.ACCEPTED, "filled": OrderStatus.FILLED,
    "partially_filled": OrderStatus.PARTIALLY_FILLED, "canceled": OrderStatus.CANCELED,
    "expired": OrderStatus.EXPIRED, "replaced": OrderStatus.REPLACED,
}  # fmt: skip


class CoreBroker:
    """The real matching engine behind the broker port; its trade updates can be lost, doubled or mute."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.exchange = Exchange(registry, ExchangeConfig(), "test")
        self.handler: Callable[[TradeUpdate], None] = lambda _: None
        self.number = 0
        self.known: dict[str, ExchangeOrder] = {}
        self.executions: list[BrokerFill] = []
        self.submit_faults: list[str] = []
        self.look_up_faults: list[str] = []
        self.submitted: list[str] = []
        self.lose: Callable[[TradeUpdate], bool] = lambda _: False
        self.repeat = 1
        self.extra_cash = Decimal(0)
        self.cancel_faults: list[str] = []
        self.cancels = 0
        self.told: list[BrokerActivity] = []
        self.hand_made: list[BrokerPosition] = []
        self.is_away = False
        self.lock = threading.RLock()

    def on_bars(self, bars: tuple[BarBatch, ...]) -> None:
        with self.lock:
            self._emit(self.exchange.on_bars(bars))

    def submit(self, request: OrderRequest) -> BrokerOrder:
        fault = self.submit_faults.pop(0) if self.submit_faults else ""
        self.submitted.append(request.client_order_id)
        if fault == "lost":
            raise BrokerUnreachableError("the request was lost")
        with self.lock:
            try:
                order = self.exchange.submit(self._asked(request), self.exchange.ts)
            except OrderRejected as error:
                if "unique" in error.message:
                    raise DuplicateOrderError(str(error.code), error.message, 422) from error
                raise BrokerRefusedError(str(error.code), error.message, error.http_status) from error
            self._emit(self.exchange.drain_events())
        if fault == "accepted":
            raise BrokerUnreachableError("the answer was lost")
        return self._order(order)

    def cancel(self, broker_order_id: str) -> None:
        self.cancels += 1
        fault = self.cancel_faults.pop(0) if self.cancel_faults else ""
        if fault == "lost":
            raise BrokerUnreachableError("the cancel was lost")
        with self.lock:
            try:
                self.exchange.cancel(broker_order_id, self.exchange.ts)
            except OrderRejected as error:
                raise BrokerRefusedError(str(error.code), error.message, error.http_status) from error
            self._emit(self.exchange.drain_events())
        if fault == "accepted":
            raise BrokerUnreachableError("the cancel's answer was lost")

    def replace(self, broker_order_id: str, change: ReplaceRequest) -> BrokerOrder:
        fault = self.submit_faults.pop(0) if self.submit_faults else ""
        if fault == "lost":
            raise BrokerUnreachableError("the replace was lost")
        with self.lock:
            asked = ExchangeReplace(
                qty=change.qty, limit_price=change.limit_price, stop_price=change.stop_price,
                client_order_id=change.client_order_id,
                trail=(change.trail.price or change.trail.percent) if change.trail else None,
            )  # fmt: skip
            try:
                order = self.exchange.replace(broker_order_id, asked, self.exchange.ts)
            except OrderRejected as error:
                raise BrokerRefusedError(str(error.code), error.message, error.http_status) from error
            self._emit(self.exchange.drain_events())
        if fault == "accepted":
            raise BrokerUnreachableError("the replace's answer was lost")
        return self._order(order)

    def activities(self, since_ns: int) -> list[BrokerActivity]:
        return [row for row in self.told if row.ts > since_ns]

    def get_by_client_id(self, client_order_id: str) -> BrokerOrder:
        if self.look_up_faults:
            raise BrokerUnreachableError(self.look_up_faults.pop(0))
        with self.lock:
            found = self.exchange.order_by_client_id(client_order_id)
            ended = [order for order in self.known.values() if order.client_order_id == client_order_id]
            order = found or (ended[-1] if ended else None)
        if order is None:
            raise OrderNotFoundError("40410000", "order not found", 404)
        return self._order(order)

    def list_orders(self, since_ns: int | None = None, *, open_only: bool = False) -> list[BrokerOrder]:
        with self.lock:
            current = [self.exchange.order(key) or order for key, order in self.known.items()]
        return [
            self._order(order)
            for order in current
            if order.created_ts > (since_ns or 0) and (order.is_open or not open_only)
        ]

    def positions(self) -> list[BrokerPosition]:
        if self.is_away:
            raise BrokerUnreachableError("the venue is away")
        return self.hand_made + [
            BrokerPosition(self.registry[row.asset_id].symbol, row.qty, row.avg_entry_price)
            for row in self.exchange.positions()
        ]

    def account(self) -> BrokerAccount:
        view = self.exchange.account()
        return BrokerAccount("PA1", view.cash + self.extra_cash, view.equity, False)

    def fills(self, since_ns: int) -> list[BrokerFill]:
        return [fill for fill in self.executions if fill.ts > since_ns]

    def _asked(self, request: OrderRequest) -> ExchangeRequest:
        return ExchangeRequest(
            client_order_id=request.client_order_id,
            asset_id=self.registry.by_symbol(request.symbol).id,
            side=request.side,
            qty=request.qty,
            type=request.type,
            time_in_force=request.time_in_force,
            limit_price=request.limit_price,
            stop_price=request.stop_price,
            trail_price=request.trail.price if request.trail else None,
            trail_percent=request.trail.percent if request.trail else None,
        )

    def _emit(self, events: list[ExchangeEvent]) -> None:
        for event in events:
            self.number += 1
            self.known[event.order.id] = event.order
            update = self._update(event)
            if update.fill is not None:
                self.executions.append(update.fill)
            if not self.lose(update):
                for _ in range(self.repeat):
                    self.handler(update)

    def _update(self, event: ExchangeEvent) -> TradeUpdate:
        order, fill = self._order(event.order), None
        if event.is_execution:
            fill = BrokerFill(
                event.execution_id, order.broker_order_id, order.client_order_id, order.symbol, order.side,
                event.qty or Decimal(0), event.price or Decimal(0), event.order.filled_qty, event.ts,
                event.fee, event.fee_in_base,
            )  # fmt: skip
        return TradeUpdate(event.type.value, event.ts, order, fill, self.number)

    def _order(self, order: ExchangeOrder) -> BrokerOrder:
        return BrokerOrder(
            order.id, order.client_order_id, self.registry[order.asset_id].symbol, order.side, order.type,
            order.time_in_force, _STATUS[order.status.value], order.qty or Decimal(0), order.filled_qty,
            order.filled_avg_price, order.limit_price, order.stop_price, order.created_ts, order.updated_ts,
            order.status.value, order.replaced_by,
            None if order.hwm is None else Trail(order.trail_price, order.trail_percent),
        )  # fmt: skip


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


@pytest.fixture
def make_world(
    create_database: Callable[[], str], redis_url: str, registry: Registry
) -> Iterator[Callable[..., World]]:
    worlds: list[World] = []

    def make(**settings: Any) -> World:
        world = World(
            registry, Database(create_database()), redis_url, CoreBroker(registry), settings=settings
        )
        worlds.append(world)
        return world

    yield make
    for world in worlds:
        world.kill()
        world.bus.close()
        world.db.close()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    made = make_world()
    made.start()
    return made


@pytest.fixture(scope="session")
def memory() -> dict[str, Any]:
    """What one test may leave for others of the session."""
    return {}


@pytest.fixture(scope="session")
def crash() -> type[BaseException]:
    return Crash


@pytest.fixture
def live(make_world: Any) -> Any:
    world = make_world(reconcile_every_s=0.2)
    world.is_live = True
    return world


@pytest.fixture
def move(live: Any, eventually: Any) -> Any:
    """Move the market on, and wait until execution has taken every message and heard every update."""

    def quiet() -> bool:
        streams = ["ratchet:md:bars:crypto", "ratchet:md:bars:stock", "ratchet:signals"]
        read = all(live.bus.lag(stream, "execution-main") == 0 for stream in streams)
        booked = live.db.query("SELECT count(*) FROM fills")[0][0] == len(live.broker.executions)
        unsent = live.db.query("SELECT 1 FROM orders WHERE status IN ('pending_new', 'unknown')")
        if live.error is not None:
            raise live.error
        return read and booked and not unsent

    def on(steps: int) -> None:
        for _ in range(steps):
            live.step()
            eventually(quiet)

    return on
