"""The life of a service: start, readiness, background tasks, drain."""

import contextlib
import functools
import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import redis.exceptions
from fastapi import APIRouter

from ratchet.common import metrics, migrate, tracing
from ratchet.common.admin import Actor, AdminParts, Authenticator, build_admin_app
from ratchet.common.audit import write_audit
from ratchet.common.bus import Bus
from ratchet.common.checks import Check, Checks
from ratchet.common.db import Database
from ratchet.common.errors import (
    BusUnavailableError,
    ConfigError,
    DatabaseUnavailableError,
    RatchetError,
    StartupError,
)
from ratchet.common.http_server import HttpServer
from ratchet.common.logging import configure_logging, get_logger
from ratchet.common.rpc_server import Register, RpcServer
from ratchet.common.settings import Settings

MainLoop = Callable[[threading.Event], None]
EXIT_OK, EXIT_FAILED, EXIT_CONFIG, EXIT_GRACE_OVER = 0, 1, 2, 3
_AUDIT_WAIT_S = 2.0
_TRIM_EVERY_S = 10.0
# Young objects are collected seldom, and so are those that have lived on.
_GC_THRESHOLDS = (20_000, 20, 20)
_SWITCH_INTERVAL_S = 0.000_5


class ServiceRuntime:
    """Everything around a service's own work. Build it, add parts, then `run`."""

    def __init__(self, name: str, settings: Settings | None = None) -> None:
        self.name = name
        self.settings = settings or Settings()
        configure_logging(name, self.settings.log_level)
        tracing.configure_tracing(name)
        self.log = get_logger(name)
        self.stop = threading.Event()
        self.checks = Checks(self.settings.check_interval_seconds)
        self.grpc_port = 0
        self.admin_port = 0
        self._authenticator = Authenticator(self.settings)
        self._services: list[tuple[str, Register]] = []
        self._routers: list[APIRouter] = []
        self._tasks: list[tuple[str, Callable[[threading.Event], None]]] = []
        self._threads: list[threading.Thread] = []
        self._failures: list[str] = []
        self._exit_code = EXIT_OK
        self._beat = time.monotonic()
        self._stopped_by: int | None = None
        self._watchdog: threading.Timer | None = None

    @functools.cached_property
    def db(self) -> Database:
        """The database; using it makes it (and its schema) part of readiness."""
        db = Database(
            self.settings.database_url,
            pool_size=self.settings.database_pool_size,
            stop=self.stop,
            on_wait=self.beat,
            application_name=f"ratchet-{self.name}",
        )
        self.checks.add("database", db.ping)
        self.checks.add("schema", self._schema_check())
        return db

    @functools.cached_property
    def bus(self) -> Bus:
        """The streams; using them makes Redis part of readiness."""
        bus = Bus(self.settings.redis_url, stop=self.stop, on_activity=self.beat)
        self.checks.add("redis", bus.ping)
        return bus

    def beat(self) -> None:
        """Tell that the main loop lives; reading from the bus does it by itself."""
        self._beat = time.monotonic()

    def add_check(self, name: str, check: Check) -> None:
        """Add a readiness check: None when ready, else the reason; it runs in the background."""
        self.checks.add(name, check)

    def add_grpc(self, name: str, register: Register) -> None:
        """Add a gRPC service by its full name and a function that registers its servicer."""
        self._services.append((name, register))

    def add_routes(self, router: APIRouter) -> None:
        """Mount routes under /admin/v1; reading needs viewer, changing operator, or what `require` asks."""
        self._routers.append(router)

    def require(self, role: str) -> Callable[..., Actor]:
        """Return a FastAPI dependency for a role (viewer, operator or admin) that yields the Actor."""
        return self._authenticator.require(role)

    def add_task(self, name: str, task: Callable[[threading.Event], None]) -> None:
        """Run a function in the background until the stop event; if it dies, the service ends failed."""
        self._tasks.append((name, task))

    def audit(self, actor: str, action: str, detail: Mapping[str, Any] | None = None) -> None:
        """Write to the audit log; DatabaseUnavailableError if that fails, so that no change goes unseen."""
        with self.db.transaction(wait_s=_AUDIT_WAIT_S) as cursor:
            write_audit(cursor, self.name, actor, action, detail)

    def run(self, main_loop: MainLoop | None = None) -> int:
        """Serve until the main loop ends or a signal comes; return the exit code.

        0 stopped cleanly, 1 something failed, 2 a setting proved wrong, so that another start cannot help,
        3 the grace period was over before the work had ended.
        """
        with self._signals():
            try:
                servers = self._start()
            except StartupError as error:
                return self._refuse(error)
            try:
                self._wait_for_dependencies()
                self._start_tasks()
                self._work(main_loop or self._idle)
            finally:
                self.stop.set()
                self._finish(servers)
        return EXIT_FAILED if self._failures else self._exit_code

    def heartbeat_age_s(self) -> float:
        """Return the seconds since the main loop's last sign of life."""
        return time.monotonic() - self._beat

    def _start(self) -> "_Servers":
        if (
            not self.settings.is_loopback
            and not self.settings.rpc_token.get_secret_value()
            and self._services
        ):
            raise StartupError(
                f"RATCHET_RPC_TOKEN is empty and RATCHET_HOST={self.settings.host!r} is not loopback: "
                "gRPC would be open to the network; set a token"
            )
        parts = AdminParts(
            service=self.name,
            version=_version(self.name),
            settings=self.settings,
            checks=self.checks,
            heartbeat_age_s=self.heartbeat_age_s,
            audit=self.audit,
            authenticator=self._authenticator,
        )
        app = build_admin_app(parts, self._routers)
        http = HttpServer(app, self.settings.host, self.settings.admin_port, variable="RATCHET_ADMIN_PORT")
        rpc = RpcServer(self.settings, self._services) if self._services else None
        try:
            self.grpc_port = rpc.start() if rpc else 0
        except StartupError:
            http.stop()
            raise
        http.start()
        self.admin_port = http.port
        metrics.BUILD_INFO.labels(self.name, parts.version).set(1)
        servers = _Servers(http, rpc)
        self._spawn("checks", functools.partial(self._watch, servers))
        self.log.info("started", admin_port=self.admin_port, grpc_port=self.grpc_port, version=parts.version)
        return servers

    def _refuse(self, error: StartupError) -> int:
        self.log.error("start_failed", reason=str(error))
        return EXIT_FAILED

    def _wait_for_dependencies(self) -> None:
        """Wait for what readiness depends on, visibly not ready meanwhile, rather than crash in a loop."""
        if "db" in self.__dict__ and self.db.wait():
            schema = self._schema_check()
            while schema() is not None and not self.stop.wait(0.2):
                self.beat()
        if "bus" in self.__dict__:
            self.bus.wait()

    def _start_tasks(self) -> None:
        for name, task in self._tasks:
            self._spawn(name, task)

    def _work(self, main_loop: MainLoop) -> None:
        self.beat()
        _favour_the_work()
        if self.stop.is_set():
            return
        try:
            main_loop(self.stop)
        except ConfigError as error:
            self._exit_code = EXIT_CONFIG
            self.log.critical("configuration_wrong", reason=str(error))
        except Exception as error:
            # Losing a dependency because we were told to stop is not a failure.
            if not (isinstance(error, RatchetError) and self.stop.is_set()):
                self._failures.append("main loop")
                self.log.exception("main_loop_failed", error=repr(error))

    def _idle(self, stop: threading.Event) -> None:
        while not stop.wait(1.0):
            self.beat()

    def _spawn(self, name: str, task: Callable[[threading.Event], None]) -> None:
        def guarded() -> None:
            try:
                task(self.stop)
            except Exception as error:
                if isinstance(error, RatchetError) and self.stop.is_set():
                    return
                metrics.TASK_FAILURES_TOTAL.labels(name).inc()
                self._failures.append(name)
                self.log.exception("task_failed", task=name, error=repr(error))
                self.stop.set()

        thread = threading.Thread(target=guarded, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _watch(self, servers: "_Servers", stop: threading.Event) -> None:
        """Keep health and metrics true; on stop, report it at once, before the work has ended."""
        next_trim = time.monotonic() + _TRIM_EVERY_S
        while not stop.is_set():
            ready = self.checks.evaluate().ready
            if servers.rpc:
                servers.rpc.set_serving(serving=ready)
            if "bus" in self.__dict__ and ready:
                trim = time.monotonic() >= next_trim
                next_trim = time.monotonic() + _TRIM_EVERY_S if trim else next_trim
                self._look_after_streams(trim=trim)
            stop.wait(self.settings.check_interval_seconds)
        self.checks.add("drain", lambda: "the service is stopping")
        if servers.rpc:
            servers.drained = servers.rpc.drain(self.settings.drain_seconds)
        self.checks.evaluate()

    def _look_after_streams(self, *, trim: bool) -> None:
        try:
            self.bus.observe_lag()
            if trim:
                self.bus.trim_published()
        except (BusUnavailableError, redis.exceptions.RedisError) as error:
            self.log.warning("streams_not_looked_after", reason=str(error))

    def _finish(self, servers: "_Servers") -> None:
        self._start_watchdog()
        for thread in self._threads:
            thread.join()
        if servers.drained is not None:
            servers.drained.wait()
        servers.http.stop()
        if "bus" in self.__dict__:
            self.bus.close()
        if "db" in self.__dict__:
            self.db.close()
        tracing.shutdown_tracing()
        if self._watchdog:
            self._watchdog.cancel()
        self.log.info("stopped", signal=self._stopped_by, failures=self._failures)

    def _grace_over(self) -> None:
        alive = [thread.name for thread in self._threads if thread.is_alive()]
        self.log.error("grace_over", after_s=self.settings.drain_seconds, still_running=alive)
        os._exit(EXIT_GRACE_OVER)

    @contextlib.contextmanager
    def _signals(self) -> Any:
        """Stop on SIGTERM and SIGINT; in a thread other than the main one, `stop` is the only way."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {
            number: signal.signal(number, self._on_signal) for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, _: object) -> None:
        if self._stopped_by is None:
            self._stopped_by = number
            # The main loop may be stuck where no event reaches it, so the clock runs from here.
            self._start_watchdog()
        self.stop.set()

    def _start_watchdog(self) -> None:
        if self._watchdog is None:
            self._watchdog = threading.Timer(self.settings.drain_seconds, self._grace_over)
            self._watchdog.daemon = True
            self._watchdog.start()

    def _schema_check(self) -> Check:
        current = False

        def check() -> str | None:
            nonlocal current
            if not current:
                try:
                    missing = migrate.pending(self.db, self.settings.migrations_dir)
                except DatabaseUnavailableError as error:
                    return f"unknown: {error}"
                if missing:
                    return f"missing migrations: {', '.join(missing)}; run `python -m ratchet.common.migrate`"
                current = True
            return None

        return check


class _Servers:
    def __init__(self, http: HttpServer, rpc: RpcServer | None) -> None:
        self.http = http
        self.rpc = rpc
        self.drained: Any = None


def launch(name: str, setup: Callable[[ServiceRuntime], MainLoop | None]) -> int:
    """Build a runtime from the environment, let `setup` add the service's parts, run; return the exit code.

    A wrong setting or configuration file ends with a message and exit code 2, anything unfit to start with 1.
    """
    try:
        runtime = ServiceRuntime(name)
        main_loop = setup(runtime)
    except ConfigError as error:
        sys.stderr.write(f"{name}: {error}\n")
        return EXIT_CONFIG
    except StartupError as error:
        sys.stderr.write(f"{name}: {error}\n")
        return EXIT_FAILED
    return runtime.run(main_loop)


def _favour_the_work() -> None:
    """Keep short what may stop the main loop: collecting what start-up has made, and other threads' turns."""
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
    gc.enable()


def _version(name: str) -> str:
    for distribution in (f"ratchet-{name}", "ratchet-common"):
        with contextlib.suppress(PackageNotFoundError):
            return version(distribution)
    return "unknown"
