"""Checks of the machine: versions, disk, memory, clock, ports, servers, configuration, data source keys."""

import importlib.metadata
import os
import platform
import shutil
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg2
import redis

from ratchet.cli.checks.types import Level, Result
from ratchet.cli.home import Home
from ratchet.cli.options import config_dir
from ratchet.cli.platform.backends import POSTGRES_PORT, VALKEY_PORT
from ratchet.cli.platform.runs import connect_redis
from ratchet.cli.platform.services import EXCHANGE_API_PORT, SERVICES
from ratchet.cli.platform.state import PlatformState
from ratchet.common.embedded import EmbeddedServerError, PostgresServer, ValkeyServer, free_port
from ratchet.common.errors import ConfigError, DatabaseUnavailableError
from ratchet.common.platform import load_platform

OLDEST_PYTHON = (3, 11)
GB = 1_000_000_000
DISK_FAIL_GB, DISK_WARN_GB = 1.0, 5.0
MEMORY_WARN_GB = 3.0
CLOCK_WARN_S, CLOCK_FAIL_S = 0.5, 5.0
# Seconds between the epochs of NTP (1900) and Unix.
NTP_EPOCH_S = 2_208_988_800
NTP_HOST = "pool.ntp.org"
State = PlatformState | None


def versions(_: Home, __: State) -> Result:
    """Python and the packages whose version matters."""
    found = f"Python {platform.python_version()}"
    if sys.version_info < OLDEST_PYTHON:
        return Result("versions", Level.FAIL, found, "install Python 3.11 or later and run `make install`")
    missing = []
    for name in ("numpy", "numba", "grpcio", "redis", "psycopg2-binary", "celery", "alpaca-py"):
        try:
            found += f", {name} {importlib.metadata.version(name)}"
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        return Result("versions", Level.FAIL, f"missing: {', '.join(missing)}", "run `make install`")
    return Result("versions", Level.OK, found)


def home_folder(home: Home, _: State) -> Result:
    """The home can be written."""
    try:
        home.create()
        with tempfile.TemporaryFile(dir=home.run):
            return Result("home", Level.OK, str(home.root))
    except Exception as error:  # noqa: BLE001 - a doctor reports whatever is wrong
        return Result("home", Level.FAIL, str(error), "set RATCHET_HOME to a folder of yours")


def disk(home: Home, _: State) -> Result:
    """There is room for databases and logs."""
    folder = next(parent for parent in (home.root, *home.root.parents) if parent.exists())
    free = shutil.disk_usage(folder).free / GB
    level = Level.FAIL if free < DISK_FAIL_GB else Level.WARN if free < DISK_WARN_GB else Level.OK
    mend = (
        "" if level is Level.OK else f"free some of the disk of {folder}, or set RATCHET_HOME to another disk"
    )
    return Result("disk", level, f"{free:.1f} GB free", mend)


def memory(_: Home, __: State) -> Result:
    """There is memory for eleven processes."""
    free = psutil.virtual_memory().available / GB
    level = Level.WARN if free < MEMORY_WARN_GB else Level.OK
    mend = "" if level is Level.OK else "close other programs: the platform needs about 3 GB"
    return Result("memory", level, f"{free:.1f} GB available, {os.cpu_count()} cores", mend)


def clock(_: Home, __: State) -> Result:
    """The clock agrees with a time server; live trading depends on it."""
    try:
        offset = abs(ntp_offset_s(NTP_HOST))
    except OSError:
        return Result("clock", Level.OK, "no time server can be reached, not compared")
    level = Level.FAIL if offset > CLOCK_FAIL_S else Level.WARN if offset > CLOCK_WARN_S else Level.OK
    mend = "" if level is Level.OK else "switch time synchronisation on (timedatectl set-ntp true)"
    return Result("clock", level, f"{offset * 1000:.0f} ms off {NTP_HOST}", mend)


def ports(_: Home, state: State) -> Result:
    """The default ports are free; others are chosen where not."""
    if state is not None:
        return Result("ports", Level.OK, "in use by the running platform")
    defaults = [POSTGRES_PORT, VALKEY_PORT, EXCHANGE_API_PORT]
    defaults += [port for service in SERVICES for port in (service.grpc_port, service.admin_port) if port]
    taken = [str(port) for port in sorted(defaults) if free_port(port) != port]
    if taken:
        mend = "none needed: free ports are chosen, see `ratchet status`"
        return Result("ports", Level.WARN, f"taken by others: {', '.join(taken)}", mend)
    return Result("ports", Level.OK, f"all {len(defaults)} default ports are free")


