"""A portfolio with an account at each of two venues: the service's books are a backtest's, to the digit."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ratchet.common.codec import encode_bars, encode_signals
from ratchet.common.streams import SIGNALS, WATERMARK, bars_stream
from ratchet.core.assets import Asset, AssetClass, Registry
from ratchet.core.backtest import Backtest
from ratchet.core.execution import AlgorithmsConfig
from ratchet.core.exits import ExitConfig
from ratchet.core.fx import FxConfig, FxExchange, FxOrderRequest, FxTimeInForce, OrderKind, PositionFill
from ratchet.core.market import BarBatch, Step
from ratchet.core.orders import FillRow, OrderRow, Side, orders_digest
from ratchet.core.orders.ids import signal_id
from ratchet.core.phases import PhasePlan, PhasesConfig
from ratchet.core.risk import RiskConfig
from ratchet.core.signals import MarketContext, Signal, SignalBatch
from ratchet.execution.ledger.recovery import Loader
from ratchet.execution.venue.adapters import oanda_wire as wire
from ratchet.execution.venue.adapters.alpaca_wire import format_time
from ratchet.execution.venue.adapters.oanda_stream import OandaUpdates
from ratchet.execution.venue.broker import (
    BrokerAccount,
    BrokerFill,
    BrokerOrder,
    BrokerPosition,
    BrokerRefusedError,
    OrderNotFoundError,
    OrderRequest,
)
from ratchet.execution.venue.router import BrokerRouter, Venue
from ratchet.v1 import control_pb2

pytestmark = pytest.mark.integration
D = Decimal
HOUR = 3_600_000_000_000
START = 1_735_840_800_000_000_000  # 2025-01-02 18:00 UTC, a Thursday
STEPS = 110
ACCOUNT = "101-001-0000001-001"
PRICES = {0: 40_000.0, 1: 2_500.0, 2: 1.04, 3: 157.0, 4: 195.0}


def make_registry() -> Registry:
    def asset(number: int, symbol: str, venue: str, increment: str, tick: str) -> Asset:
        forex = venue == "oanda"
        return Asset(
            id=number, symbol=symbol, asset_class=AssetClass.FOREX if forex else AssetClass.CRYPTO, phase=0,
            venue=venue, universe="forex" if forex else "crypto", calendar="FX" if forex else "24/7",
            price_increment=D(tick), qty_increment=D(increment), min_notional=D(1), max_position_ratio=0.1,
            stop_loss_ratio=0.004 if forex else 0.03, leverage=20.0 if forex else 1.0, shortable=forex,
        )  # fmt: skip

    return Registry(
        [
            asset(0, "BTC/USDT", "alpaca", "0.000000001", "0.01"),
            asset(1, "ETH/USDT", "alpaca", "0.000000001", "0.01"),
            asset(2, "EUR/USD", "oanda", "1", "0.00001"),
            asset(3, "USD/JPY", "oanda", "1", "0.001"),
            asset(4, "GBP/JPY", "oanda", "1", "0.001"),
        ]
    )


def make_bars(seq: int) -> tuple[BarBatch, ...]:
    """Coins around the clock, currencies while New York's week is open: waves that turn every few hours."""
    random, ts = np.random.default_rng(seq), START + seq * HOUR
    weekend = 28 < seq <= 77  # Friday 22:00 to Sunday 22:00 UTC
    universes = ("crypto",) if weekend else ("crypto", "forex")
    batches = []
    for universe in universes:
        ids = [0, 1] if universe == "crypto" else [2, 3, 4]
        swing, digits = (0.05, 2) if universe == "crypto" else (0.012, 3)
        base = np.array([PRICES[i] for i in ids])
        opened = np.round(base * (1 + swing * np.sin(seq / 4 + np.array(ids))), digits)
        close = np.round(opened * (1 + random.normal(0, swing / 8, len(ids))), digits)
        high, low = np.maximum(opened, close), np.minimum(opened, close)
        batches.append(
            BarBatch(
                universe,
                "1h",
                ts,
                np.array(ids, dtype=np.uint32),
                opened,
                high,
                low,
                close,
                np.full(len(ids), 1e7),
                step=Step(seq, universes),
                start=ts - HOUR,
            )
        )
    return tuple(batches)


