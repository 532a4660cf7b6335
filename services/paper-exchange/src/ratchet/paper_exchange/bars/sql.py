"""The bars that market-data stored in the platform's table, up to the clock."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ratchet.common.db import Database
from ratchet.common.timestamps import to_datetime, to_ns
from ratchet.core.assets import Asset, Registry
from ratchet.paper_exchange.bars.history import NS_PER_DAY, Bars, Clock, make_bars, no_bars, stamp
from ratchet.paper_exchange.wire.assets import is_crypto

_COLUMNS = "ts, event_ts, open, high, low, close, volume"
_WAIT_S = 2.0
_MIN_NS, _MAX_NS = -2_000_000_000 * 1_000_000_000, 4_000_000_000 * 1_000_000_000


class SqlHistory:
    """Bars from the table `bars`, whose ts is the start of a bar and event_ts its end."""

    def __init__(self, db: Database, registry: Registry, clock: Clock) -> None:
        self._db = db
        self._registry = registry
        self._clock = clock
        self._timeframes: dict[int, str] = {}

    def timeframe(self, asset_id: int) -> str | None:
        """Return the timeframe of an asset's bars, None if it has none."""
        if asset_id not in self._timeframes:
            rows = self._query(
                "SELECT timeframe FROM bars WHERE symbol = %s ORDER BY ts DESC LIMIT 1",
                (self._registry[asset_id].symbol,),
            )
            if not rows:
                return None
            self._timeframes[asset_id] = rows[0][0]
        return self._timeframes[asset_id]

    def load(self, asset_id: int, start: int, end: int) -> Bars:
        """Return the bars whose START lies in [start, end]."""
        timeframe = self.timeframe(asset_id)
        # Daily bars are stamped hours later on the wire than in the table.
        first, last = max(start - NS_PER_DAY, _MIN_NS), min(end, _MAX_NS)
        if timeframe is None or last < first:
            return no_bars()
        asset = self._registry[asset_id]
        rows = self._query(
            f"SELECT {_COLUMNS} FROM bars WHERE symbol = %s AND timeframe = %s "  # noqa: S608 - constants
            "AND ts >= %s AND ts <= %s AND event_ts <= %s ORDER BY ts",
            (asset.symbol, timeframe, *map(to_datetime, (first, last, self._clock()))),
        )
        bars = _bars(asset, timeframe, rows)
        return bars.take((bars.starts >= start) & (bars.starts <= end))

    def last(self, asset_id: int) -> Bars:
        """Return the last bar, empty if there is none yet."""
        timeframe = self.timeframe(asset_id)
        if timeframe is None:
            return no_bars()
        asset, now = self._registry[asset_id], to_datetime(self._clock())
        rows = self._query(
            f"SELECT {_COLUMNS} FROM bars WHERE symbol = %s AND timeframe = %s "  # noqa: S608 - constants
            "AND ts <= %s AND event_ts <= %s ORDER BY ts DESC LIMIT 1",
            (asset.symbol, timeframe, now, now),
        )
        return _bars(asset, timeframe, rows)

    def _query(self, sql: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
        with self._db.transaction(wait_s=_WAIT_S) as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall()


def _bars(asset: Asset, timeframe: str, rows: Sequence[tuple[Any, ...]]) -> Bars:
    if not rows:
        return no_bars()
    starts, ends = (np.array([to_ns(row[column]) for row in rows], dtype=np.int64) for column in (0, 1))
    prices = np.array([row[2:] for row in rows], dtype=np.float64).T
    return make_bars(stamp(starts, timeframe, is_crypto(asset)), ends, prices)
