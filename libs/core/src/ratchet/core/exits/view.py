"""Builds what an exit rule sees of each position: its bar, its memory and its market."""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ratchet.core.assets import Asset, pip_size
from ratchet.core.exits.config import ExitConfig
from ratchet.core.exits.lookup import rows_of
from ratchet.core.exits.state import ExitState
from ratchet.core.exits.types import ExitView
from ratchet.core.market import BarBatch
from ratchet.core.portfolio import PositionView

if TYPE_CHECKING:
    # At run time this would load numba into every service that reads the configuration.
    from ratchet.core.signals import MarketContext


class Market(NamedTuple):
    """What the signals' context says of one asset; NaN where unknown."""

    atr: float = math.nan
    volatility: float = math.nan
    regime: int = 0
    technical: float = math.nan
    model: float = math.nan
    pattern: float = math.nan


class Candle(NamedTuple):
    """The bar that has just ended, seen from the position's side: `best` is the high for a long."""

    best: float
    worst: float
    close: float


def markets(contexts: "Iterable[MarketContext]", asset_ids: Sequence[int]) -> dict[int, Market]:
    """Return the context of those of the assets that have one."""
    ids = np.array(asset_ids, dtype=np.int64)
    return {
        asset_ids[i]: Market(
            float(context.atr[row]),
            float(context.volatility[row]),
            int(context.regime[row]),
            float(context.technical[row]),
            float(context.model[row]),
            float(context.pattern[row]),
        )
        for context in contexts
        for i, row in rows_of(context.asset_ids, ids)
    }


def candles(bars: Iterable[BarBatch], held: Sequence[PositionView]) -> Iterator[tuple[PositionView, Candle]]:
    """Yield the positions that have a bar, in their order, each with its candle."""
    ids = np.array([position.asset_id for position in held], dtype=np.int64)
    found = {i: (batch, row) for batch in bars for i, row in rows_of(batch.asset_ids, ids)}
    for i, (batch, row) in sorted(found.items()):
        high, low, close = float(batch.high[row]), float(batch.low[row]), float(batch.close[row])
        yield held[i], Candle(high, low, close) if held[i].qty > 0 else Candle(low, high, close)


def view_of(
    position: PositionView,
    asset: Asset,
    state: ExitState,
    candle: Candle,
    market: Market,
    ts: int,
    config: ExitConfig,
) -> ExitView:
    """Return the position as the rules see it at `ts`."""
    side = 1 if position.qty > 0 else -1
    entry = float(position.avg_entry_price)
    return ExitView(
        side=side,
        adverse=side * (candle.worst - entry) / entry,
        close=side * (candle.close - entry) / entry,
        best=side * (state.best_price - entry) / entry,
        held_ns=ts - position.opened_ts,
        stop_loss_ratio=asset.stop_loss_ratio or config.stop_loss_ratio,
        max_holding_days=_max_holding_days(asset, config),
        atr_ratio=market.atr / entry,
        volatility=market.volatility,
        pip_stop=_pip_stop(asset, config) / entry,
        regime=market.regime,
        technical=market.technical,
        model=market.model,
        pattern=market.pattern,
    )


def _max_holding_days(asset: Asset, config: ExitConfig) -> float | None:
    own = asset.rules.get("max_holding_days")
    limits = [float(str(days)) for days in (own, config.max_holding_days) if days is not None]
    return min(limits, default=None)


def _pip_stop(asset: Asset, config: ExitConfig) -> float:
    pip = pip_size(asset)
    pips = asset.rules.get("stop_pips") or config.stop_pips
    return math.nan if pip is None or pips is None else float(str(pips)) * float(pip)
