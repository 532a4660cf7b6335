"""Trains a new candidate model on the bars in the database; promoting it stays a human's decision."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import uuid5

import numpy as np
from psycopg2.extras import Json

from ratchet.common.db import Database
from ratchet.common.timestamps import to_ns
from ratchet.core.assets import Registry
from ratchet.core.market import BarBatch
from ratchet.core.models import ModelError, ModelStore, TrainingConfig, build_training_set, train
from ratchet.core.orders import NAMESPACE

_NEWEST = (
    "SELECT timeframe, max(event_ts) FROM bars WHERE symbol = ANY(%s) GROUP BY timeframe "
    "ORDER BY 2 DESC LIMIT 1"
)
_BARS = (
    "SELECT event_ts, ts, symbol, open, high, low, close, volume FROM bars "
    "WHERE symbol = ANY(%(symbols)s) AND timeframe = %(timeframe)s AND event_ts >= %(start)s "
    "AND event_ts <= %(end)s ORDER BY event_ts, symbol"
)
_START = (
    "INSERT INTO training_runs (run_id, name, universe, status, parameters) "
    "VALUES (%s, %s, %s, 'running', %s) "
    "ON CONFLICT (run_id) DO UPDATE SET status = 'running', started_at = now(), error = '' "
    "WHERE training_runs.status <> 'succeeded' RETURNING run_id"
)
_END = "UPDATE training_runs SET status = %s, metrics = %s, error = %s, finished_at = now() WHERE run_id = %s"


class Retraining:
    """One run a universe and newest bar: the same data is not learned twice."""

    def __init__(self, db: Database, registry: Registry, store: ModelStore, *, history_days: int) -> None:
        self._db = db
        self._registry = registry
        self._store = store
        self._history_days = history_days

    def run(self, universe: str) -> str:
        """Train on the newest bars; return the outcome in words."""
        symbols = [asset.symbol for asset in self._registry.of_universe(universe)]
        newest = self._db.query(_NEWEST, (symbols,))
        if not newest:
            return f"{universe}: no bars"
        timeframe, end = newest[0]
        config = TrainingConfig()
        run_id = str(uuid5(NAMESPACE, f"training|{universe}|{timeframe}|{end.isoformat()}|{config.name}"))
        start = max(datetime(1970, 1, 1, tzinfo=UTC), end - timedelta(days=self._history_days))
        window = {"timeframe": timeframe, "start": start.isoformat(), "end": end.isoformat()}
        if not self._begin(run_id, config.name, universe, window):
            return f"{universe}: trained already on bars until {end:%Y-%m-%d %H:%M}"
        try:
            table = build_training_set(
                self._steps(universe, {**window, "symbols": symbols}),
                self._registry.of_universe(universe),
                timeframe,
                config,
            )
            model = train(table, config)
        except (ModelError, ValueError) as error:
            self._db.execute(_END, ("failed", Json({}), str(error), run_id))
            return f"{universe}: {error}"
        # ml-inference registers what it finds in the model folder.
        self._store.save(model)
        self._db.execute(
            _END, ("succeeded", Json({**model.card.metrics, "samples": model.card.samples}), "", run_id)
        )
        return f"{universe}: model {model.card.version} is a candidate"

    def _begin(self, run_id: str, name: str, universe: str, window: dict[str, str]) -> bool:
        with self._db.transaction() as cursor:
            cursor.execute(_START, (run_id, name, universe, Json(window)))
            return cursor.fetchone() is not None

    def _steps(self, universe: str, parameters: dict[str, Any]) -> Iterator[tuple[BarBatch, ...]]:
        rows = self._db.stream(_BARS, parameters)
        for event_ts, group in groupby(rows, key=itemgetter(0)):
            bars = sorted((self._registry.by_symbol(row[2]).id, row) for row in group)
            prices, volume = np.split(np.array([row[3:8] for _, row in bars], dtype=np.float64).T, [4])
            yield (
                BarBatch(
                    universe=universe,
                    timeframe=parameters["timeframe"],
                    ts=to_ns(event_ts),
                    start=to_ns(bars[0][1][1]),
                    asset_ids=np.array([asset_id for asset_id, _ in bars], dtype=np.uint32),
                    open=prices[0],
                    high=prices[1],
                    low=prices[2],
                    close=prices[3],
                    volume=volume[0],
                ),
            )
