"""Wiring of execution: leadership, recovery, and the loop of the mode."""

import threading
from decimal import Decimal

import grpc

from ratchet.common.bus import Bus
from ratchet.common.errors import BusUnavailableError, ConfigError, FencedError, UnavailableError
from ratchet.common.leases import AdvisoryLeaderLock
from ratchet.common.platform import Platform, load_platform
from ratchet.common.rpc import connect
from ratchet.common.runtime import MainLoop, ServiceRuntime
from ratchet.core.fx.routing import VENUE as OANDA
from ratchet.core.options.registry import ContractRegistry
from ratchet.core.risk import RiskEngine
from ratchet.core.risk.contracts import Carry
from ratchet.execution import crash
from ratchet.execution.books.reconcile import Reconciler
from ratchet.execution.config import ExecutionSettings
from ratchet.execution.engine import Engine
from ratchet.execution.ledger.outbox import OutboxRelay
from ratchet.execution.ledger.postgres import PostgresLedger
from ratchet.execution.ledger.recovery import Loader
from ratchet.execution.loops import gauges
from ratchet.execution.loops.commands import Commands
from ratchet.execution.loops.live import LiveLoop
from ratchet.execution.loops.marks import Marks
from ratchet.execution.loops.quotes import QuoteReader
from ratchet.execution.loops.replay import ReplayLoop
from ratchet.execution.loops.watch import rearm
from ratchet.execution.operators.admin import build_router
from ratchet.execution.operators.servicer import ExecutionServicer
from ratchet.execution.parts import Parts
from ratchet.execution.ports import SystemClock
from ratchet.execution.risk_client import RiskClient
from ratchet.execution.sending.gate import Gate
from ratchet.execution.sending.throttle import TokenBucket, Unlimited
from ratchet.execution.venue.broker import BrokerError, BrokerRefusedError, BrokerUnreachableError
from ratchet.execution.venue.inbox import Inbox
from ratchet.execution.venue.venues import open_accounts
from ratchet.v1 import control_pb2, orders_pb2_grpc

SERVICE = "execution"
_STATES = {
    control_pb2.CONTROL_KIND_HALT: "halted",
    control_pb2.CONTROL_KIND_RESUME: "active",
    control_pb2.CONTROL_KIND_REDUCE_ONLY: "reduce_only",
}
_RETRY_S = 0.5
_STANDBY_POLL_S = 0.2


