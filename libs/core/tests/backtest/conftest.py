"""A small multi-asset market: trending random walks with a seed, hourly crypto and daytime stocks."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pytest

from ratchet.core.assets import Asset, AssetClass, Registry
from ratchet.core.exchange import ExchangeConfig
from ratchet.core.execution import AlgorithmsConfig
from ratchet.core.exits import ExitConfig
from ratchet.core.market import BarBatch, Step
from ratchet.core.phases import PhasesConfig
from ratchet.core.risk import RiskConfig
from ratchet.core.signals import StrategiesConfig

START = 1_704_067_200_000_000_000  # 2024-01-01T00:00Z, a Monday
HOUR = 3_600_000_000_000

PLAN = [
    {"phase": 0, "name": "crypto", "asset_classes": ["crypto"]},
    {
        "phase": 1,
        "name": "stocks",
        "asset_classes": ["stock"],
        "gate": [
            {"requirement": "profitable_days", "threshold": 5, "asset_classes": ["crypto"]},
            {"requirement": "data_source", "threshold": 1},
        ],
        "floor": [{"requirement": "max_drawdown", "threshold": 0.002, "window_days": 30}],
    },
]


def make_registry() -> Registry:
    def asset(i: int) -> Asset:
        crypto = i < 3
        return Asset(
            id=i,
            symbol=f"C{i}/USDT" if crypto else f"S{i}",
            asset_class=AssetClass.CRYPTO if crypto else AssetClass.STOCK,
            phase=0 if crypto else 1,
            venue="alpaca",
            universe="crypto" if crypto else "stock",
            calendar="24/7",
            price_increment=Decimal("0.01"),
            qty_increment=Decimal("0.000001"),
            min_notional=Decimal(10),
            max_position_ratio=0.10,
            stop_loss_ratio=0.03,
        )

    return Registry(asset(i) for i in range(7))


@dataclass(frozen=True)
class World:
    """A configuration and its bars."""

    registry: Registry
    risk: RiskConfig
    exits: ExitConfig
    phases: PhasesConfig
    strategies: StrategiesConfig
    exchange: ExchangeConfig
    hours: int
    algorithms: AlgorithmsConfig = AlgorithmsConfig()  # noqa: RUF009 - frozen

    def steps(self) -> Iterator[tuple[BarBatch, ...]]:
        rng = np.random.Generator(np.random.PCG64(7))
        n = len(self.registry)
        price = np.linspace(50.0, 400.0, n)
        trend = np.zeros(n)
        for hour in range(self.hours):
            trend = 0.97 * trend + rng.normal(0, 0.0012, n)
            moves = trend + rng.normal(0, 0.006, n)
            opened, price = price, np.round(price * np.exp(moves), 2)
            wick = np.round(np.abs(rng.normal(0, 0.003, (2, n))) * price, 2)
            high, low = np.maximum(opened, price) + wick[0], np.minimum(opened, price) - wick[1]
            volume = np.round(rng.uniform(500, 50_000, n))
            yield self._batches(hour, opened, high, low, price, volume)

    def _batches(self, hour, *columns):
        day_time = 14 <= hour % 24 < 21
        universes = ("crypto", "stock") if day_time else ("crypto",)
        step, ts = Step(hour + 1, universes), START + (hour + 1) * HOUR
        batches = []
        for universe in universes:
            ids = np.array([a.id for a in self.registry.of_universe(universe)], np.uint32)
            picked = [column[ids].copy() for column in columns]
            batches.append(BarBatch(universe, "1h", ts, ids, *picked, step=step, start=ts - HOUR))
        return tuple(batches)


@pytest.fixture(scope="session")
def world() -> World:
    return World(
        registry=make_registry(),
        risk=RiskConfig(),
        exits=ExitConfig(max_holding_days=5),
        phases=PhasesConfig(breach_days=2, lock_after_days=3, cooldown_days=5, phases=PLAN),
        strategies=StrategiesConfig(
            name="golden", consensus={"min_hold_bars": 6, "repeat_bars": 12, "warmup_bars": 60}
        ),
        exchange=ExchangeConfig(),
        hours=24 * 60,
    )
