"""Signals, checkpoints and the history that warms an engine, in the database."""

import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratchet.common.db import Cursor, Database
from ratchet.common.timestamps import to_datetime, to_ns
from ratchet.core.assets import Asset, Registry
from ratchet.core.market import BarBatch
from ratchet.core.sentiment.window import SentimentRow
from ratchet.core.signals import SignalBatch

State = dict[str, NDArray[np.generic]]
_SIGNAL_COLUMNS = (
    "id", "ts", "seq", "universe", "symbol", "asset_class", "direction", "confidence", "price", "votes",
    "features", "model_version",
)  # fmt: skip
_INSERT = f"INSERT INTO signals ({', '.join(_SIGNAL_COLUMNS)}) VALUES %s ON CONFLICT (id, ts) DO NOTHING"  # noqa: S608


class SignalStore:
    """The tables that the signal service reads and writes."""

    def __init__(self, db: Database, registry: Registry) -> None:
        self._db = db
        self._registry = registry

    def save(self, batches: Sequence[SignalBatch]) -> None:
        """Write batches' signals in one transaction; writing them again changes nothing."""
        rows = [row for batch in batches for row in self._rows(batch)]
        if rows:
            # A few rows: a plain INSERT costs less than a temporary table for COPY.
            self._db.run(lambda cursor: _insert(cursor, rows))

    def _rows(self, batch: SignalBatch) -> Iterator[tuple[Any, ...]]:
        for signal in batch.signals:
            asset = self._registry[signal.asset_id]
            yield (
                str(signal.id),
                to_datetime(batch.ts),
                batch.step.seq,
                batch.universe,
                asset.symbol,
                asset.asset_class.value,
                signal.direction,
                signal.confidence,
                signal.price,
                json.dumps(dict(signal.votes)),
                json.dumps(_finite(signal.features)),
                signal.model_version,
            )

    def find(self, signal_id: str) -> dict[str, Any] | None:
        """Return one signal's row as a mapping, or None."""
        names = ", ".join(_SIGNAL_COLUMNS)
        rows = self._db.query(f"SELECT {names} FROM signals WHERE id = %s::uuid", (signal_id,))  # noqa: S608
        return dict(zip(_SIGNAL_COLUMNS, rows[0], strict=True)) if rows else None

    def recent(self, symbol: str | None, limit: int) -> list[dict[str, Any]]:
        """Return the newest signals, of one symbol or all."""
        names = ", ".join(_SIGNAL_COLUMNS)
        rows = self._db.query(
            f"SELECT {names} FROM signals WHERE %(symbol)s::text IS NULL OR symbol = %(symbol)s "  # noqa: S608
            "ORDER BY ts DESC, id LIMIT %(limit)s",
            {"symbol": symbol, "limit": limit},
        )
        return [dict(zip(_SIGNAL_COLUMNS, row, strict=True)) for row in rows]

    def save_checkpoint(
        self, universe: str, ts: int, seq: int, state: Mapping[str, NDArray[np.generic]]
    ) -> None:
        """Keep the newest state of a universe's engine, which it had after event time ts.

        A lost server is waited for.
        """
        statement = (
            "INSERT INTO signal_checkpoints (universe, ts, seq, state) VALUES (%s, %s, %s, %s) "
            "ON CONFLICT (universe) DO UPDATE SET ts = EXCLUDED.ts, seq = EXCLUDED.seq, "
            "state = EXCLUDED.state, updated_at = now()"
        )
        row = (universe, to_datetime(ts), seq, _pack(state))
        self._db.run(lambda cursor: cursor.execute(statement, row))

    def load_checkpoint(self, universe: str, before: int) -> tuple[int, State] | None:
        """Return (event time, state) of a universe's checkpoint if it is from before an event time."""
        rows = self._db.query(
            "SELECT ts, state FROM signal_checkpoints WHERE universe = %s AND ts < %s",
            (universe, to_datetime(before)),
        )
        if not rows:
            return None
        with np.load(io.BytesIO(rows[0][1]), allow_pickle=False) as packed:
            return to_ns(rows[0][0]), dict(packed)

    def bars_between(
        self, assets: Sequence[Asset], timeframe: str, after: int, before: int
    ) -> Iterator[BarBatch]:
        """Yield stored batches of a universe with event time in (after, before), oldest first."""
        ids = {asset.symbol: asset.id for asset in assets}
        rows = self._db.stream(
            "SELECT event_ts, symbol, open, high, low, close, volume FROM bars "
            "WHERE symbol = ANY(%s) AND timeframe = %s AND event_ts > %s AND event_ts < %s ORDER BY event_ts",
            (list(ids), timeframe, to_datetime(after), to_datetime(before)),
        )
        universe = assets[0].universe
        for moment, group in groupby(rows, key=lambda row: row[0]):
            bars = sorted(((ids[row[1]], row[2:]) for row in group), key=lambda bar: bar[0])
            prices = np.array([bar[1] for bar in bars], dtype=np.float64)
            yield BarBatch(
                universe,
                timeframe,
                to_ns(moment),
                np.array([bar[0] for bar in bars], dtype=np.uint32),
                *np.ascontiguousarray(prices.T),
            )

    def sentiment_between(self, asset_ids: Sequence[int], after: int, until: int) -> list[SentimentRow]:
        """Return sentiment of assets in (after, until]."""
        ids = {self._registry[asset_id].symbol: asset_id for asset_id in asset_ids}
        rows = self._db.query(
            "SELECT ts, symbol, score, mentions FROM social_sentiment "
            "WHERE symbol = ANY(%s) AND ts > %s AND ts <= %s",
            (list(ids), to_datetime(after), to_datetime(until)),
        )
        return [SentimentRow(to_ns(row[0]), ids[row[1]], row[2], row[3]) for row in rows]


def _insert(cursor: Cursor, rows: Sequence[Sequence[Any]]) -> None:
    # Bars give the same rows again; waiting for the disk would hold up the order's commit, which needs it.
    cursor.later("SET LOCAL synchronous_commit = off")
    cursor.later_values(_INSERT, rows)


def _pack(state: Mapping[str, NDArray[np.generic]]) -> bytes:
    """Return arrays as an .npz file, lightly compressed: NumPy's own level takes three times as long."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, values in state.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, values, allow_pickle=False)
    return packed.getvalue()


def _finite(values: Mapping[str, float]) -> dict[str, float]:
    """Return the values that JSON can hold: features are NaN where an input is missing."""
    return {name: value for name, value in values.items() if np.isfinite(value)}
