"""The signal engine of one universe: bars in, features, regimes, votes and consensus out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import isnan
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from ratchet.core.assets.types import Asset
from ratchet.core.features import INDEX, FeatureEngine, model_rows
from ratchet.core.market.batch import BarBatch, Floats
from ratchet.core.orders.ids import signal_id
from ratchet.core.patterns import CandlePatterns
from ratchet.core.regime import RegimeDetector
from ratchet.core.signals.config import StrategiesConfig
from ratchet.core.signals.consensus import Consensus, Decision
from ratchet.core.signals.types import MarketContext, Signal, SignalBatch
from ratchet.core.strategies import Strategy, StrategyContext, create_strategy
from ratchet.core.timeframes import timeframe_ns

State = dict[str, NDArray[np.generic]]
_ATR, _VOLATILITY = INDEX["atr_14"], INDEX["volatility_72"]


@dataclass(frozen=True, slots=True)
class Prediction:
    """A model's probabilities of a rising price, one per row that was asked for."""

    probability: Floats
    version: str


Predictor = Callable[[NDArray[np.float32]], Prediction | None]
"""Takes MODEL_FEATURES as float32 [rows, k]; returns None when there is no model."""


class SignalEngine:
    """Turns the bars of one universe into signals; event time only, and the same input gives the same output.

    Not safe for use by several threads at once.
    """

    def __init__(self, assets: Sequence[Asset], timeframe: str, config: StrategiesConfig) -> None:
        universes = {asset.universe for asset in assets}
        if len(universes) != 1:
            raise ValueError(f"assets must be of one universe, but are of {sorted(universes)}")
        timeframe_ns(timeframe)
        self._assets = tuple(sorted(assets, key=lambda asset: asset.id))
        self._universe = universes.pop()
        self._timeframe = timeframe
        self._config = config
        n = len(self._assets)
        self._slots = np.full(self._assets[-1].id + 1, -1, dtype=np.intp)
        self._slots[[asset.id for asset in self._assets]] = np.arange(n)
        self._bar: Floats = np.ones((5, n))
        self._present = np.zeros(n, dtype=np.bool_)
        self._features = FeatureEngine(n)
        self._regime = RegimeDetector(n, config.regime)
        self._patterns = CandlePatterns(n)
        entries = {name: entry for name, entry in sorted(config.strategies.items()) if entry.enabled}
        self._strategies: tuple[Strategy[Any], ...] = tuple(
            create_strategy(name, entry.parameters) for name, entry in entries.items()
        )
        weights = np.array([entry.weight for entry in entries.values()])
        repeat = config.consensus.repeat_bars
        late = [crc32(asset.symbol.encode()) % repeat for asset in self._assets]
        self._consensus = Consensus(n, weights, config.consensus, np.array(late, dtype=np.int32))
        self._previous = np.zeros((len(entries), n), dtype=np.int8)
        self._confidence: Floats = np.zeros((len(entries), n))
        self._last_ts = np.zeros(1, dtype=np.int64)

    @property
    def universe(self) -> str:
        """Name of the universe."""
        return self._universe

    @property
    def features(self) -> FeatureEngine:
        """The feature engine, for explanations and training."""
        return self._features

    def on_bars(
        self, batch: BarBatch, *, predict: Predictor | None = None, sentiment: Floats | None = None
    ) -> SignalBatch:
        """Take the bars of one event time and return the signals and the context of their assets.

        `sentiment` holds scores in [-1, 1] per asset of the universe in id order [N], NaN where unknown.
        ValueError when the batch is of another universe or timeframe, holds an unknown asset, or is not
        later than the last one.
        """
        slots = self._accept(batch)
        table = self._features.update_bars(self._bar, self._present)
        regime = self._regime.update(table, self._present)
        pattern = self._patterns.update(self._bar, self._present)
        ready = self._present & (self._features.bars_seen >= self._config.consensus.warmup_bars)
        version = ""
        signals: tuple[Signal, ...] = ()
        technical = model = np.full(ready.size, np.nan)
        if ready.any():
            probability, version = self._predict(table, ready, predict)
            self._vote(batch.ts, table, regime, ready, probability, sentiment)
            decision = self._consensus.update(self._previous, self._confidence, ready, regime)
            signals = self._signals(batch.ts, table, decision, version)
            technical = np.where(ready, self._consensus.score, np.nan)
            model = model if probability is None else 2.0 * probability - 1.0
        context = MarketContext(
            asset_ids=batch.asset_ids,
            atr=table[slots, _ATR],
            volatility=table[slots, _VOLATILITY],
            regime=regime[slots],
            technical=technical[slots],
            model=model[slots],
            pattern=pattern[slots],
        )
        return SignalBatch(self._universe, batch.ts, batch.step, signals, context)

    def _accept(self, batch: BarBatch) -> NDArray[np.intp]:
        if batch.universe != self._universe or batch.timeframe != self._timeframe:
            raise ValueError(
                f"batch is of {batch.universe} {batch.timeframe}, "
                f"but this engine takes {self._universe} {self._timeframe}"
            )
        if batch.ts <= self._last_ts[0]:
            raise ValueError(f"batch of ts {batch.ts} is not later than the last one, {self._last_ts[0]}")
        known = batch.asset_ids < self._slots.size
        slots = self._slots[np.where(known, batch.asset_ids, 0)]
        if not known.all() or (slots < 0).any():
            unknown = batch.asset_ids[~known | (slots < 0)].tolist()
            raise ValueError(f"assets {unknown} are not of universe {self._universe}")
        self._last_ts[0] = batch.ts
        self._present[:] = False
        self._present[slots] = True
        for row, column in enumerate((batch.open, batch.high, batch.low, batch.close, batch.volume)):
            self._bar[row, slots] = column
        return slots

    def _predict(
        self, table: Floats, ready: NDArray[np.bool_], predict: Predictor | None
    ) -> tuple[Floats | None, str]:
        if predict is None:
            return None, ""
        rows = np.flatnonzero(ready)
        prediction = predict(model_rows(table, rows))
        if prediction is None:
            return None, ""
        if prediction.probability.shape != rows.shape:
            raise ValueError(f"prediction is {prediction.probability.shape}, but must be {rows.shape}")
        probability = np.full(ready.size, np.nan)
        probability[rows] = prediction.probability
        return probability, prediction.version

    def _vote(
        self,
        ts: int,
        table: Floats,
        regime: NDArray[np.int8],
        ready: NDArray[np.bool_],
        probability: Floats | None,
        sentiment: Floats | None,
    ) -> None:
        open_, high, low, close, volume = self._bar
        for row, strategy in enumerate(self._strategies):
            ctx = StrategyContext(
                ts=ts,
                present=ready,
                open=open_,
                high=high,
                low=low,
                close=close,
                volume=volume,
                table=table,
                regime=regime,
                previous=self._previous[row],
                probability=probability,
                sentiment=sentiment,
            )
            votes = strategy.generate_signals(ctx)
            np.copyto(self._previous[row], votes.direction, where=ready)
            np.copyto(self._confidence[row], np.fmax(votes.confidence, 0.0), where=ready)

    def _signals(self, ts: int, table: Floats, decision: Decision, version: str) -> tuple[Signal, ...]:
        return tuple(
            self._signal(ts, table, int(slot), int(direction), float(confidence), version)
            for slot, direction, confidence in zip(
                decision.slots, decision.direction, decision.confidence, strict=True
            )
        )

    def _signal(
        self, ts: int, table: Floats, slot: int, direction: int, confidence: float, version: str
    ) -> Signal:
        asset = self._assets[slot]
        cast = {
            strategy.name: float(self._previous[row, slot] * self._confidence[row, slot])
            for row, strategy in enumerate(self._strategies)
            if self._confidence[row, slot] > 0
        }
        names = {name for s in self._strategies if cast.get(s.name, 0) * direction > 0 for name in s.explains}
        return Signal(
            id=signal_id(self._config.name, asset.symbol, ts, direction),
            asset_id=asset.id,
            direction=direction,
            confidence=confidence,
            price=float(self._bar[3, slot]),
            votes=cast,
            model_version=version,
            features={
                name: value for name in sorted(names) if not isnan(value := table.item(slot, INDEX[name]))
            },
        )

    def state(self) -> State:
        """Return the whole state as arrays, for an engine of the same assets and configuration."""
        parts: dict[str, Mapping[str, NDArray[np.generic]]] = {
            "features": self._features.state(),
            "regime": self._regime.state(),
            "patterns": self._patterns.state(),
            "consensus": self._consensus.state(),
        }
        state: State = {f"{part}.{name}": value for part, own in parts.items() for name, value in own.items()}
        state["previous"] = self._previous.copy()
        state["confidence"] = self._confidence.copy()
        state["last_ts"] = self._last_ts.copy()
        state["fingerprint"] = self._fingerprint()
        return state

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Continue from `state()` to the bit; ValueError when assets or configuration differ."""
        if "fingerprint" not in state or not np.array_equal(state["fingerprint"], self._fingerprint()):
            raise ValueError(
                "state was saved with other assets, features or strategies; start from bars instead"
            )

        def part(name: str) -> State:
            prefix = name + "."
            return {key[len(prefix) :]: value for key, value in state.items() if key.startswith(prefix)}

        self._features.restore(part("features"))
        self._regime.restore(part("regime"))
        self._patterns.restore(part("patterns"))
        self._consensus.restore(part("consensus"))
        self._previous[:] = state["previous"]
        self._confidence[:] = state["confidence"]
        self._last_ts[:] = state["last_ts"]

    def _fingerprint(self) -> NDArray[np.uint8]:
        symbols = "|".join(f"{asset.id}={asset.symbol}" for asset in self._assets)
        text = f"{self._timeframe}|{symbols}|{','.join(INDEX)}|{self._config.model_dump_json()}"
        return np.frombuffer(sha256(text.encode()).digest(), dtype=np.uint8)