def make_signals(batch: BarBatch) -> SignalBatch:
    signals = []
    for row, asset_id in enumerate(batch.asset_ids.tolist()):
        phase = np.sin(batch.step.seq / 4 + asset_id)
        direction = 1 if phase < -0.5 else -1 if phase > 0.5 else 0
        if direction:
            key = signal_id("test", str(asset_id), batch.ts, direction)
            signals.append(Signal(key, asset_id, direction, 0.9, float(batch.close[row]), {"sine": 1.0}))
    size = len(batch)
    regime = np.zeros(size, dtype=np.int8)
    votes = np.full((3, size), np.nan)
    context = MarketContext(batch.asset_ids, batch.close * 0.004, np.full(size, 0.01), regime, *votes)
    return SignalBatch(batch.universe, batch.ts, batch.step, tuple(signals), context)


class Forex:
    """The forex engine behind the broker port; what it tells goes through the adapter's own reading of it."""

    def __init__(self, registry: Registry, config: FxConfig) -> None:
        self.registry, self.symbols = registry, wire.Symbols(registry)
        self.exchange = FxExchange(registry, config, ACCOUNT)
        self.exchange.open_account(0)
        self.entries: list[dict[str, Any]] = []
        self.connected = True
        self.on_change: Callable[[bool], None] = lambda _: None
        self.reader = OandaUpdates(
            stream_url="", token="", account=ACCOUNT, registry=registry, order_by_id=self._order
        )
        self.handler: Callable[[Any], None] = lambda _: None
        self.lose = False
        self._tell(self.exchange.drain_events())

    def start(self, handler: Callable[[Any], None]) -> None:
        self.handler = handler

    def stop(self) -> None:
        pass

    def on_bars(self, bars: tuple[BarBatch, ...]) -> None:
        self._tell(self.exchange.on_bars(bars))

    def submit(self, request: OrderRequest) -> BrokerOrder:
        body = wire.order_body(request, self.symbols)["order"]
        asked = FxOrderRequest(
            OrderKind(body["type"]), body["instrument"], D(body["units"]),
            price=D(body["price"]) if "price" in body else None,
            time_in_force=FxTimeInForce(body["timeInForce"]),
            position_fill=PositionFill(body["positionFill"]),
            extensions=body["clientExtensions"],
        )  # fmt: skip
        outcome = self.exchange.submit(asked, self.exchange.book.ts)
        self._tell(self.exchange.drain_events())
        found = self._found(request.client_order_id)
        if outcome.rejected or found.status.value == "rejected":
            raise BrokerRefusedError(str(outcome.rejected or found.raw_status), "refused", 400)
        return found

    def cancel(self, broker_order_id: str) -> None:
        outcome = self.exchange.cancel(broker_order_id, self.exchange.book.ts)
        self._tell(self.exchange.drain_events())
        if outcome.rejected:
            raise BrokerRefusedError(str(outcome.rejected), "refused", 404)

    def get_by_client_id(self, client_order_id: str) -> BrokerOrder:
        return self._found(client_order_id)

    def list_orders(self, since_ns: int | None = None, *, open_only: bool = False) -> list[BrokerOrder]:
        rows = [row for row in self._journal().orders.values() if row.created_ns > (since_ns or -1)]
        return [row for row in rows if row.status.value == "accepted" or not open_only]

    def positions(self) -> list[BrokerPosition]:
        book = self.exchange.book
        return [BrokerPosition(self.symbols.symbol(n), book.net_units(n), D(1)) for n in book.held()]

    def account(self) -> BrokerAccount:
        value = self.exchange.value()
        return BrokerAccount(ACCOUNT, value.balance, value.nav, False)

    def fills(self, since_ns: int) -> list[BrokerFill]:
        rows = [row for row in self.entries if row["type"] == "ORDER_FILL"]
        found = [wire.parse_fill(row, ACCOUNT, self.symbols) for row in rows]
        return [row for row in found if row.ts > since_ns]

    def activities(self, since_ns: int) -> list[Any]:
        rows = [row for row in self.entries if row["type"] == "DAILY_FINANCING"]
        found = [item for row in rows for item in wire.parse_activities(row, ACCOUNT, self.symbols)]
        return [row for row in found if row.ts > since_ns]

    @property
    def financed_ts(self) -> int:
        return max((row.ts for row in self.activities(-1)), default=0)

    def _journal(self) -> wire.Journal:
        journal = wire.Journal(ACCOUNT, self.symbols)
        journal.read(self.entries)
        return journal

    def _order(self, broker_order_id: str) -> BrokerOrder:
        return self._journal().orders[broker_order_id]

    def _found(self, client_order_id: str) -> BrokerOrder:
        journal = self._journal()
        rows = [row for row in journal.orders.values() if row.client_order_id == client_order_id]
        found = rows[-1] if rows else journal.rejected.get(client_order_id)
        if found is None:
            raise OrderNotFoundError("404", "no such order", 404)
        return found

    def _tell(self, entries: list[Any]) -> None:
        for entry in entries:
            head = {"id": str(entry.id), "type": entry.type, "time": format_time(entry.ts)}
            row = {**entry.body, **head}
            self.entries.append(row)
            if not self.lose:
                self.reader._handle(json.dumps(row).encode(), self.handler)


