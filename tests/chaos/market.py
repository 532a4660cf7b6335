"""A made-up market that trades often: two coins around the clock, a stock in every third bar."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ratchet.core.assets import Registry
from ratchet.core.market import BarBatch, Step
from ratchet.core.orders.ids import signal_id
from ratchet.core.signals import MarketContext, Signal, SignalBatch

HOUR = 3_600_000_000_000
# 2025-01-02T18:00Z: the stock exchange is open in some of the bars.
START = 1_735_840_800_000_000_000
SYMBOLS = {"BTC/USDT": 40_000.0, "ETH/USDT": 2_500.0, "NVDA": 500.0}
_UP, _DOWN = -0.6, 0.6


@dataclass(frozen=True)
class Market:
    """Bars and signals as functions of the step alone, so that every run sees the same market."""

    registry: Registry
    live: bool = False

    def bars(self, seq: int, ts: int | None = None) -> tuple[BarBatch, ...]:
        """Return the batches of step `seq`; `ts` (ns) replaces the simulated time in live mode."""
        end = START + seq * HOUR if ts is None else ts
        return self._universes(seq, end, Step(0 if self.live else seq))

    def history(self, bars: int, before: int) -> Iterator[tuple[BarBatch, ...]]:
        """Yield so many hours that ended before an event time (ns), oldest first: what warms an engine."""
        for seq in range(-bars, 0):
            yield self._universes(seq, before + seq * HOUR, Step(0))

    def _universes(self, seq: int, end: int, step: Step) -> tuple[BarBatch, ...]:
        symbols = ["BTC/USDT", "ETH/USDT"]
        if not self.live and seq % 3 == 0:
            symbols.append("NVDA")
        by_universe: dict[str, list[str]] = {}
        for symbol in symbols:
            by_universe.setdefault(self.registry.by_symbol(symbol).universe, []).append(symbol)
        if step.seq:
            step = Step(step.seq, tuple(by_universe))
        return tuple(self._batch(names, seq, end, step) for names in by_universe.values())

    def _batch(self, symbols: list[str], seq: int, end: int, step: Step) -> BarBatch:
        assets = sorted((self.registry.by_symbol(symbol) for symbol in symbols), key=lambda a: a.id)
        ids = np.array([asset.id for asset in assets], dtype=np.uint32)
        rng = np.random.default_rng([seq % 2**32, assets[0].id])
        base = np.array([SYMBOLS[asset.symbol] for asset in assets])
        opened = np.round(base * (1 + 0.05 * np.sin(seq / 2 + ids)), 2)
        close = np.round(opened * (1 + rng.normal(0, 0.004, len(ids))), 2)
        return BarBatch(
            universe=assets[0].universe,
            timeframe="1h",
            ts=end,
            start=end - HOUR,
            asset_ids=ids,
            open=opened,
            high=np.round(np.maximum(opened, close) * 1.002, 2),
            low=np.round(np.minimum(opened, close) * 0.998, 2),
            close=close,
            volume=np.full(len(ids), 100_000.0),
            step=step,
        )

    def signals(self, batch: BarBatch, seq: int, *, quiet: bool = False) -> SignalBatch:
        """Buy low and sell high on a sine; `quiet` signals nothing, so that the books come to rest."""
        found = []
        for row, asset_id in enumerate(batch.asset_ids.tolist()):
            phase = np.sin(seq / 2 + asset_id)
            direction = 1 if phase < _UP else -1 if phase > _DOWN else 0
            if direction and not quiet:
                symbol = self.registry[asset_id].symbol
                made = signal_id("chaos", symbol, batch.ts, direction)
                price = float(batch.close[row])
                found.append(Signal(made, asset_id, direction, 0.9, price, {"sine": float(direction)}))
        size = len(batch)
        context = MarketContext(
            batch.asset_ids,
            batch.close * 0.01,
            np.full(size, 0.01),
            np.zeros(size, dtype=np.int8),
            *np.full((3, size), np.nan),
        )
        return SignalBatch(batch.universe, batch.ts, batch.step, tuple(found), context)
