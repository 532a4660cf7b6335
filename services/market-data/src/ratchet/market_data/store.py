"""Market data in the database."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from math import isfinite
from typing import Any

import numpy as np

from ratchet.common import metrics
from ratchet.common.copying import Coded
from ratchet.common.datasets import QuarantinedBar
from ratchet.common.datasets.columns import BarColumns
from ratchet.common.db import Database
from ratchet.common.timestamps import to_datetime, to_ns
from ratchet.core.assets import Asset, Registry
from ratchet.core.market import BarBatch

_KEY = ("symbol", "timeframe", "ts")
_QUARANTINE_COLUMNS = (
    "symbol", "timeframe", "ts", "asset_class", "reason", "open", "high", "low", "close", "volume", "source",
)  # fmt: skip
_PRICES = ("open", "high", "low", "close", "volume")
BarRow = tuple[str, datetime, float, float, float, float, float]


class BarStore:
    """Writes bars, quarantined bars and quality scores, reads bars; writing twice changes nothing."""

    def __init__(self, db: Database, registry: Registry, source: str) -> None:
        self._db = db
        self._registry = registry
        self._source = source
        self._symbols = [asset.symbol for asset in registry]
        classes = [asset.asset_class.value for asset in registry]
        self._classes = sorted(set(classes))
        self._class_of = np.array([self._classes.index(name) for name in classes], dtype=np.int64)
        self._quarantined: list[QuarantinedBar] = []
        self._uncounted: dict[str, list[int]] = {}

    def save_columns(self, bars: BarColumns, first: int, last: int) -> None:
        """Write rows [first, last) and the bars that were quarantined meanwhile."""
        assets = bars.assets[first:last]
        columns = {
            "symbol": Coded(assets, self._symbols),
            "timeframe": Coded(bars.timeframe_codes[first:last], bars.timeframes),
            "ts": bars.starts[first:last],
            "event_ts": bars.ends[first:last],
            "asset_class": Coded(self._class_of[assets], self._classes),
            **dict(zip(_PRICES, bars.prices[:, first:last], strict=True)),
        }
        with self._db.transaction() as cursor:
            self._db.ingest(cursor, "bars", columns, conflict=_KEY)
        self.flush_quarantine()

    def save_batches(self, batches: Sequence[BarBatch]) -> None:
        """Write batches of one timeframe, and the bars that were quarantined meanwhile."""
        if batches:
            lengths = [len(batch) for batch in batches]
            assets = np.concatenate([batch.asset_ids for batch in batches]).astype(np.int64)
            columns = {
                "symbol": Coded(assets, self._symbols),
                "timeframe": batches[0].timeframe,
                "ts": np.repeat(np.array([batch.start for batch in batches], dtype=np.int64), lengths),
                "event_ts": np.repeat(np.array([batch.ts for batch in batches], dtype=np.int64), lengths),
                "asset_class": Coded(self._class_of[assets], self._classes),
                **{name: np.concatenate([getattr(batch, name) for batch in batches]) for name in _PRICES},
            }
            with self._db.transaction() as cursor:
                self._db.ingest(cursor, "bars", columns, conflict=_KEY)
        self.flush_quarantine()

    def quarantine(self, bar: QuarantinedBar) -> None:
        """Note a bad bar; it is written with the next good ones."""
        self._quarantined.append(bar)
        self._uncounted.setdefault(bar.universe, []).append(bar.ts)
        metrics.BARS_QUARANTINED_TOTAL.labels(bar.universe, bar.reason.name.lower()).inc()

    def flush_quarantine(self) -> None:
        """Write the bad bars that were noted."""
        if not self._quarantined:
            return
        rows = [self._quarantine_row(bar) for bar in self._quarantined]
        with self._db.transaction() as cursor:
            self._db.copy_upsert(
                cursor, "bar_quarantine", _QUARANTINE_COLUMNS, rows, conflict=(*_KEY, "reason"), update=False
            )
        self._quarantined.clear()

    def save_quality(self, batch: BarBatch, score: float, bars: int) -> None:
        """Write a universe's quality score at an event time, with the bars since the last score."""
        metrics.DATA_QUALITY.labels(batch.universe).set(score)
        # A replay reads bars ahead, so some of those that were refused are later than this score.
        uncounted = self._uncounted.pop(batch.universe, [])
        later = [ts for ts in uncounted if ts > batch.ts]
        self._uncounted[batch.universe] = later
        quarantined = len(uncounted) - len(later)
        row = (batch.universe, batch.timeframe, to_datetime(batch.ts), score, bars, quarantined)
        self._db.execute(
            "INSERT INTO data_quality (universe, timeframe, ts, score, bars, quarantined) "
            "VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (universe, timeframe, ts) DO UPDATE SET "
            "score = EXCLUDED.score, bars = EXCLUDED.bars, quarantined = EXCLUDED.quarantined",
            row,
        )

    def bars(
        self, symbol: str, timeframe: str, start: datetime, end: datetime, known_at: datetime, limit: int
    ) -> Sequence[BarRow]:
        """Return bars with start in [start, end) that had ended at `known_at`, oldest first."""
        return self._db.query(
            "SELECT symbol, ts, open, high, low, close, volume FROM bars WHERE symbol = %s "
            "AND timeframe = %s AND ts >= %s AND ts < %s AND event_ts <= %s ORDER BY ts LIMIT %s",
            (symbol, timeframe, start, end, known_at, limit),
        )

    def latest(self, symbol: str, known_at: datetime) -> BarRow | None:
        """Return the newest bar that had ended at `known_at`."""
        rows = self._db.query(
            "SELECT symbol, ts, open, high, low, close, volume FROM bars "
            "WHERE symbol = %s AND event_ts <= %s ORDER BY event_ts DESC LIMIT 1",
            (symbol, known_at),
        )
        return rows[0] if rows else None

    def newest_event(self, assets: Sequence[Asset], timeframe: str) -> int:
        """Return the newest event time of stored bars of some assets (ns, UTC), 0 without one."""
        rows = self._db.query(
            "SELECT max(event_ts) FROM bars WHERE symbol = ANY(%s) AND timeframe = %s",
            ([asset.symbol for asset in assets], timeframe),
        )
        return to_ns(rows[0][0]) if rows[0][0] else 0

    def batches_until(
        self, assets: Sequence[Asset], timeframe: str, until: int, count: int
    ) -> list[BarBatch]:
        """Return the stored batches of the last `count` event times of a universe up to `until`, by time."""
        ids = {asset.symbol: asset.id for asset in assets}
        rows = self._db.query(
            "SELECT event_ts, ts, symbol, open, high, low, close, volume FROM bars "
            "WHERE symbol = ANY(%(symbols)s) AND timeframe = %(timeframe)s AND event_ts IN ("
            "SELECT DISTINCT event_ts FROM bars WHERE symbol = ANY(%(symbols)s) "
            "AND timeframe = %(timeframe)s AND event_ts <= %(until)s "
            "ORDER BY event_ts DESC LIMIT %(count)s) ORDER BY event_ts",
            {"symbols": list(ids), "timeframe": timeframe, "until": to_datetime(until), "count": count},
        )
        batches = []
        for moment, group in groupby(rows, key=lambda row: row[0]):
            bars = sorted(group, key=lambda row: ids[row[2]])
            asset_ids = np.array([ids[row[2]] for row in bars], dtype=np.uint32)
            columns: Any = zip(_PRICES, np.array([row[3:] for row in bars], dtype=np.float64).T, strict=True)
            where = (assets[0].universe, timeframe, to_ns(moment), asset_ids)
            batches.append(BarBatch(*where, **dict(columns), start=to_ns(bars[0][1])))
        return batches

    def option_chain(self, underlying: str, known_at: datetime) -> list[tuple[Any, ...]]:
        """Return the newest quote of each contract that had not expired."""
        return self._db.query(
            "SELECT DISTINCT ON (symbol) symbol, expiry, option_right, strike, bid, ask, "
            "implied_volatility, ts FROM option_quotes WHERE underlying = %s AND ts <= %s "
            "AND ts > %s - interval '7 days' AND expiry >= %s ORDER BY symbol, ts DESC",
            (underlying, known_at, known_at, known_at.date()),
        )

    def quarantined(self, symbol: str | None, limit: int) -> list[dict[str, Any]]:
        """Return the newest quarantined bars, of one symbol or all."""
        names = ("symbol", "timeframe", "ts", "reason", "open", "high", "low", "close", "volume", "source")
        rows = self._db.query(
            f"SELECT {', '.join(names)} FROM bar_quarantine "  # noqa: S608 - names are constants
            "WHERE %(symbol)s::text IS NULL OR symbol = %(symbol)s ORDER BY ts DESC LIMIT %(limit)s",
            {"symbol": symbol, "limit": limit},
        )
        return [dict(zip(names, map(_json_number, row), strict=True)) for row in rows]

    def quality(self, since: datetime | None, limit: int) -> list[dict[str, Any]]:
        """Return quality scores, newest first."""
        names = ("universe", "timeframe", "ts", "score", "bars", "quarantined")
        rows = self._db.query(
            f"SELECT {', '.join(names)} FROM data_quality "  # noqa: S608 - names are constants
            "WHERE %(since)s::timestamptz IS NULL OR ts >= %(since)s ORDER BY ts DESC LIMIT %(limit)s",
            {"since": since, "limit": limit},
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def enabled_symbols(self) -> set[str]:
        """Return the symbols whose phase is unlocked."""
        return {row[0] for row in self._db.query("SELECT symbol FROM asset_registry WHERE enabled")}

    def _quarantine_row(self, bar: QuarantinedBar) -> tuple[object, ...]:
        start = to_datetime(bar.start)
        asset_class = self._registry[bar.asset_id].asset_class.value
        prices = (bar.open, bar.high, bar.low, bar.close, bar.volume)
        return (
            bar.symbol, bar.timeframe, start, asset_class, bar.reason.name.lower(), *prices, self._source,
        )  # fmt: skip


def _json_number(value: object) -> object:
    """Return what JSON can hold: a quarantined price may be NaN."""
    return None if isinstance(value, float) and not isfinite(value) else value
