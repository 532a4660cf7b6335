"""Storing bars: the ways of ratchet.common.db against COPY of text that was formatted beforehand."""

import io
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

from ratchet.common.copying import Coded
from ratchet.common.db import Cursor, Database
from ratchet.common.embedded import PostgresServer
from ratchet.common.logging import configure_logging
from ratchet.common.migrate import migrate

AIM = "ingest at least 0.7 of raw COPY"
ROWS = 100_000
SYMBOLS = tuple(f"SYM{number:04d}" for number in range(500))
REPEATS = 5
START_NS = 1_700_000_000_000_000_000
HOUR_NS = 3_600_000_000_000
KEY = ("symbol", "timeframe", "ts")
_COLUMNS = ("symbol", "timeframe", "ts", "event_ts", "asset_class", "open", "high", "low", "close", "volume")
Result = tuple[str, str, str, float]


def run() -> list[Result]:
    """Return (name, value, baseline, ratio) of each way to write; every way starts with an empty table."""
    configure_logging("benchmarks", "warning")
    columns = _bars()
    with tempfile.TemporaryDirectory() as folder, PostgresServer(Path(folder)) as server:
        db = Database(server.url)
        migrate(db)
        text = _as_text(db, columns)
        ways: dict[str, Callable[[Cursor], object]] = {
            "raw COPY": lambda cursor: cursor.copy_expert(
                f"COPY bars ({', '.join(_COLUMNS)}) FROM STDIN", io.StringIO(text)
            ),
            "ingest": lambda cursor: db.ingest(cursor, "bars", columns, conflict=KEY),
            "upsert": lambda cursor: db.copy_upsert(cursor, "bars", columns, conflict=KEY),
        }
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(REPEATS):
            for name, write in ways.items():
                seconds[name].append(_timed(db, write))
        db.close()
    rates = {name: ROWS / median(values) for name, values in seconds.items()}
    baseline = rates["raw COPY"]
    return [
        (
            f"{name} of bars",
            f"{rates[name]:,.0f} rows/s",
            f"raw COPY {baseline:,.0f} rows/s",
            rates[name] / baseline,
        )
        for name in ("ingest", "upsert")
    ]


def _bars() -> dict[str, object]:
    random = np.random.default_rng(1)
    close = np.round(100 + random.normal(size=ROWS).cumsum() * 0.01, 2)
    ts = START_NS + np.arange(ROWS, dtype=np.int64) // len(SYMBOLS) * HOUR_NS
    return {
        "symbol": Coded(np.arange(ROWS) % len(SYMBOLS), SYMBOLS),
        "timeframe": "1h",
        "ts": ts,
        "event_ts": ts + HOUR_NS,
        "asset_class": "stock",
        "open": close,
        "high": close + 0.5,
        "low": close - 0.5,
        "close": close,
        "volume": np.round(random.uniform(1, 1e6, ROWS)),
    }


def _as_text(db: Database, columns: dict[str, object]) -> str:
    """Return the same rows in COPY's text format, as PostgreSQL itself writes them."""
    buffer = io.StringIO()
    with db.transaction() as cursor:
        db.copy_columns(cursor, "bars", columns)
        cursor.copy_expert(f"COPY bars ({', '.join(_COLUMNS)}) TO STDOUT", buffer)
    return buffer.getvalue()


def _timed(db: Database, write: Callable[[Cursor], object]) -> float:
    db.execute("TRUNCATE bars")
    started = time.perf_counter()
    with db.transaction() as cursor:
        write(cursor)
    return time.perf_counter() - started


if __name__ == "__main__":
    for row in run():
        print(row)
