"""What holding costs overnight: a replay books what a backtest and the account do, short and in debt."""

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
from ratchet.core.exchange import Exchange, ExchangeConfig
from ratchet.core.execution import AlgorithmsConfig
from ratchet.core.exits import ExitConfig
from ratchet.core.fx import FxConfig
from ratchet.core.market import BarBatch, Step
from ratchet.core.orders.ids import signal_id
from ratchet.core.phases import PhasePlan, PhasesConfig
from ratchet.core.portfolio.activities import BORROW_FEE, REPLAYED_TYPES, told_type
from ratchet.core.risk import RiskConfig
from ratchet.core.signals import MarketContext, Signal, SignalBatch
from ratchet.execution.ledger.recovery import Loader
from ratchet.execution.venue.broker import BrokerActivity
from ratchet.v1 import control_pb2

pytestmark = pytest.mark.integration
D = Decimal
DAY = 86_400_000_000_000
MINUTES_30 = DAY // 48
OPEN = 1_704_205_800_000_000_000  # 2024-01-02 14:30 UTC, a Tuesday, when New York opens
BARS_A_DAY, STEPS = 13, 13 * 12
PRICES = [100.0, 60.0, 30.0]
CLASSES = (AssetClass.STOCK, AssetClass.LEVERAGED_ETF, AssetClass.SPECULATIVE)


def make_registry() -> Registry:
    return Registry(
        Asset(
            id=number,
            symbol=symbol,
            asset_class=CLASSES[number],
            phase=0,
            venue="alpaca",
            universe="stock",
            calendar="XNYS",
            price_increment=D("0.01"),
            qty_increment=D(1),
            min_notional=D(1),
            max_position_ratio=0.65 if number == 2 else 0.6,
            stop_loss_ratio=0.5,
            shortable=True,
        )
        for number, symbol in enumerate(("SHRT", "LONG", "MORE"))
    )