class TwoVenues:
    """What the world calls its broker: a router over both engines."""

    def __init__(self, core: Any, forex: Forex, registry: Registry) -> None:
        self.core, self.forex = core, forex
        self.exchange = core.exchange
        stream = SimpleNamespace(connected=True, on_change=None, stop=lambda: None)
        stream.start = lambda handler: setattr(core, "handler", handler)
        self.router = BrokerRouter({"alpaca": Venue(core, stream), "oanda": Venue(forex, forex)}, registry)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.router, name)

    @property
    def handler(self) -> Any:
        return None

    @handler.setter
    def handler(self, handler: Callable[[Any], None]) -> None:
        self.router.start(handler)


@dataclass(frozen=True)
class Setup:
    """The configuration that both are given."""

    registry: Registry
    exchange: Any
    oanda: FxConfig = field(default_factory=FxConfig)
    risk: RiskConfig = field(
        default_factory=lambda: RiskConfig(stale_price_s=10**9, stale_mark_s=10**9, allow_short=True)
    )
    exits: ExitConfig = field(default_factory=ExitConfig)
    phases: PhasesConfig = field(
        default_factory=lambda: PhasesConfig(
            phases=(PhasePlan(phase=0, name="all", asset_classes=(AssetClass.CRYPTO, AssetClass.FOREX)),)
        )
    )
    algorithms: AlgorithmsConfig = field(default_factory=AlgorithmsConfig)
    strategies: Any = None


class SineBacktest(Backtest):
    """A backtest whose signals are those of the streams."""

    def _signals(self, batch: BarBatch) -> SignalBatch:
        return make_signals(batch)


