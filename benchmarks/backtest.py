"""Backtest of a daily universe of 2,500 stocks with the whole feature table on, and risk verdicts a second.

The universe is a seeded random walk, or the folder that RATCHET_BENCH_DATA names. Baseline of the backtest:
a plain Python loop over the same bars that keeps two EMAs an asset and trades their cross, without orders,
risk, fees or a ledger. Baseline of risk: building a verdict without judging anything.
"""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np

from ratchet.core.assets import Asset, AssetClass, Registry
from ratchet.core.backtest import Backtest
from ratchet.core.exchange import ExchangeConfig
from ratchet.core.exits import ExitConfig
from ratchet.core.market import BarBatch, Step
from ratchet.core.orders import Intent, Side
from ratchet.core.phases import PhasesConfig, PhaseState, PhaseStatus
from ratchet.core.portfolio import PortfolioSnapshot
from ratchet.core.risk import AssetFacts, Proposal, RiskConfig, RiskContext, RiskEngine, Verdict
from ratchet.core.signals import StrategiesConfig

AIM = "300,000 bars a second in the backtest over 2,500 stocks with the feature table on"
ASSETS, DAYS, SEED = 2_500, 445, 20_240_601
NS_PER_DAY = 86_400_000_000_000
START = 1_577_836_800_000_000_000 + 21 * 3_600_000_000_000  # 2020-01-01T21:00Z
Steps = list[tuple[BarBatch, ...]]
Row = tuple[str, str, str, float]


@dataclass(frozen=True)
class Setup:
    """A configuration with every stock unlocked."""

    registry: Registry
    risk: RiskConfig
    exits: ExitConfig
    phases: PhasesConfig
    strategies: StrategiesConfig
    exchange: ExchangeConfig


def registry_of(symbols: Sequence[str]) -> Registry:
    """Return one stock per symbol, tradable on any day."""
    return Registry(
        Asset(
            id=i,
            symbol=symbol,
            asset_class=AssetClass.STOCK,
            phase=0,
            venue="alpaca",
            universe="stock",
            calendar="24/7",
            price_increment=Decimal("0.01"),
            qty_increment=Decimal("0.000001"),
            min_notional=Decimal(1),
            max_position_ratio=0.10,
            stop_loss_ratio=0.08,
        )
        for i, symbol in enumerate(symbols)
    )


def setup_of(registry: Registry) -> Setup:
    """Return the default configuration with one phase that holds every class."""
    plan = {"phase": 0, "name": "all", "asset_classes": list(AssetClass)}
    return Setup(
        registry,
        RiskConfig(class_limit_ratio={AssetClass.STOCK: 0.8}),
        ExitConfig(),
        PhasesConfig.model_validate({"phases": [plan]}),
        StrategiesConfig(),
        ExchangeConfig(),
    )


def random_walk(assets: int = ASSETS, days: int = DAYS) -> tuple[Setup, Steps]:
    """Return a seeded universe of daily bars."""
    rng = np.random.Generator(np.random.PCG64(SEED))
    ids = np.arange(assets, dtype=np.uint32)
    price = rng.uniform(5.0, 300.0, assets)
    drift = np.zeros(assets)
    steps: Steps = []
    for day in range(days):
        drift = 0.95 * drift + rng.normal(0, 0.002, assets)
        opened = price * np.exp(rng.normal(0, 0.004, assets))
        price = opened * np.exp(drift + rng.normal(0, 0.018, assets))
        wick = np.abs(rng.normal(0, 0.006, (2, assets))) * price
        columns = (opened, np.maximum(opened, price) + wick[0], np.minimum(opened, price) - wick[1], price)
        volume = np.round(rng.uniform(1e5, 1e7, assets))
        ts = START + day * NS_PER_DAY
        steps.append((BarBatch("stock", "1d", ts, ids, *columns, volume, Step(day + 1, ("stock",))),))
    return setup_of(registry_of([f"S{i:04}" for i in range(assets)])), steps


def real_universe(folder: Path) -> tuple[Setup, Steps]:
    """Return a folder's bars under the benchmark's configuration."""
    from ratchet.common.datasets import Dataset

    dataset = Dataset.open(folder)
    registry = registry_of([listing.symbol for listing in dataset.listings()])
    return setup_of(registry), list(dataset.steps(registry))


def ema_cross_loop(steps: Steps) -> float:
    """Trade EMA 10/30 crosses in plain Python; return the profit."""
    fast: dict[int, float] = {}
    slow: dict[int, float] = {}
    held: dict[int, float] = {}
    profit = 0.0
    for step in steps:
        for batch in step:
            for asset, close in zip(batch.asset_ids.tolist(), batch.close.tolist(), strict=True):
                quick = fast[asset] = fast.get(asset, close) + (close - fast.get(asset, close)) * (2 / 11)
                calm = slow[asset] = slow.get(asset, close) + (close - slow.get(asset, close)) * (2 / 31)
                if quick > calm and asset not in held:
                    held[asset] = close
                elif quick < calm and asset in held:
                    profit += close - held.pop(asset)
    return profit


def backtest_row() -> Row:
    """Measure the backtest against the loop."""
    folder = os.environ.get("RATCHET_BENCH_DATA")
    setup, steps = real_universe(Path(folder)) if folder else random_walk()
    Backtest(setup).run(steps[:3])
    bars = sum(len(batch) for step in steps for batch in step)
    elapsed = Backtest(setup).run(steps, timer=time.perf_counter).summary.elapsed_s
    started = time.perf_counter()
    ema_cross_loop(steps)
    baseline = time.perf_counter() - started
    kind = "real" if folder else "random-walk"
    return (
        f"backtest, {len(setup.registry)} daily stocks ({kind}), all features",
        f"{bars / elapsed:,.0f} bars/s",
        f"{bars / baseline:,.0f} bars/s, Python loop of an EMA cross",
        baseline / elapsed,
    )


def risk_row(count: int = 5_000) -> Row:
    """Measure verdicts on entries that pass every rule until the room is taken."""
    setup = setup_of(registry_of([f"S{i:04}" for i in range(count)]))
    engine = RiskEngine(setup.registry, setup.risk)
    money = Decimal(100_000)
    snapshot = PortfolioSnapshot("main", START, 1, money, money, (), (), 1e5, 1e5)
    entries = [
        Proposal(str(i), i, Side.BUY, Intent.ENTRY, 0.8, 20.0 + i * 0.01, 1.0, 0.02) for i in range(count)
    ]
    states = (PhaseState(0, "all", PhaseStatus.ACTIVE),)
    rng = np.random.Generator(np.random.PCG64(SEED))
    context = RiskContext(
        {i: AssetFacts(entry.price, START, 1e8, 1) for i, entry in enumerate(entries)},
        {i: rng.normal(0, 0.02, 60) for i in range(count)},
    )
    started = time.perf_counter()
    engine.evaluate(snapshot, entries, states, START, context)
    elapsed = time.perf_counter() - started
    started = time.perf_counter()
    for entry in entries:
        Verdict(entry.id, False, Decimal(0), ("POSITION_COUNT",), "", {})
    baseline = time.perf_counter() - started
    return (
        f"risk, {count:,} entries in one evaluation",
        f"{count / elapsed:,.0f} verdicts/s",
        f"{count / baseline:,.0f} verdicts/s, building them only",
        baseline / elapsed,
    )


def run() -> list[Row]:
    """Return name, value, baseline and ratio (value over baseline, more is better) of each measurement."""
    return [backtest_row(), risk_row()]


if __name__ == "__main__":
    for row in run():
        print(*row, sep=" | ")