def make_bars(seq: int) -> tuple[BarBatch, ...]:
    """Half an hour of a session; weekends and the holiday of 15 January are left out."""
    days = [day for day in range(30) if (1 + day) % 7 < 5 and day != 13]
    ts = OPEN + days[(seq - 1) // BARS_A_DAY] * DAY + ((seq - 1) % BARS_A_DAY + 1) * MINUTES_30
    random = np.random.default_rng(seq)
    opened = np.round(np.array(PRICES) * (1 + 0.01 * np.sin(seq / 9 + np.arange(3))), 2)
    close = np.round(opened * (1 + random.normal(0, 0.001, 3)), 2)
    high, low = np.maximum(opened, close), np.minimum(opened, close)
    ids, volume = np.arange(3, dtype=np.uint32), np.full(3, 1e7)
    step = Step(seq, ("stock",))
    return (
        BarBatch("stock", "30m", ts, ids, opened, high, low, close, volume, step=step, start=ts - MINUTES_30),
    )


def make_signals(batch: BarBatch) -> SignalBatch:
    """Sell the one short and buy the others, the last from what the sale has brought; then hold."""
    signals = []
    for asset_id, direction in ((0, -1), (1, 1), (2, 1)):
        if batch.step.seq == (10 if asset_id == 2 else 3):
            key = signal_id("test", str(asset_id), batch.ts, direction)
            signals.append(Signal(key, asset_id, direction, 0.9, float(batch.close[asset_id]), {"test": 1.0}))
    votes = np.full((3, 3), np.nan)
    flat = np.zeros(3, np.int8)
    context = MarketContext(batch.asset_ids, batch.close * 0.004, np.full(3, 0.0001), flat, *votes)
    return SignalBatch(batch.universe, batch.ts, batch.step, tuple(signals), context)


@dataclass(frozen=True)
class Setup:
    """The configuration that both are given: an account that borrows shares and money."""

    registry: Registry
    exchange: ExchangeConfig = field(
        default_factory=lambda: ExchangeConfig(
            carry={"margin_interest_annual": "0.09", "borrow_annual": "0.04"}
        )
    )
    oanda: FxConfig = field(default_factory=FxConfig)
    risk: RiskConfig = field(
        default_factory=lambda: RiskConfig(
            stale_price_s=10**9,
            stale_mark_s=10**9,
            allow_short=True,
            max_order_ratio=1.0,
            max_position_ratio=1.0,
            max_exposure_ratio=2.0,
            max_order_notional=None,
            max_heat_ratio=1.0,
            max_sector_ratio=2.0,
            class_limit_ratio=dict.fromkeys(CLASSES, 1.0),
            avoid_sideways=(),
            risk_per_trade_ratio=1.0,
            max_bar_share_ratio=1.0,
            cash_buffer_ratio=0.0,
            max_correlated_ratio=5.0,
            kelly_safety=0.0,
            correlation_scaling=0.0,
        )
    )
    exits: ExitConfig = field(default_factory=lambda: ExitConfig(max_holding_days=60))
    phases: PhasesConfig = field(
        default_factory=lambda: PhasesConfig(phases=(PhasePlan(phase=0, name="all", asset_classes=CLASSES),))
    )
    algorithms: AlgorithmsConfig = field(default_factory=AlgorithmsConfig)
    strategies: Any = None


class HoldingBacktest(Backtest):
    """A backtest whose signals are those of the streams."""

    def _signals(self, batch: BarBatch) -> SignalBatch:
        return make_signals(batch)


@pytest.fixture
def carried(make_world: Any) -> Any:
    """The loop's world over an account on margin whose history is told."""
    base, setup = make_world(), Setup(make_registry())
    broker = type(base.broker)(setup.registry)
    broker.exchange = Exchange(setup.registry, setup.exchange, "test", track_changes=True)

    def told(row: Any) -> BrokerActivity:
        asset_id = int(row["asset_id"])
        symbol = setup.registry[asset_id].symbol if 0 <= asset_id < 3 else ""
        return BrokerActivity(
            row["id"], told_type(row["type"], row["order_id"]), int(row["ts"]), "2024-01-03", symbol,
            amount=Decimal(row["net_amount"]),
        )  # fmt: skip

    class World(type(base)):  # type: ignore[misc]
        """Tells what the exchange has booked beside executions."""

        activities_ts = 0

        def _loader(self) -> Loader:
            self.parts.risk.engine.config = setup.risk
            return Loader(
                self.parts, exits=setup.exits, fees=setup.exchange, phases=setup.phases, allow_short=True,
                on_stranger=self.reconciler.note_stranger, breakers=setup.risk.breakers,
            )  # fmt: skip

        def step(self) -> None:
            self.seq += 1
            bars = make_bars(self.seq)
            self.bus.publish_many([(bars_stream(b.universe), encode_bars(b), b.ts) for b in bars])
            broker.on_bars(bars)
            rows = [told(row) for row in broker.exchange.drain_changes().activities]
            if any(row.type in REPLAYED_TYPES for row in rows):
                self.activities_ts = bars[0].ts
            broker.told += [row for row in rows if row.type != "FILL"]
            mark = control_pb2.Watermark(
                service="paper-exchange", seq=self.seq, ts_ns=bars[0].ts, trade_updates=broker.number,
                activities_ts_ns=self.activities_ts,
            )  # fmt: skip
            self.bus.publish(WATERMARK, mark, ts=bars[0].ts)
            for batch in bars:
                self.bus.publish(SIGNALS, encode_signals(make_signals(batch)), ts=batch.ts)

    world = World(setup.registry, base.db, base.redis_url, broker)
    yield SimpleNamespace(world=world, broker=broker, setup=setup)
    world.kill()
    world.bus.close()


@pytest.mark.parametrize("restarts", [False, True])
def test_a_short_and_a_debt_held_over_nights_cost_the_same_everywhere(carried: Any, restarts: bool) -> None:
    made = HoldingBacktest(carried.setup)
    result = made.run(make_bars(seq) for seq in range(1, STEPS + 1))
    venue, books = made._exchange, made._session.portfolio
    assert [row.qty > 0 for _, row in sorted(books.positions.items())] == [False, True, True]
    assert books.cash == venue.account().cash

    world = carried.world
    world.start()
    for _ in range(STEPS // BARS_A_DAY):
        world.run(BARS_A_DAY)
        if restarts:
            world.kill()
            world.start()
            world.run(0)
    held = world.engine.session.portfolio
    assert held.cash == books.cash == carried.broker.account().cash
    assert held.equity == result.summary.equity_end == books.equity
    days = world.db.query("SELECT day::text, asset_class, pnl FROM daily_performance ORDER BY 1, 2")
    assert days == sorted((row.date, row.asset_class, row.pnl) for row in result.daily)

    def paid(kind: str) -> Decimal:
        return sum((row.amount for row in carried.broker.told if row.type == kind), D(0))

    interest = world.db.query("SELECT sum(amount) FROM cash_ledger WHERE kind = 'interest'")[0][0]
    assert interest == paid("INT") < 0
    borrowed = world.db.query(
        "SELECT sum(booked_amount), count(*) FROM broker_activities WHERE type = %s", (BORROW_FEE,)
    )[0]
    assert borrowed[0] == paid(BORROW_FEE) < 0
    # A night each, Friday's for three, those of the weekend for none.
    assert borrowed[1] == len([row for row in carried.broker.told if row.type == BORROW_FEE]) >= 9