@pytest.fixture
def two(make_world: Any) -> Any:
    """The world of the loop's tests with a second venue."""
    base = make_world()
    registry = make_registry()
    core = type(base.broker)(registry)
    forex = Forex(registry, FxConfig())
    setup = Setup(registry, core.exchange.config)

    class World(type(base)):  # type: ignore[misc]
        """Two venues, and the backtest's configuration."""

        def _loader(self) -> Loader:
            self.parts.venues = ("alpaca", "oanda")
            self.parts.risk.engine.config = setup.risk
            return Loader(
                self.parts, exits=setup.exits, fees=setup.exchange, phases=setup.phases, allow_short=True,
                on_stranger=self.reconciler.note_stranger, breakers=setup.risk.breakers, oanda=setup.oanda,
            )  # fmt: skip

        def step(self) -> None:
            self.seq += 1
            bars = make_bars(self.seq)
            messages = [(bars_stream(batch.universe), encode_bars(batch), batch.ts) for batch in bars]
            self.bus.publish_many(messages)
            forex.on_bars(bars)
            core.on_bars(bars)
            mark = control_pb2.Watermark(
                service="paper-exchange", seq=self.seq, ts_ns=bars[0].ts, trade_updates=core.number,
                venue_updates={"oanda": forex.exchange.last_id}, activities_ts_ns=forex.financed_ts,
            )  # fmt: skip
            self.bus.publish(WATERMARK, mark, ts=bars[0].ts)
            for batch in bars:
                self.bus.publish(SIGNALS, encode_signals(make_signals(batch)), ts=batch.ts)

    world = World(registry, base.db, base.redis_url, TwoVenues(core, forex, registry))
    yield SimpleNamespace(world=world, forex=forex, core=core, setup=setup)
    world.kill()
    world.bus.close()


def digest(world: Any) -> str:
    """Return the digest of the ledger's orders and fills."""
    orders = world.db.query(
        "SELECT created_ts, symbol, side, qty, coalesce(limit_price, stop_price), client_order_id FROM orders"
    )
    fills = world.db.query("SELECT ts, symbol, side, qty, price, client_order_id FROM fills")

    def ns(moment: Any) -> int:
        return int(moment.timestamp()) * 1_000_000_000

    return orders_digest(
        (OrderRow(ns(r[0]), r[1], Side(r[2]), *r[3:]) for r in orders),
        (FillRow(ns(r[0]), r[1], Side(r[2]), *r[3:]) for r in fills),
    )


def backtest(setup: Setup) -> tuple[Any, Any]:
    made = SineBacktest(setup, venues=("alpaca", "oanda"))
    return made, made.run(make_bars(seq) for seq in range(1, STEPS + 1))


@pytest.mark.parametrize("is_deaf", [False, True])
def test_orders_fills_and_equity_are_those_of_a_backtest(two: Any, is_deaf: bool) -> None:
    made, result = backtest(two.setup)
    two.forex.lose = is_deaf
    two.world.start()
    two.world.run(STEPS)
    world, portfolio = two.world, two.world.engine.session.portfolio
    assert digest(world) == result.summary.orders_digest
    assert portfolio.equity == result.summary.equity_end == made._session.portfolio.equity
    assert portfolio.cash == two.core.account().cash + two.forex.account().cash
    classes = {row[0] for row in world.db.query("SELECT DISTINCT asset_class FROM fills")}
    assert classes == {"crypto", "forex"}
    financed = world.db.query("SELECT sum(amount) FROM cash_ledger WHERE kind = 'interest'")[0][0]
    assert financed == two.forex.exchange.book.financing != 0
    (opening,) = world.db.query("SELECT amount FROM cash_ledger WHERE kind = 'deposit'")[0]
    assert opening == result.summary.equity_start == 200_000
    days = world.db.query("SELECT day::text, asset_class, pnl FROM daily_performance ORDER BY 1, 2")
    assert days == sorted((row.date, row.asset_class, row.pnl) for row in result.daily)


def test_it_starts_again_from_its_ledger_as_if_nothing_had_happened(two: Any) -> None:
    _, result = backtest(two.setup)
    two.world.start()
    for _ in range(STEPS):
        two.world.run(1)
        if two.world.seq % 23 == 0:
            two.world.kill()
            two.world.start()
    assert digest(two.world) == result.summary.orders_digest
    assert two.world.engine.session.portfolio.equity == result.summary.equity_end
