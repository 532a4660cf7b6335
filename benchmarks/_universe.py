"""Universes of ticks: who is in them, how prices move, and a configuration that trades them."""

import itertools
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from ratchet.common.codec import encode_bars
from ratchet.common.paths import default_dir
from ratchet.core.market import BarBatch

SEED = 20_240_601
UNIVERSE, TIMEFRAME = "stock", "1m"
DAYS = 445
# Momentum looks back 24 bars; a price that is the negative of itself 24 bars ago turns it with every run.
HALF_PERIOD, RUN = 24, 2
SWING = 0.004
Prices = tuple[NDArray[np.float64], ...]


@dataclass(frozen=True)
class Universe:
    """Symbols, and an endless supply of (open, high, low, close, volume) columns, one tuple a tick."""

    name: str
    symbols: tuple[str, ...]
    prices: Iterator[Prices]
    strategies: dict[str, Any]
    warmup_ticks: int

    def tick(self, ts: int) -> bytes:
        """Return the next bars, ending at `ts` (ns, UTC), as they travel in the stream."""
        columns = next(self.prices)
        known = np.flatnonzero(~np.isnan(columns[3])).astype(np.uint32)
        rows = (column[known] for column in columns)
        batch = BarBatch(UNIVERSE, TIMEFRAME, ts, known, *rows, start=ts - 60_000_000_000)
        return encode_bars(batch).SerializeToString()


def swinging(assets: int, turning: int = 1) -> Universe:
    """Return a universe whose first assets turn every other tick, so that each turn makes one order.

    Each turns a tick before the next. The others move, but are back after 24 bars, so that momentum has no
    opinion on them.
    """
    strategies = {
        "name": "bench",
        "strategies": {
            "momentum": {"weight": 1.0, "parameters": {"horizons_bars": [24], "enter_score": 0.05}},
            "model_based": {"weight": 1.0},
        },
        "consensus": {
            "enter_confidence": 0.5, "exit_confidence": 0.5, "min_votes": 1, "min_hold_bars": 0,
            "repeat_bars": 100, "warmup_bars": 200, "respect_regime": False,
        },
    }  # fmt: skip
    symbols = tuple(f"S{i:04}" for i in range(assets))
    return Universe(f"{assets:,} assets", symbols, _swings(assets, turning), strategies, 260)


def _swings(assets: int, turning: int) -> Iterator[Prices]:
    rng = np.random.default_rng(SEED)
    base = rng.uniform(20.0, 300.0, assets)
    pattern = 1 + SWING * rng.uniform(-1.0, 1.0, (HALF_PERIOD, assets))
    before = base
    for t in itertools.count():
        factor = pattern[t % HALF_PERIOD].copy()
        for asset in range(turning):
            half, rest = divmod(t + asset, HALF_PERIOD)
            factor[asset] = 1 + (SWING if rest // RUN % 2 == half % 2 else -SWING)
        close = np.round(base * factor, 2)
        yield _bars(before, close)
        before = close


def _bars(opened: NDArray[np.float64], close: NDArray[np.float64]) -> Prices:
    high, low = np.maximum(opened, close) * 1.0005, np.minimum(opened, close) * 0.9995
    return opened, high, low, close, np.full(close.size, 1e6)


def stocks(assets: int) -> Universe:
    """Return many stocks under every strategy of the platform, turning as often as they like.

    Real bars from the file or folder RATCHET_BENCH_DATA, forwards and backwards for ever, filled up by random
    walks; random walks alone without it.
    """
    content = yaml.safe_load((default_dir("config") / "strategies.yaml").read_text())["strategies"]
    content["consensus"] |= {"min_hold_bars": 3, "warmup_bars": 250, "enter_confidence": 0.6}
    closes = _walks(assets)
    name = f"{assets:,} random walks"
    symbols = tuple(f"S{i:04}" for i in range(assets))
    if given := os.environ.get("RATCHET_BENCH_DATA"):
        real, own = _real(Path(given), assets)
        closes[:, : real.shape[1]] = real
        symbols = (*own, *symbols[len(own) :])
        name = f"{assets:,} stocks ({len(own):,} real)"
    return Universe(name, symbols, _there_and_back(closes), content, 300)


def _walks(assets: int) -> NDArray[np.float64]:
    rng = np.random.default_rng(SEED)
    drift = np.zeros(assets)
    rows = []
    price = rng.uniform(5.0, 300.0, assets)
    for _ in range(DAYS):
        drift = 0.95 * drift + rng.normal(0, 0.002, assets)
        price = price * np.exp(drift + rng.normal(0, 0.018, assets))
        rows.append(np.maximum(np.round(price, 2), 0.5))
    return np.array(rows)


def _real(path: Path, assets: int) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Return closes [days, symbols] of the symbols with most days, NaN never: gaps keep the last close."""
    from ratchet.common.datasets import Dataset

    dataset = Dataset.open(path)
    bars, symbols = dataset.read(), dataset.symbols
    days, row = np.unique(bars.starts, return_inverse=True)
    closes = np.full((days.size, len(symbols)), np.nan)
    closes[row, bars.assets] = bars.prices[3]
    closes = closes[-DAYS:]
    whole = np.flatnonzero(~np.isnan(closes[0]))[:assets]
    closes = closes[:, whole]
    for day in range(1, len(closes)):
        gaps = np.isnan(closes[day])
        closes[day, gaps] = closes[day - 1, gaps]
    padded = np.vstack([np.repeat(closes[:1], DAYS - len(closes), axis=0), closes])
    return np.maximum(padded, 0.5), tuple(str(symbols[i]) for i in whole)


def _there_and_back(closes: NDArray[np.float64]) -> Iterator[Prices]:
    before = closes[0]
    for day in itertools.cycle([*range(len(closes)), *range(len(closes) - 2, 0, -1)]):
        yield _bars(before, closes[day])
        before = closes[day]


def write_config(universe: Universe, folder: Path) -> None:
    """Write a configuration folder in which the universe may trade around the clock."""
    source = default_dir("config")
    assets = yaml.safe_load((source / "assets.yaml").read_text())
    stock = {**assets["classes"]["stock"], "calendar": "24/7", "stop_loss_ratio": 0.5}
    assets["classes"] = {**assets["classes"], "stock": stock}
    assets["assets"] = {symbol: {"class": "stock"} for symbol in universe.symbols}
    risk = yaml.safe_load((source / "risk.yaml").read_text())
    risk["risk"] |= {
        "min_confidence": 0.5, "max_daily_loss_ratio": 0.9, "max_drawdown_ratio": 0.9,
        "max_orders_per_minute": 100_000, "class_limit_ratio": {"stock": 0.8},
    }  # fmt: skip
    # A market of one tick every 50 ms is not one that they are made for.
    for breaker in risk["risk"]["breakers"].values():
        if isinstance(breaker, dict):
            breaker["enabled"] = False
    risk["exits"] |= {"stop_loss_ratio": 0.5, "take_profit_ratio": 0.9, "partials": []}
    plan = {"phase": 0, "name": "all", "asset_classes": ["stock"], "symbols": list(universe.symbols)}
    phases = yaml.safe_load((source / "phases.yaml").read_text())
    phases["phases"]["phases"] = [plan]
    files = {
        "assets.yaml": assets,
        "risk.yaml": risk,
        "phases.yaml": phases,
        "strategies.yaml": {"strategies": universe.strategies},
    }
    shutil.copytree(source, folder)
    for name, content in files.items():
        (folder / name).write_text(yaml.safe_dump(content, sort_keys=False))
