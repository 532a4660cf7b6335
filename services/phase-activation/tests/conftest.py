"""A ledger with days in it, and a plan with one earned phase."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from ratchet.common.db import Database
from ratchet.core.assets import Asset, AssetClass, Registry
from ratchet.core.performance import TOTAL
from ratchet.core.phases import GateItem, PhasePlan, PhasesConfig

START = date(2025, 1, 1)


def _asset(number: int, symbol: str, asset_class: AssetClass, phase: int) -> Asset:
    return Asset(
        id=number, symbol=symbol, asset_class=asset_class, phase=phase, venue="alpaca",
        universe=asset_class.value, calendar="24/7", price_increment=Decimal("0.01"),
        qty_increment=Decimal("0.0001"), min_notional=Decimal(1), max_position_ratio=0.1,
        stop_loss_ratio=0.08,
    )  # fmt: skip


@pytest.fixture
def registry() -> Registry:
    return Registry([_asset(0, "BTC/USDT", AssetClass.CRYPTO, 0), _asset(1, "NVDA", AssetClass.STOCK, 1)])


@pytest.fixture
def plan() -> PhasesConfig:
    gate = (
        GateItem(requirement="profitable_days", threshold=3, asset_classes=(AssetClass.CRYPTO,)),
        GateItem(requirement="equity", threshold=3000),
        GateItem(requirement="data_source", threshold=1),
    )
    floor = (GateItem(requirement="max_drawdown", threshold=0.02, window_days=60),)
    return PhasesConfig(
        breach_days=2,
        phases=(
            PhasePlan(phase=0, name="crypto", asset_classes=(AssetClass.CRYPTO,)),
            PhasePlan(phase=1, name="stocks", asset_classes=(AssetClass.STOCK,), gate=gate, floor=floor),
        ),
    )


@pytest.fixture
def db(create_database: Callable[[], str], registry: Registry) -> Iterator[Database]:
    database = Database(create_database())
    with database.transaction() as cursor:
        for asset in registry:
            cursor.execute(
                "INSERT INTO asset_class_config (asset_class, phase) VALUES (%s, %s)",
                (asset.asset_class.value, asset.phase),
            )
            cursor.execute(
                "INSERT INTO asset_registry (symbol, asset_id, asset_class, phase, venue, universe, "
                "calendar, price_increment, qty_increment, min_notional, "
                "max_position_ratio, stop_loss_ratio, enabled) "
                "VALUES (%s, %s, %s, %s, 'alpaca', 'u', '24/7', 1, 1, 1, 0.1, 0.08, %s)",
                (asset.symbol, asset.id, asset.asset_class.value, asset.phase, asset.phase == 0),
            )
    yield database
    database.close()


@pytest.fixture
def add_day(db: Database) -> Callable[[int, int], tuple[date, int]]:
    """Close day n with a profit in crypto; return the day and the event time at which it was closed."""
    equity = [Decimal(100_000)]

    def add(number: int, profit: int) -> tuple[date, int]:
        day = START + timedelta(days=number)
        closed_at = datetime(day.year, day.month, day.day, 1, tzinfo=UTC) + timedelta(days=1)
        equity[0] += profit
        with db.transaction() as cursor:
            for name in (TOTAL, "crypto"):
                cursor.execute(
                    "INSERT INTO daily_performance (portfolio, day, asset_class, pnl, equity, return_ratio, "
                    "trades, wins, losses) VALUES ('main', %s, %s, %s, %s, 0, 1, %s, %s)",
                    (day, name, profit, equity[0], int(profit > 0), int(profit <= 0)),
                )
            cursor.execute(
                "INSERT INTO portfolio_snapshots (portfolio, ts, day_close, cash, equity, peak_equity, "
                "day_start_equity) VALUES ('main', %s, %s, 0, %s, 0, 0)",
                (closed_at, day.isoformat(), equity[0]),
            )
            for symbol, asset_class in (("BTC/USDT", "crypto"), ("NVDA", "stock")):
                cursor.execute(
                    "INSERT INTO bars VALUES (%s, '1d', %s, %s, %s, 1, 1, 1, 1, 1)",
                    (symbol, day, closed_at - timedelta(hours=2), asset_class),
                )
        return day, int(closed_at.timestamp()) * 1_000_000_000

    return add
