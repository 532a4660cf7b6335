"""Training sets, made by the feature engine that also trades."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from ratchet.core.assets.types import Asset
from ratchet.core.features import INDEX, MODEL_FEATURES, FeatureEngine, model_rows
from ratchet.core.market.batch import BarBatch, Floats
from ratchet.core.models.card import LabelConfig
from ratchet.core.models.labels import forward_return, triple_barrier

_VOLATILITY = INDEX["volatility_72"]


class TrainingConfig(BaseModel):
    """How a model is trained. Samples are taken every `sample_every_bars` of an asset after its warm-up.

    Returns are mostly noise and neighbouring labels overlap, so the defaults make small, smooth trees.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(default="hgb", min_length=1)
    label: LabelConfig = LabelConfig()
    warmup_bars: int = Field(default=250, ge=1)
    sample_every_bars: int = Field(default=24, ge=1)
    cv_folds: int = Field(default=5, ge=2)
    embargo_bars: int = Field(default=168, ge=0)
    min_samples: int = Field(default=400, ge=50)
    max_iterations: int = Field(default=30, ge=1)
    learning_rate: float = Field(default=0.03, gt=0)
    max_leaf_nodes: int = Field(default=5, ge=2)
    min_samples_leaf: int = Field(default=100, ge=1)
    l2_regularization: float = Field(default=20.0, ge=0)
    max_bins: int = Field(default=48, ge=2, le=255)
    seed: int = Field(default=7, ge=0)


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Samples of one universe, by time: features x [M, k], labels y and label spans (ns, UTC)."""

    universe: str
    timeframe: str
    symbols: tuple[str, ...]
    feature_names: tuple[str, ...]
    x: NDArray[np.float32]
    y: NDArray[np.int8]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    asset_ids: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.y)


class _History:
    """All bars of one asset, and the features of its sampled ones."""

    def __init__(self) -> None:
        self.bars: list[tuple[int, float, float, float, float]] = []
        self.samples: list[int] = []
        self.rows: list[NDArray[np.float32]] = []

    def labelled(self, config: LabelConfig) -> tuple[NDArray[np.intp], NDArray[np.int8], NDArray[np.int64]]:
        columns = np.array(self.bars)
        high, low, close, width = (
            columns[:, 1].copy(),
            columns[:, 2].copy(),
            columns[:, 3].copy(),
            columns[:, 4],
        )
        if config.kind == "forward_return":
            labels, ends = forward_return(close, config.horizon_bars)
        else:
            width = width * (config.barrier_volatility * config.horizon_bars**0.5)
            labels, ends = triple_barrier(high, low, close, width, config.horizon_bars)
        chosen = np.array(self.samples, dtype=np.intp)
        known = np.flatnonzero(labels[chosen] >= 0)
        return known, labels[chosen[known]], ends[chosen[known]]


def build_training_set(
    steps: Iterable[tuple[BarBatch, ...]], assets: Sequence[Asset], timeframe: str, config: TrainingConfig
) -> TrainingSet:
    """Run the feature engine over a dataset and label its samples.

    `assets` are those of one universe in id order; batches of other universes or timeframes are passed over.
    Labels look ahead, features do not. ValueError when there are too few samples to learn from.
    """
    histories = _collect(steps, assets, timeframe, config)
    parts = [
        _samples(history, asset.id, config.label)
        for asset, history in zip(assets, histories, strict=True)
        if history.samples
    ]
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    found = len(columns[0]) if columns else 0
    if found < config.min_samples:
        raise ValueError(f"{found} samples are too few to train on; min_samples is {config.min_samples}")
    x, y, start, end, asset_ids = columns
    order = np.lexsort((asset_ids, start))
    return TrainingSet(
        universe=assets[0].universe,
        timeframe=timeframe,
        symbols=tuple(asset.symbol for asset in assets),
        feature_names=MODEL_FEATURES,
        x=x[order],
        y=y[order],
        start=start[order],
        end=end[order],
        asset_ids=asset_ids[order],
    )


def _collect(
    steps: Iterable[tuple[BarBatch, ...]], assets: Sequence[Asset], timeframe: str, config: TrainingConfig
) -> list[_History]:
    engine = FeatureEngine(len(assets))
    slot_of = {asset.id: slot for slot, asset in enumerate(assets)}
    histories = [_History() for _ in assets]
    bar = np.ones((5, len(assets)))
    for batches in steps:
        for batch in batches:
            if batch.universe != assets[0].universe or batch.timeframe != timeframe:
                continue
            slots = np.array([slot_of[int(asset_id)] for asset_id in batch.asset_ids], dtype=np.intp)
            present = np.zeros(len(assets), dtype=np.bool_)
            present[slots] = True
            bar[:, slots] = batch.open, batch.high, batch.low, batch.close, batch.volume
            table = engine.update_bars(bar, present)
            _record(histories, slots, bar, table, batch.ts, config)
    return histories


def _record(
    histories: list[_History],
    slots: NDArray[np.intp],
    bar: Floats,
    table: Floats,
    ts: int,
    config: TrainingConfig,
) -> None:
    sampled = []
    for slot in slots.tolist():
        history = histories[slot]
        seen = len(history.bars)
        if seen >= config.warmup_bars and seen % config.sample_every_bars == 0:
            history.samples.append(seen)
            sampled.append(slot)
        high, low, close = bar[1:4, slot].tolist()
        history.bars.append((ts, high, low, close, float(table[slot, _VOLATILITY])))
    if sampled:
        for slot, row in zip(sampled, model_rows(table, np.array(sampled, dtype=np.intp)), strict=True):
            histories[slot].rows.append(row)


def _samples(history: _History, asset_id: int, config: LabelConfig) -> tuple[NDArray[np.generic], ...]:
    known, labels, ends = history.labelled(config)
    times = np.array([bar[0] for bar in history.bars], dtype=np.int64)
    starts = np.array(history.samples, dtype=np.int64)[known]
    rows = np.array(history.rows, dtype=np.float32)[known]
    return rows, labels, times[starts], times[ends], np.full(known.size, asset_id, dtype=np.int64)
