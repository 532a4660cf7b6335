"""One universe: restores its engine, turns bars into signals, keeps checkpoints."""

import os
import sys
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from ratchet.common import metrics
from ratchet.common.logging import get_logger
from ratchet.core.assets import Asset
from ratchet.core.market import BarBatch
from ratchet.core.signals import Predictor, SignalBatch, SignalEngine, StrategiesConfig
from ratchet.core.timeframes import timeframe_ns
from ratchet.signal.sentiment import SentimentView
from ratchet.signal.store import SignalStore

CHECKPOINT_EVERY_BARS = 250
_BACKGROUND_NICENESS = 10


class UniverseWorker:
    """Owns the signal engine of one universe.

    The engine starts from the newest checkpoint before the first batch and the stored bars between the two,
    so that after a crash it computes what it would have computed without one.
    """

    def __init__(
        self,
        assets: tuple[Asset, ...],
        config: StrategiesConfig,
        store: SignalStore,
        predict: Predictor,
        sentiment: SentimentView,
        checkpoint_every_bars: int = CHECKPOINT_EVERY_BARS,
    ) -> None:
        self.universe = assets[0].universe
        self._assets = assets
        self._config = config
        self._store = store
        self._predict = predict
        self._sentiment = sentiment
        self._checkpoint_every_bars = checkpoint_every_bars
        self._engine: SignalEngine | None = None
        self._last_ts = 0
        self._bars_since_checkpoint = 0
        self._background = ThreadPoolExecutor(1, f"checkpoint-{self.universe}", _yield_to_others)
        self._saving: Future[None] | None = None
        self._log = get_logger(__name__)

    def handle(self, batch: BarBatch) -> SignalBatch | None:
        """Return the signals of a batch, or None for one that was handled before."""
        if self._engine is None:
            self._engine = self._warm_engine(batch)
        if batch.ts <= self._last_ts:
            return None
        with metrics.SIGNAL_STEP_SECONDS.labels(self.universe).time():
            signals = self._compute(self._engine, batch)
        self._count(signals)
        return signals

    def _count(self, batch: SignalBatch) -> None:
        """Add up first: at some bars thousands of assets have a signal."""
        signals: Counter[str] = Counter()
        votes: Counter[tuple[str, str]] = Counter()
        for signal in batch.signals:
            direction = "buy" if signal.direction > 0 else "sell"
            signals[direction] += 1
            votes.update((strategy, direction) for strategy in signal.votes)
        for direction, count in signals.items():
            metrics.SIGNALS_TOTAL.labels(self.universe, direction).inc(count)
        for (strategy, direction), count in votes.items():
            metrics.STRATEGY_VOTES_TOTAL.labels(strategy, direction).inc(count)

    def checkpoint(self, batch: BarBatch, first: Callable[[], None] = lambda: None) -> None:
        """Save the engine every so many batches, in the background; call it when the batch's signals are out.

        `first` is called before: what came before a checkpoint is not computed again. Raises what went wrong
        with the checkpoint before.
        """
        self._bars_since_checkpoint += 1
        if self._engine is not None and self._bars_since_checkpoint >= self._checkpoint_every_bars:
            first()
            self.finish_checkpoint()
            state = self._engine.state()
            self._saving = self._background.submit(
                self._store.save_checkpoint, self.universe, batch.ts, batch.step.seq, state
            )
            self._bars_since_checkpoint = 0

    def finish_checkpoint(self) -> None:
        """Wait until the last checkpoint is saved; raises what went wrong with it."""
        if self._saving is not None:
            saving, self._saving = self._saving, None
            saving.result()

    def _compute(self, engine: SignalEngine, batch: BarBatch) -> SignalBatch:
        sentiment = self._sentiment.at(batch.ts)
        signals = engine.on_bars(batch, predict=self._predict, sentiment=sentiment)
        self._last_ts = batch.ts
        return signals

    def _warm_engine(self, first: BarBatch) -> SignalEngine:
        engine = SignalEngine(self._assets, first.timeframe, self._config)
        since = self._restore(engine, first)
        warmed = 0
        for batch in self._store.bars_between(self._assets, first.timeframe, since, first.ts):
            self._compute(engine, batch)
            warmed += 1
        self._log.info("engine_warm", universe=self.universe, timeframe=first.timeframe, bars=warmed)
        return engine

    def _restore(self, engine: SignalEngine, first: BarBatch) -> int:
        found = self._store.load_checkpoint(self.universe, first.ts)
        if found is not None:
            ts, state = found
            try:
                engine.restore(state)
            except ValueError as error:
                self._log.warning("checkpoint_refused", universe=self.universe, reason=str(error))
            else:
                self._last_ts = ts
                return ts
        if first.step.seq:
            return 0
        # Live trading needs no more than the warm-up; twice as much bridges sessions and holidays.
        return first.ts - 2 * self._config.consensus.warmup_bars * timeframe_ns(first.timeframe)


def _yield_to_others() -> None:
    """Let the calling thread have what processor time is left, where threads have a priority of their own."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _BACKGROUND_NICENESS)