class Application:
    """Leads the portfolio when it can, and does the work of the leader."""

    def __init__(self, runtime: ServiceRuntime, settings: ExecutionSettings, platform: Platform) -> None:
        self._runtime = runtime
        self._settings = settings
        self._platform = platform
        options = platform.exchange.options
        registry = ContractRegistry(platform.registry, options.listing.european_classes)
        self.registry = registry
        self._risk = platform.risk.for_portfolio(settings.portfolio)
        self.is_live = settings.mode == "live"
        self.commands: Commands[Engine] = Commands()
        self.reconciler = Reconciler(Decimal(str(settings.cash_tolerance)))
        self._inbox = Inbox()
        crash.arm(settings.crash_at)
        self._accounts = open_accounts(
            settings,
            platform,
            lambda connected: self._inbox.note_connection(connected=connected),
            locate=self._locate,
        )
        self._updates = self._accounts.updates
        risk = RiskClient(
            connect(settings.risk_target, settings),
            runtime.stop,
            is_patient=not self.is_live,
            on_wait=runtime.beat,
        )
        self._leader = AdvisoryLeaderLock(runtime.db, settings.portfolio, settings.instance)
        clock = SystemClock()
        per_minute, burst = settings.broker_requests_per_minute, settings.broker_burst
        self.parts = Parts(
            settings=settings,
            registry=registry,
            ledger=PostgresLedger(runtime.db, settings.portfolio, registry),
            bus=self._make_bus(),
            broker=self._accounts.broker,
            inbox=self._inbox,
            risk=risk,
            local_risk=RiskEngine(registry, self._risk),
            stop=runtime.stop,
            gate=Gate(registry, is_down=self._accounts.is_down if self.is_live else lambda _: False),
            clock=clock,
            throttle=TokenBucket(per_minute, burst, clock) if self.is_live else Unlimited(),
            fence=self._leader.confirm,
            venues=self._accounts.names,
            carry=Carry(options.risk_free_rate, options.dividend_yields),
        )
        self._loader = Loader(
            self.parts,
            exits=platform.exits,
            fees=platform.exchange,
            phases=platform.phases,
            allow_short=self._risk.allow_short,
            breakers=self._risk.breakers,
            algorithms=platform.algorithms,
            oanda=platform.oanda if OANDA in self._accounts.names else None,
            on_stranger=self.reconciler.note_stranger,
        )
        self._state: str | None = "starting"

    def add_checks(self) -> None:
        """Readiness: leadership, the venue's stream, risk, and that the loop does not wait in vain."""
        add = self._runtime.add_check
        add("leader", lambda: self._state)
        add(
            "broker",
            lambda: None if self._updates.connected else "the stream of trade updates is not connected",
        )
        add("risk", lambda: self.parts.risk.reason)

    def run(self, stop: threading.Event) -> None:
        """Lead, work, and start over after a lost dependency, until stopped."""
        self._check_account(stop)
        self._updates.start(self._inbox.put)
        try:
            while not stop.is_set():
                self._state = "standby: another process leads the portfolio"
                if self._leader.acquire(stop, poll_s=_STANDBY_POLL_S, on_wait=self._runtime.beat):
                    self._lead(stop)
        finally:
            self.commands.close()
            self._leader.release()
            self._updates.stop()
            self._accounts.close()

    def _lead(self, stop: threading.Event) -> None:
        log = self._runtime.log
        try:
            self._work(stop)
        except FencedError as error:
            log.warning("deposed", reason=str(error))
        except (UnavailableError, BrokerError) as error:
            if not stop.is_set():
                self._state = f"starting over: {error}"
                log.warning("starting over", reason=str(error))
                self._runtime.beat()
                stop.wait(_RETRY_S)
        finally:
            self._leader.release()

    def _work(self, stop: threading.Event) -> None:
        self.parts.ledger.epoch = self._leader.epoch
        self._inbox.mark_gap()
        self._inbox.take()
        holder: list[Engine] = []
        bus = self._bus
        marks = Marks(bus, lambda event: self._on_control(event, holder))
        try:
            marks.open()
        except BusUnavailableError:
            # Live, orders are looked after without Redis too; its events are read when it is back.
            if not self.is_live:
                raise
        engine = self._loader.load()
        holder.append(engine)
        gauges.show(engine)
        self._runtime.log.info(
            "leading", epoch=self._leader.epoch, seq=engine.seq, state=engine.trading_state
        )
        kind = LiveLoop if self.is_live else ReplayLoop
        loop = kind(engine, marks, self.commands, bus, self.reconciler)
        loop.prepare()
        self._state = None
        loop.run(stop)

    def _make_bus(self) -> Bus:
        """Return the bus of the loop: live, it raises when Redis is away instead of waiting for it."""
        if not self.is_live:
            self._bus = self._runtime.bus
            return self._bus
        at_once = threading.Event()
        at_once.set()
        self._bus = Bus(self._settings.redis_url, stop=at_once, on_activity=self._runtime.beat)
        return self._bus

    def _locate(self, client_order_id: str) -> str | None:
        order = self.parts.ledger.order(client_order_id)
        return None if order is None else self.registry[order.asset_id].venue

    def _on_control(self, event: control_pb2.ControlEvent, holder: list[Engine]) -> None:
        if not holder:
            return
        if event.kind == control_pb2.CONTROL_KIND_PHASE:
            holder[0].phases.note(event)
        elif event.kind in _STATES:
            # The database decides at the next commit; until then its event is believed.
            holder[0].trading_state = _STATES[event.kind]
        elif event.kind == control_pb2.CONTROL_KIND_REARM and event.portfolio == self._settings.portfolio:
            rearm(holder[0], event.breaker, event.actor, event.reason)

    def _check_account(self, stop: threading.Event) -> None:
        """The key must open an account; for real money, the one that the operator has named."""
        while not stop.is_set():
            try:
                number = self._accounts.broker.account().account_number
            except BrokerUnreachableError as error:
                self._state = f"the broker cannot be asked for its account: {error}"
                self._runtime.beat()
                stop.wait(_RETRY_S)
                continue
            except BrokerRefusedError as error:
                raise ConfigError(
                    f"{self._accounts.refusal}: {error}; correct the key, the secret or the address"
                ) from error
            if self._settings.trading_mode == "live" and number != self._settings.live_confirm:
                raise ConfigError(
                    f"RATCHET_LIVE_CONFIRM={self._settings.live_confirm!r} is not the number of the account "
                    "behind RATCHET_ALPACA_KEY; set it to the account that may trade real money"
                )
            return


def setup(runtime: ServiceRuntime) -> MainLoop:
    """Add execution's faces and tasks; return its loop."""
    settings = ExecutionSettings()
    platform = load_platform(settings.config_dir, settings.dataset)
    application = Application(runtime, settings, platform)
    application.add_checks()
    servicer = ExecutionServicer(
        application.commands,
        runtime.db,
        runtime.bus,
        application.registry,
        settings.portfolio,
        is_live=application.is_live,
    )

    def register(server: grpc.Server) -> None:
        orders_pb2_grpc.add_ExecutionServicer_to_server(servicer, server)

    runtime.add_grpc("ratchet.v1.Execution", register)
    runtime.add_routes(
        build_router(
            runtime,
            application.commands,
            application.registry,
            application.reconciler,
            is_live=application.is_live,
        )
    )
    relay = OutboxRelay(runtime.db, runtime.bus, application.parts.wake_outbox)
    runtime.add_task("outbox", relay.run)
    if application.is_live:
        quotes = QuoteReader(runtime.bus, platform.registry, application.parts.quotes)
        runtime.add_task("quotes", quotes.run)
    return application.run
