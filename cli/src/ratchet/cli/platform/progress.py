"""What an operator sees of a run, read from Redis and PostgreSQL, never from a service's memory."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import psycopg2
import redis

from ratchet.cli.platform.runs import connect_redis
from ratchet.common import streams
from ratchet.v1.control_pb2 import Watermark
from ratchet.v1.orders_pb2 import PortfolioSnapshot

STATUS_KEY = f"{streams.PREFIX}replay:status"
NS = 1_000_000_000
COUNTS = """
SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM fills),
       (SELECT count(*) FROM risk_decisions WHERE NOT approved),
       (SELECT count(*) FROM outbox WHERE published_at IS NULL),
       coalesce((SELECT state FROM trading_state WHERE portfolio = %s), 'active')
"""
PHASES = "SELECT phase, name, status FROM phase_states ORDER BY phase"


@dataclass(frozen=True, slots=True)
class Holding:
    """One position; qty signed, value in the account currency."""

    symbol: str
    qty: str
    value: float
    unrealized: float


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a consumer group is behind on a stream, in entries."""

    stream: str
    group: str
    entries: int


@dataclass(frozen=True, slots=True)
class Progress:
    """One look at a run; unknown figures are zero or empty."""

    state: str = "starting"
    seq: int = 0
    total: int = 0
    ts: int = 0
    executed_seq: int = 0
    equity: float = 0.0
    cash: float = 0.0
    drawdown: float = 0.0
    trading_state: str = "active"
    holdings: tuple[Holding, ...] = ()
    orders: int = 0
    fills: int = 0
    rejections: int = 0
    outbox: int = 0
    phases: tuple[tuple[int, str, str], ...] = ()
    lags: tuple[Lag, ...] = field(default=())
    error: str = ""

    @property
    def lag(self) -> int:
        """The largest number of entries that a consumer has not handled."""
        return max((lag.entries for lag in self.lags), default=0)

    @property
    def finished(self) -> bool:
        """Tell whether the replay is over and every event was published."""
        return self.state == "done" and self.outbox == 0 and not self.error

    @property
    def event_time(self) -> str:
        """The event time as text in UTC."""
        return f"{datetime.fromtimestamp(self.ts / NS, UTC):%Y-%m-%d %H:%M}" if self.ts else "-"


class ProgressReader:
    """Reads Progress; keeps its connections, and what it saw last while a server is away."""

    def __init__(self, redis_url: str, database_url: str, portfolio: str) -> None:
        self._redis = connect_redis(redis_url)
        self._database_url = database_url
        self._portfolio = portfolio
        self._symbols: dict[int, str] = {}
        self._connection: psycopg2.extensions.connection | None = None
        self._last = Progress()

    def read(self) -> Progress:
        """Return where the run stands now."""
        progress = replace(self._last, error="")
        try:
            progress = self._read_database(progress)
            progress = self._read_streams(progress)
        except (redis.RedisError, psycopg2.Error) as error:
            self._disconnect()
            progress = replace(progress, error=str(error).strip().splitlines()[0])
        self._last = progress
        return progress

    def close(self) -> None:
        """Close the connections."""
        self._disconnect()
        self._redis.close()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _read_streams(self, progress: Progress) -> Progress:
        status = {key.decode(): value.decode() for key, value in self._redis.hgetall(STATUS_KEY).items()}
        if status:
            progress = replace(
                progress,
                state=status.get("state", "running"),
                seq=int(status.get("seq", 0)),
                total=int(status.get("total", 0)),
                ts=int(status.get("ts", 0)),
            )
        for _, fields in self._redis.xrevrange(streams.WATERMARK, count=8):
            mark = Watermark.FromString(fields[b"p"])
            if mark.service == "execution":
                # The status key is written every few steps only.
                seq, ts = max(progress.seq, mark.seq), max(progress.ts, mark.ts_ns)
                progress = replace(progress, executed_seq=mark.seq, seq=seq, ts=ts)
                break
        newest = self._redis.xrevrange(streams.PORTFOLIO, count=1)
        if newest:
            progress = self._with_portfolio(progress, PortfolioSnapshot.FromString(newest[0][1][b"p"]))
        return replace(progress, lags=tuple(stream_lags(self._redis)))

    def _with_portfolio(self, progress: Progress, snapshot: PortfolioSnapshot) -> Progress:
        equity, peak = float(snapshot.equity), snapshot.peak_equity
        holdings = [
            Holding(
                self._symbols.get(position.asset_id, f"#{position.asset_id}"),
                position.qty,
                float(position.qty) * position.mark,
                float(position.qty) * (position.mark - float(position.avg_entry_price)),
            )
            for position in snapshot.positions
            if float(position.qty)
        ]
        return replace(
            progress,
            equity=equity,
            cash=float(snapshot.cash),
            drawdown=max(0.0, 1 - equity / peak) if peak > 0 else 0.0,
            holdings=tuple(sorted(holdings, key=lambda holding: -abs(holding.value))),
        )

    def _read_database(self, progress: Progress) -> Progress:
        if self._connection is None:
            self._connection = psycopg2.connect(self._database_url, connect_timeout=5)
            self._connection.autocommit = True
        with self._connection.cursor() as cursor:
            if not self._symbols:
                cursor.execute("SELECT asset_id, symbol FROM asset_registry")
                self._symbols = dict(cursor.fetchall())
            cursor.execute(COUNTS, (self._portfolio,))
            orders, fills, rejections, outbox, trading = cursor.fetchone() or (0, 0, 0, 0, "active")
            cursor.execute(PHASES)
            phases = tuple((int(phase), str(name), str(status)) for phase, name, status in cursor.fetchall())
        return replace(
            progress,
            orders=orders,
            fills=fills,
            rejections=rejections,
            outbox=outbox,
            phases=phases,
            trading_state=trading,
        )


def stream_lags(client: Any) -> list[Lag]:
    """Return the lag of every consumer group of every stream."""
    lags = []
    for key in client.scan_iter(f"{streams.PREFIX}*", count=1000, _type="stream"):
        for group in client.xinfo_groups(key):
            name = group["name"]
            entries = int(group["pending"]) + int(group.get("lag") or 0)
            lags.append(Lag(key.decode(), name.decode() if isinstance(name, bytes) else str(name), entries))
    return sorted(lags, key=lambda lag: -lag.entries)
