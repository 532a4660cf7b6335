"""One replay through the real services, watched from outside by the times at which Valkey took messages."""

import contextlib
import functools
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2
import redis

from benchmarks import _bare
from ratchet.cli.home import Home
from ratchet.common.streams import BARS_PREFIX, WATERMARK
from ratchet.v1.control_pb2 import Watermark
from ratchet.v1.market_data_pb2 import BarBatch

BARE_CHAINS = 600
POLL_S = 0.5
PAGE = 2_000
RUN_WITHIN_S = 3_600


@dataclass
class Observed:
    """A replay: summary, times in ms by step of its bars and of its end, steps with exactly one order."""

    data: str
    summary: dict[str, Any]
    bars_ms: dict[int, int]
    done_ms: dict[int, int]
    ordered: list[int]
    bare_s: list[float]

    @property
    def steps_per_s(self) -> float:
        """Steps a second from the first bars to the last watermark, without the start of the services."""
        return len(self.done_ms) / (max(self.done_ms.values()) - min(self.bars_ms.values())) * 1000


def dataset() -> str:
    """Return RATCHET_BENCH_DATA, else the real daily bars that come with the installation."""
    from ratchet.cli.data.bundled import bundled_dataset

    return os.environ.get("RATCHET_BENCH_DATA") or str(bundled_dataset())


def ratchet(*arguments: str, home: Path, **environment: str) -> dict[str, Any]:
    """Run a `ratchet` command in its own home and return its summary; RuntimeError shows what it said."""
    summary = home / "summary.json"
    command = [str(Path(sys.executable).with_name("ratchet")), *arguments, "--summary", str(summary)]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RATCHET_")}
    result = subprocess.run(
        command,
        env=inherited | {"RATCHET_HOME": str(home)} | environment,
        capture_output=True,
        text=True,
        timeout=RUN_WITHIN_S,
        check=False,
    )
    if result.returncode:
        said = "\n".join((result.stdout + result.stderr).splitlines()[-30:])
        raise RuntimeError(f"`ratchet {' '.join(arguments)}` ended with {result.returncode}:\n{said}")
    return dict(json.loads(summary.read_text()))


@functools.cache
def observed() -> Observed:
    """Replay the data through the cluster once a run, with the bare hops measured before and after it."""
    data = dataset()
    with tempfile.TemporaryDirectory() as folder, _servers(Path(folder)) as (database_url, redis_url):
        home = Path(folder) / "home"
        home.mkdir()
        bare = functools.partial(_bare.chains, BARE_CHAINS, redis_url=redis_url, database_url=database_url)
        bare_s = bare()
        with _watching(redis_url) as seen:
            summary = ratchet(
                "up", "--data", data, "--exit-when-done", home=home,
                RATCHET_DATABASE_URL=database_url, RATCHET_REDIS_URL=redis_url,
            )  # fmt: skip
        bare_s += bare()
        return Observed(data, summary, seen.bars_ms, seen.done_ms, _ordered(database_url), bare_s)


@contextlib.contextmanager
def _servers(folder: Path) -> Iterator[tuple[str, str]]:
    servers = Home(folder)
    with servers.postgres("replay") as postgres, servers.valkey("replay") as valkey:
        yield postgres.url, valkey.url


@dataclass
class _Seen:
    bars_ms: dict[int, int] = field(default_factory=dict)
    done_ms: dict[int, int] = field(default_factory=dict)
    last: dict[bytes, bytes] = field(default_factory=dict)

    def poll(self, valkey: Any) -> None:
        """Take what is new; seldom and in bulk, so that watching costs the services little."""
        for stream in (WATERMARK.encode(), *valkey.scan_iter(f"{BARS_PREFIX}*", _type="stream")):
            while entries := valkey.xrange(stream, b"(" + self.last.get(stream, b"0"), count=PAGE):
                self.last[stream] = entries[-1][0]
                for entry_id, fields in entries:
                    self._take(stream, int(entry_id.split(b"-")[0]), fields[b"p"])

    def _take(self, stream: bytes, ms: int, payload: bytes) -> None:
        if stream != WATERMARK.encode():
            self.bars_ms.setdefault(BarBatch.FromString(payload).step.seq, ms)
            return
        mark = Watermark.FromString(payload)
        if mark.service == "execution":
            self.done_ms.setdefault(mark.seq, ms)


@contextlib.contextmanager
def _watching(redis_url: str) -> Iterator[_Seen]:
    seen, stop = _Seen(), threading.Event()
    valkey = redis.Redis.from_url(redis_url)

    def watch() -> None:
        while not stop.wait(POLL_S):
            seen.poll(valkey)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()
        seen.poll(valkey)


def _ordered(database_url: str) -> list[int]:
    """Return the steps of the newest replay that sent exactly one order."""
    with contextlib.closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT max(datname) FROM pg_database WHERE starts_with(datname, 'ratchet_replay_')")
        (name,) = cursor.fetchone() or (None,)
    run = psycopg2.connect(database_url, dbname=name)
    with contextlib.closing(run), run.cursor() as cursor:
        cursor.execute("SELECT seq FROM orders WHERE seq > 0 GROUP BY seq HAVING count(*) = 1")
        return [seq for (seq,) in cursor.fetchall()]
