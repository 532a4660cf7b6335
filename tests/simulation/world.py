"""One portfolio in a world of its own: market, venue, streams, and the process that may die at any time."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np

from ratchet.common.codec import encode_bars, encode_signals
from ratchet.common.errors import FencedError, UnavailableError
from ratchet.common.received import Received
from ratchet.common.streams import SIGNALS, bars_stream
from ratchet.core.assets import Asset, AssetClass, Registry
from ratchet.core.exchange import ExchangeConfig
from ratchet.core.exits import ExitConfig
from ratchet.core.market import BarBatch, Step
from ratchet.core.orders import Intent, OrderStatus
from ratchet.core.orders.ids import signal_id
from ratchet.core.phases import PhasePlan, PhasesConfig, PhaseState
from ratchet.core.portfolio import PortfolioSnapshot
from ratchet.core.risk import Proposal, RiskConfig, RiskContext, RiskEngine, Verdict
from ratchet.core.signals import MarketContext, Signal, SignalBatch
from ratchet.execution.books.reconcile import Reconciler
from ratchet.execution.config import ExecutionSettings
from ratchet.execution.engine import Engine
from ratchet.execution.ledger.recovery import Loader
from ratchet.execution.loops.commands import Commands
from ratchet.execution.loops.live import LiveLoop
from ratchet.execution.parts import Parts
from ratchet.execution.risk_client import RiskUnavailableError
from ratchet.execution.sending.gate import Gate
from ratchet.execution.sending.throttle import TokenBucket
from ratchet.execution.venue.broker import BrokerError, OrderRequest
from ratchet.execution.venue.inbox import Inbox
from tests.simulation.clock import SECOND, VirtualClock
from tests.simulation.faults import Crash, Faults, Rates
from tests.simulation.ledger import Books, MemoryLedger
from tests.simulation.venue import SETTLE_S, SimVenue

# Enough for what is on its way to arrive and for two comparisons of the books.
HEALING_TURNS = 50
# Without another bar, so that nothing new begins.
LAST_TURNS = 20
_PRICES = (40_000.0, 2_500.0)
_LOOSE = RiskConfig(stale_price_s=10**9, stale_mark_s=10**9)


def make_registry() -> Registry:
    """Return two coins."""
    return Registry(
        Asset(
            id=number,
            symbol=symbol,
            asset_class=AssetClass.CRYPTO,
            phase=0,
            venue="alpaca",
            universe="crypto",
            calendar="24/7",
            price_increment=Decimal("0.01"),
            qty_increment=Decimal("0.000001"),
            min_notional=Decimal(1),
            max_position_ratio=0.1,
            stop_loss_ratio=0.08,
        )
        for number, symbol in enumerate(("BTC/USDT", "ETH/USDT"))
    )


class SimRisk:
    """The risk engine, which is away at times."""

    def __init__(self, engine: RiskEngine, faults: Faults) -> None:
        self.reason: str | None = None
        self._engine = engine
        self._faults = faults

    def evaluate(
        self,
        snapshot: PortfolioSnapshot,
        proposals: Sequence[Proposal],
        phases: Sequence[PhaseState],
        ts: int,
        context: RiskContext | None = None,
    ) -> list[Verdict]:
        """Return verdicts, or RiskUnavailableError."""
        if self._faults.strikes("risk_away"):
            raise RiskUnavailableError("risk is away")
        return self._engine.evaluate(snapshot, proposals, phases, ts, context)


@dataclass
class SimConsumer:
    """One group of readers; entries that are not acknowledged come again to its next reader."""

    bus: "SimBus"
    streams: Sequence[str]
    handed: set[str] = field(default_factory=set)

    def read(self, block_ms: int) -> list[Received]:
        """Return what is new."""
        fresh = [
            entry
            for entry in self.bus.entries
            if entry.stream in self.streams and entry.entry_id not in self.handed | self.bus.acknowledged
        ]
        self.handed |= {entry.entry_id for entry in fresh}
        return fresh

    def ack(self, *entries: Received) -> None:
        """Never hand these out again."""
        self.bus.acknowledged |= {entry.entry_id for entry in entries}

    def dead(self, entry: Received, reason: str) -> None:
        """Nothing here is unreadable."""
        raise AssertionError(reason)

    def wake(self) -> None:
        """Reading never blocks here."""

    def close(self) -> None:
        """Do nothing."""


@dataclass
class SimBus:
    """Bars and signals, and who has read them."""

    entries: list[Received] = field(default_factory=list)
    acknowledged: set[str] = field(default_factory=set)

    def add(self, stream: str, message: Any, ts: int) -> None:
        """Append a message."""
        number = str(len(self.entries) + 1)
        self.entries.append(Received(stream, number, message.SerializeToString(), ts, ""))

    def consumer(
        self, group: str, streams: Sequence[str], *, name: str, along: Sequence[str] = ()
    ) -> SimConsumer:
        """Return a consumer, which sees again what its predecessor did not acknowledge."""
        return SimConsumer(self, (*along, *streams))

    def last(self, stream: str) -> Received | None:
        """Return the newest entry of a stream."""
        return next((entry for entry in reversed(self.entries) if entry.stream == stream), None)

    def publish(self, stream: str, message: Any, *, ts: int, event_id: str = "", tp: str = "") -> str:
        """Publish to nobody."""
        return ""

    def on_activity(self) -> None:
        """Do nothing."""

    def poll(self, block_ms: int) -> None:
        """Bring no control events."""


@dataclass
class World:
    """Drive with `run`; everything that happens follows from the seed and the rates."""

    seed: int
    rates: Rates = field(default_factory=Rates)
    bar: int = 0
    crashes: int = 0
    violations: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = VirtualClock()
        self.faults = Faults(self.seed, self.rates)
        self.registry = make_registry()
        self.venue = SimVenue(self.registry, self.clock, self.faults, on_submit=self._check_arrival)
        self.shared = [Books(leader=0)]
        self.bus = SimBus()
        self.reconciler = Reconciler(Decimal(1))
        self.engine: Engine | None = None
        self.loop: LiveLoop | None = None
        self._next_bar = self.clock.ns
        self._stream_back = 0.0
        self._quiet = False

    @property
    def books(self) -> Books:
        """What is durable."""
        return self.shared[0]

    def run(self, turns: int) -> None:
        """Take so many turns of the loop in which anything may go wrong, then heal and come to rest."""
        for _ in range(turns):
            self.turn()
        self.heal()

    def heal(self) -> None:
        """End all faults, and go on without signals until everything should be known."""
        self.faults.healed = self._quiet = True
        self._stream_back = 0.0
        self.books.trading_state = "active"
        for _ in range(HEALING_TURNS):
            self.turn()
        self._next_bar = self.clock.ns + 10**18
        for _ in range(LAST_TURNS):
            self.turn()

    def turn(self) -> None:
        """Let time pass, let arrive what is due, and let the process do one iteration."""
        self.clock.pass_s(0.2 + self.faults.random.random() * 2.0)
        self._move_stream()
        if self.faults.strikes("switch"):
            self.halt(self.faults.random.choice(("active", "active", "reduce_only", "halted")))
        self._move_market()
        self.venue.deliver()
        try:
            if self.loop is None:
                self._start()
            assert self.loop is not None
            self.loop.turn()
        except Crash:
            self.crashes += 1
            self.loop = None
        except (UnavailableError, BrokerError, FencedError):
            self.loop = None

    def halt(self, state: str) -> None:
        """Throw the kill switch in the database."""
        self.books.trading_state = state

    def _start(self) -> None:
        self.books.leader += 1
        ledger = MemoryLedger(self.shared, self.books.leader, self.faults)
        inbox = Inbox()
        inbox.mark_gap()
        self.venue.handler = inbox.put
        local = RiskEngine(self.registry, _LOOSE)
        settings = ExecutionSettings(mode="live", unknown_settle_s=SETTLE_S, reconcile_every_s=15.0)
        parts = Parts(
            settings=settings,
            registry=self.registry,
            ledger=ledger,
            bus=self.bus,
            broker=self.venue,
            inbox=inbox,
            risk=SimRisk(local, self.faults),
            local_risk=local,
            stop=threading.Event(),
            gate=Gate(self.registry, is_down=lambda _: not self.venue.connected),
            clock=self.clock,
            throttle=TokenBucket(180, 60, self.clock),
            fence=lambda: ledger.transaction().__enter__().guard(),
        )
        plan = PhasePlan(phase=0, name="all", asset_classes=(AssetClass.CRYPTO,))
        later = PhasePlan(phase=1, name="later", asset_classes=())
        loader = Loader(
            parts,
            exits=ExitConfig(),
            fees=ExchangeConfig(),
            phases=PhasesConfig(phases=(plan, later)),
            allow_short=False,
            on_stranger=self.reconciler.note_stranger,
        )
        self.engine = loader.load()
        loop = LiveLoop(self.engine, self.bus, Commands(), self.bus, self.reconciler)  # type: ignore[arg-type]
        loop.prepare()
        self.loop = loop

    def _move_stream(self) -> None:
        if self.clock.monotonic() >= self._stream_back:
            if not self.venue.connected and self.engine is not None:
                self.engine.parts.inbox.mark_gap()
            self.venue.connected = True
            if self.faults.strikes("stream_down"):
                self.venue.connected = False
                self._stream_back = self.clock.monotonic() + self.faults.random.random() * 30.0

    def _move_market(self) -> None:
        if self.clock.ns < self._next_bar:
            return
        self.bar += 1
        self._next_bar = self.clock.ns + 4 * SECOND
        bars = make_bars(self.bar, self.clock.ns)
        self.venue.on_bars((bars,))
        self.bus.add(bars_stream("crypto"), encode_bars(bars), bars.ts)
        signals = make_signals(bars, self.bar, self.registry, quiet=self._quiet)
        self.bus.add(SIGNALS, encode_signals(signals), bars.ts)

    def _check_arrival(self, request: OrderRequest) -> None:
        """What must hold whenever an order reaches the venue."""
        books, key = self.books, request.client_order_id
        order = books.orders.get(key)
        if order is None:
            self.violations.append(f"order {key} was sent before it was committed")
            return
        if order.intent is Intent.EXIT:
            return
        if not books.active_at[key]:
            self.violations.append(f"entry {key} was committed while trading was not active")
        unknown = [
            other.client_order_id
            for other in books.orders.values()
            if other.asset_id == order.asset_id and other.status is OrderStatus.UNKNOWN and other != order
        ]
        if unknown:
            self.violations.append(f"entry {key} was sent beside the unknown {unknown}")


def make_bars(number: int, ts: int) -> BarBatch:
    """Return a bar of both coins on a sine."""
    rng = np.random.default_rng(number)
    ids = np.arange(2, dtype=np.uint32)
    opened = np.round(np.array(_PRICES) * (1 + 0.05 * np.sin(number / 3 + ids)), 2)
    close = np.round(opened * (1 + rng.normal(0, 0.004, 2)), 2)
    return BarBatch(
        universe="crypto",
        timeframe="1s",
        ts=ts,
        start=ts - 1_000_000_000,
        asset_ids=ids,
        open=opened,
        high=np.round(np.maximum(opened, close) * 1.002, 2),
        low=np.round(np.minimum(opened, close) * 0.998, 2),
        close=close,
        volume=np.full(2, 30.0),
        step=Step(0, ("crypto",)),
    )


def make_signals(bars: BarBatch, number: int, registry: Registry, *, quiet: bool) -> SignalBatch:
    """Buy low and sell high."""
    found = []
    for asset_id in range(2):
        phase = np.sin(number / 3 + asset_id)
        direction = 1 if phase < -0.5 else -1 if phase > 0.5 else 0
        if direction and not quiet:
            made = signal_id("sim", registry[asset_id].symbol, bars.ts, direction)
            found.append(Signal(made, asset_id, direction, 0.9, float(bars.close[asset_id]), {}))
    context = MarketContext(
        bars.asset_ids,
        bars.close * 0.01,
        np.full(2, 0.01),
        np.zeros(2, dtype=np.int8),
        *np.full((3, 2), np.nan),
    )
    return SignalBatch("crypto", bars.ts, bars.step, tuple(found), context)
