"""A platform that trades live on ticks of ours: own servers and services, the paper exchange as broker."""

import contextlib
import dataclasses
import functools
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import redis

from benchmarks._bare import ROOT
from benchmarks._stamps import PORT_VARIABLE, Stamps
from benchmarks._universe import UNIVERSE, Universe, write_config
from ratchet.cli.home import Home, Secrets
from ratchet.cli.platform import runs
from ratchet.cli.platform.environment import platform_environment
from ratchet.cli.platform.services import EXCHANGE, Ports, choosing_ports, service_specs
from ratchet.cli.supervision import Supervisor
from ratchet.cli.supervision.process import last_error
from ratchet.common.db import Database
from ratchet.common.migrate import migrate
from ratchet.common.platform import load_platform
from ratchet.common.registry_store import sync_registry
from ratchet.common.streams import SIGNALS, bars_stream
from ratchet.v1.signals_pb2 import SignalBatch

READY_WITHIN_S = 180.0
# Market data is the benchmark itself, and nothing here is written in words.
# Ticks come faster than minutes, and orders with them.
UNLIMITED = {"RATCHET_BROKER_REQUESTS_PER_MINUTE": "100000", "RATCHET_BROKER_BURST": "10000"}
WITHOUT = ("market-data", "sentiment")


class LivePlatform:
    """Services that are ready, and the means to send them ticks."""

    def __init__(self, folder: Path, universe: Universe, database_url: str, redis_url: str) -> None:
        self.folder = folder
        self.universe = universe
        self.database_url = database_url
        self.redis_url = redis_url
        self.stamps = Stamps()
        self.supervisor = Supervisor(lambda _: None)
        self.environment: dict[str, str] = {}
        self.ports = Ports.choose(())
        self._valkey: Any = redis.Redis.from_url(redis_url)
        self._stream = bars_stream(UNIVERSE)
        self._last_signals = "0"

    def start(self) -> None:
        """Start every service and wait until all are ready."""
        home = Home(self.folder)
        home.create()
        with choosing_ports(lambda: None):
            self.ports = Ports.choose()
            self.environment = platform_environment(
                home,
                Secrets.load(home),
                self.ports,
                database_url=self.database_url,
                redis_url=self.redis_url,
                mode="live",
                speed="max",
                dataset=None,
                config_dir=self.folder / "config",
            ) | {"PYTHONPATH": str(ROOT), PORT_VARIABLE: str(self.stamps.port), **UNLIMITED}
            specs = service_specs(self.ports, self.environment, home.log, wave=1, without=WITHOUT)
            stamped = (sys.executable, "-m", "benchmarks._exchange")
            self.supervisor.start(
                dataclasses.replace(spec, command=stamped) if spec.name == EXCHANGE else spec
                for spec in specs
            )
            self.wait_for(lambda: self.supervisor.ready, READY_WITHIN_S)

    def wait_for(self, condition: Callable[[], bool], within_s: float) -> None:
        """Look after the processes until something is true; RuntimeError if it takes too long."""
        deadline = time.monotonic() + within_s
        while not condition():
            self.supervisor.tick()
            if failed := self.supervisor.failed:
                raise RuntimeError("; ".join(f"{item.spec.name} {item.reason}" for item in failed))
            if time.monotonic() > deadline:
                raise RuntimeError(
                    "; ".join(f"{item.spec.name}: {item.reason}" for item in self.supervisor.unready)
                )
            time.sleep(0.01)

    def send(self) -> tuple[int, bytes]:
        """Publish the next tick; return the monotonic time in ns just before it, and the payload."""
        ts = time.time_ns()
        payload = self.universe.tick(ts)
        fields = {"p": payload, "id": f"BarBatch:{ts}", "ts": ts, "tp": ""}
        started = time.monotonic_ns()
        self._valkey.xadd(self._stream, fields, maxlen=1_000)
        return started, payload

    def signals(self, wait_s: float) -> int | None:
        """Return how many signals the next batch holds, None if there is none within `wait_s`."""
        reply = self._valkey.xread({SIGNALS: self._last_signals}, count=1, block=int(wait_s * 1000))
        if not reply:
            return None
        ((self._last_signals, fields),) = reply[0][1]
        return len(SignalBatch.FromString(fields[b"p"]).signals)

    def warm_up(self) -> None:
        """Send ticks until the strategies have their history, one after the other."""
        self._last_signals = (self._valkey.xrevrange(SIGNALS, count=1) or [("0", {})])[0][0]
        for _ in range(self.universe.warmup_ticks):
            self.send()
            if self.signals(30.0) is None:
                raise RuntimeError(f"no signals after a tick: {last_error(self.folder / 'log/signal.log')}")
            time.sleep(0.002)
            self.stamps.take()
        self.stamps.take(1.0)

    def decided_orders(self) -> set[str]:
        """Return the ids of orders that a signal has caused; protective stops follow fills, not ticks."""
        with contextlib.closing(Database(self.database_url, pool_size=1)) as database:
            return {
                row[0] for row in database.query("SELECT client_order_id FROM orders WHERE signal_id <> ''")
            }

    def stop(self) -> None:
        """End the services."""
        self.supervisor.stop(10.0)
        self.stamps.close()


@contextlib.contextmanager
def live_platform(
    universe: Universe, *, model: Callable[[Path], None] | None = None
) -> Iterator[LivePlatform]:
    """Start servers whose commits wait for the disk, and the services; stop everything at the end.

    `model` puts a trained model into the folder of models that it is given.
    """
    with tempfile.TemporaryDirectory(prefix="ratchet-bench-") as name:
        folder = Path(name)
        write_config(universe, folder / "config")
        home = Home(folder)
        if model:
            home.create()
            model(home.models)
        with home.postgres("live") as postgres, home.valkey("live") as valkey:
            runs.create_database(postgres.url, runs.LIVE_DATABASE)
            url = postgres.url_for(runs.LIVE_DATABASE)
            with contextlib.closing(Database(url, pool_size=1)) as database:
                migrate(database)
                sync_registry(database, load_platform(folder / "config"))
            platform = LivePlatform(folder, universe, url, valkey.url)
            try:
                platform.start()
                platform.warm_up()
                yield platform
            finally:
                platform.stop()


@functools.cache
def warm_kernels() -> None:
    """Compile the numeric kernels before anything is timed."""
    from ratchet.core.warmup import compile_kernels

    compile_kernels()