def database(home: Home, state: State) -> Result:
    """PostgreSQL answers, and at which capability level."""
    url = os.environ.get("RATCHET_DATABASE_URL")
    if not url:
        return _embedded("database", home.postgres(state.mode if state else "replay"), state)
    from ratchet.common.db import Database

    mend = "start it, or correct RATCHET_DATABASE_URL"
    try:
        db = Database(url, pool_size=1, application_name="ratchet-doctor")
        # A query would wait for a server that is away.
        if (reason := db.ping()) is not None:
            return Result("database", Level.FAIL, reason, mend)
        level = db.query("SELECT current_setting('server_version')")[0][0]
        return Result("database", Level.OK, f"PostgreSQL {level}, TimescaleDB: {db.capability()}")
    except (DatabaseUnavailableError, psycopg2.Error) as error:
        return Result("database", Level.FAIL, str(error).strip(), mend)


def streams(home: Home, state: State) -> Result:
    """Redis answers."""
    url = os.environ.get("RATCHET_REDIS_URL")
    if not url:
        return _embedded("redis", home.valkey(state.mode if state else "replay"), state)
    try:
        client = connect_redis(url)
        info = client.info("server")
        return Result("redis", Level.OK, f"Redis {info['redis_version']}")
    except (redis.RedisError, ValueError) as error:
        return Result("redis", Level.FAIL, str(error), "start it, or correct RATCHET_REDIS_URL")


def configuration(_: Home, __: State) -> Result:
    """The configuration can be read."""
    folder = config_dir()
    try:
        found = load_platform(folder)
        found.check()
    except ConfigError as error:
        return Result("configuration", Level.FAIL, str(error), f"correct the file in {folder}")
    return Result("configuration", Level.OK, f"{len(found.registry)} assets in {folder}")


def keys(_: Home, __: State) -> Result:
    """Which data sources have keys."""
    folder = config_dir()
    try:
        sources = load_platform(folder).assets.data_sources
    except ConfigError:
        return Result("data sources", Level.WARN, "unknown, since the configuration cannot be read")
    partly: list[str] = []
    without: list[str] = []
    ready: list[str] = []
    for name, source in sources.items():
        missing = [variable for variable in source.key_variables if not os.environ.get(variable)]
        kind = ready if not missing else without if len(missing) == len(source.key_variables) else partly
        kind.append(f"{name} ({', '.join(missing)})" if missing else name)
    if partly:
        return Result(
            "data sources", Level.FAIL, f"half a key: {'; '.join(partly)}", "set the variables named"
        )
    mend = f"for more set the keys of {'; '.join(without)}" if without else ""
    return Result("data sources", Level.OK, f"usable: {', '.join(ready) or 'none'}", mend)


def kernels(_: Home, __: State) -> Result:
    """Compiled kernels can be kept, else each start compiles for a minute."""
    folder = Path(os.environ.get("NUMBA_CACHE_DIR") or _core_folder())
    cached = sum(1 for _ in folder.rglob("*.nbi"))
    if not os.access(folder, os.W_OK):
        mend = "set NUMBA_CACHE_DIR to a folder of yours"
        return Result("kernel cache", Level.WARN, f"{folder} cannot be written", mend)
    return Result(
        "kernel cache", Level.OK, f"{cached} kernels" if cached else "empty: the first start compiles"
    )


def ntp_offset_s(host: str, timeout_s: float = 2.0) -> float:
    """Return how many seconds a time server is ahead of this machine's clock (SNTP, RFC 4330)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(timeout_s)
        sent = time.time()
        client.sendto(b"\x1b" + 47 * b"\0", (host, 123))
        answer, _ = client.recvfrom(48)
        received = time.time()
    seconds, fraction = struct.unpack("!II", answer[40:48])
    return float(seconds - NTP_EPOCH_S + fraction / 2**32 - (sent + received) / 2)


def _embedded(name: str, server: PostgresServer | ValkeyServer, state: State) -> Result:
    if server.data_dir.exists() and server.pid is not None:
        return Result(name, Level.OK, f"embedded, pid {server.pid}")
    if state is not None:
        return Result(name, Level.FAIL, "the embedded server does not run", f"see {server.log_path}")
    try:
        with tempfile.TemporaryDirectory() as folder:
            probe = type(server)(Path(folder) / name)
            probe.start()
            probe.stop()
    except (EmbeddedServerError, OSError) as error:
        return Result(
            name, Level.FAIL, str(error), "see the message, or name an external server by environment"
        )
    return Result(name, Level.OK, "the embedded server can be started")


def _core_folder() -> Path:
    import ratchet.core.features

    return Path(next(iter(ratchet.core.features.__path__))).parent


CHECKS: tuple[Callable[[Home, State], Result], ...] = (
    versions,
    home_folder,
    disk,
    memory,
    clock,
    ports,
    database,
    streams,
    configuration,
    keys,
    kernels,
)
