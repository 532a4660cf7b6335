"""The life of a local platform: prepare, start in waves, watch, and end without leftovers."""

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Console

from ratchet.cli.errors import CommandError
from ratchet.cli.home import Home, Secrets
from ratchet.cli.options import portfolio
from ratchet.cli.platform import runs
from ratchet.cli.platform.backends import Backends
from ratchet.cli.platform.environment import platform_environment, uses_paper_exchange
from ratchet.cli.platform.events import EventLog
from ratchet.cli.platform.interrupt import Interrupt
from ratchet.cli.platform.progress import Progress, ProgressReader
from ratchet.cli.platform.services import EXCHANGE, Ports, celery_specs, choosing_ports, service_specs
from ratchet.cli.platform.state import (
    PlatformState,
    ProcessState,
    created_of,
    end_stale,
    own_created,
    read_state,
)
from ratchet.cli.platform.view import View
from ratchet.cli.supervision import Supervisor
from ratchet.common.db import Database
from ratchet.common.embedded import launch
from ratchet.common.migrate import migrate
from ratchet.common.platform import Platform
from ratchet.common.registry_store import sync_registry

TICK_S = 0.1
LOOK_EVERY_S = 1.0
READY_WITHIN_S = 180.0
STALLED_S = 60.0
WARMUP = "ratchet.core.warmup"
LOST_STEP = "every service is ready; if Redis came back empty, the step is lost: start the run again"


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What `ratchet up` was asked for; `dataset` is None in live mode."""

    config_dir: Path
    dataset: Path | None
    data_name: str
    data_why: str
    speed: str = "max"
    exit_when_done: bool = False

    @property
    def mode(self) -> str:
        """The value of RATCHET_MODE."""
        return "replay" if self.dataset is not None else "live"


class LocalPlatform:
    """Runs everything from one home. Use `prepare`, `start`, `watch`, `stop` in this order, in one thread."""

    def __init__(
        self, home: Home, options: RunOptions, platform: Platform, console: Console, interrupt: Interrupt
    ) -> None:
        self.home, self.options, self.platform = home, options, platform
        self.events = EventLog(console, home.log / "ratchet.log")
        self.supervisor = Supervisor(self.events, self._write_state)
        self.backends = Backends(home, options.mode, self.events)
        self.database = runs.replay_name() if options.mode == "replay" else runs.LIVE_DATABASE
        self.database_url = ""
        self.replay_began = 0.0
        self.console = console
        self._interrupt = interrupt
        self._environment: Mapping[str, str] = {}
        self._ports = Ports.choose(())
        self._progress = Progress()
        self._state_trouble = ""

    def prepare(self) -> None:
        """Bring up servers, schema, registry and compiled kernels."""
        self._end_leftovers()
        kernels = self._compile_kernels()
        self.backends.start()
        self._interrupt.check()
        self._open_run()
        self._interrupt.check()
        self._wait_for_kernels(kernels)

    def start(self) -> None:
        """Start the services in waves; each wave waits until the one before is ready."""
        with choosing_ports(self._interrupt.check):
            self._start_services()
        self.supervisor.start(celery_specs(self._environment, self.home.log, self.home.run))

    def _start_services(self) -> None:
        self._ports = Ports.choose()
        secrets = Secrets.load(self.home)
        self._environment = platform_environment(
            self.home,
            secrets,
            self._ports,
            database_url=self.database_url,
            redis_url=self.backends.redis_url,
            mode=self.options.mode,
            speed=self.options.speed,
            dataset=self.options.dataset,
            config_dir=self.options.config_dir,
        )
        without = () if uses_paper_exchange() else (EXCHANGE,)
        for wave in (1, 2):
            self.replay_began = time.monotonic()
            specs = service_specs(self._ports, self._environment, self.home.log, wave=wave, without=without)
            self.supervisor.start(specs)
            self._wait_ready()

    def watch(self, on_finished: Callable[[], None]) -> Progress:
        """Supervise until a signal, or until the replay is over or a service failed if the run ends with it.

        `on_finished` is called once, when the replay is over.
        """
        reader = ProgressReader(self.backends.redis_url, self.database_url, portfolio())
        view = View(self.console, self.events, f"ratchet · {self.options.data_name}")
        stall = Stall()
        view.start()
        try:
            look_at, told = 0.0, False
            while not self._interrupt.number:
                self.supervisor.tick()
                self.backends.tick()
                if time.monotonic() >= look_at:
                    look_at = time.monotonic() + LOOK_EVERY_S
                    self._progress = reader.read()
                    view.update(self._progress, self.supervisor.processes.values())
                    if self._progress.finished and not told:
                        told = True
                        view.stop()
                        on_finished()
                    if self._over(stall):
                        break
                self.supervisor.wait(TICK_S)
        finally:
            view.stop()
            reader.close()
        return self._progress

    def stop(self) -> None:
        """End every process, then the servers."""
        grace = 2.0 if self._interrupt.count > 1 else 25.0
        self.supervisor.stop(grace)
        self.backends.stop()
        self._write_state()

    def _over(self, stall: "Stall") -> bool:
        if self.options.exit_when_done:
            if self.supervisor.failed or self._progress.finished:
                return True
            if stalled := stall.seconds(self._progress):
                self.events.note("replay", f"no step finished for {stalled:.0f} s: {self._why()}", bad=True)
        return False

    def _why(self) -> str:
        unready = [
            f"{process.spec.name} {process.state} {process.reason}" for process in self.supervisor.unready
        ]
        lags = [
            f"{lag.group} is {lag.entries} behind on {lag.stream}"
            for lag in self._progress.lags
            if lag.entries
        ]
        return "; ".join([*unready, *lags[:3], self._progress.error]).strip("; ") or LOST_STEP

    def _end_leftovers(self) -> None:
        state = read_state(self.home)
        for name in end_stale(state) if state else []:
            self.events.note(name, "was left behind by an earlier run, ended", bad=True)

    def _compile_kernels(self) -> subprocess.Popen[bytes] | None:
        if importlib.util.find_spec(WARMUP) is None:
            return None
        self.events.note("kernels", "preparing (the first time takes up to a minute)")
        log = (self.home.log / "kernels.log").open("wb")
        with log:
            return launch([sys.executable, "-m", WARMUP], log=log, env=dict(os.environ))

    def _wait_for_kernels(self, child: subprocess.Popen[bytes] | None) -> None:
        if child is None:
            return
        while child.poll() is None:
            if self._interrupt.number:
                child.kill()
                child.wait()
            self._interrupt.check()
            time.sleep(TICK_S)
        if child.returncode:
            raise CommandError(f"the numeric kernels do not compile, see {self.home.log / 'kernels.log'}")
        self.events.note("kernels", "ready")

    def _open_run(self) -> None:
        server = self.backends.server_url
        if self.options.mode == "live" and self.backends.external_database:
            self.database_url = self.backends.external_database
            self.database = urlsplit(self.database_url).path.lstrip("/")
        else:
            runs.create_database(server, self.database)
            self.database_url = self.backends.database_url(self.database)
        database = Database(self.database_url, pool_size=1, application_name="ratchet-up")
        try:
            applied = migrate(database)
            self.events.note(
                "database", f"{self.database}, {len(applied)} migrations, {database.capability()}"
            )
            sync_registry(database, self.platform)
        finally:
            database.close()
        if self.options.mode == "replay":
            runs.drop_old(server)
            runs.clear_streams(self.backends.redis_url)

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + READY_WITHIN_S
        while not self.supervisor.ready:
            self._interrupt.check()
            self.supervisor.tick()
            self.backends.tick()
            if failed := self.supervisor.failed:
                names = "; ".join(f"{process.spec.name} {process.reason}" for process in failed)
                raise CommandError(f"the platform does not come up: {names}")
            if time.monotonic() > deadline:
                raise CommandError(f"the platform is not ready after {READY_WITHIN_S:g} s: {self._why()}")
            self.supervisor.wait(TICK_S)

    def _write_state(self) -> None:
        services = {
            name: ProcessState(
                process.pid,
                created_of(process.pid),
                str(process.state),
                process.restarts,
                process.reason,
                dict(process.spec.ports or {}),
            )
            for name, process in self.supervisor.processes.items()
        }
        state = PlatformState(
            pid=os.getpid(),
            created=own_created(),
            run=self.database,
            mode=self.options.mode,
            data=self.options.data_name,
            data_path=str(self.options.dataset or ""),
            data_why=self.options.data_why,
            database=self.database,
            embedded=self.backends.embedded,
            services=services,
        )
        try:
            state.write(self.home)
            self._state_trouble = ""
        except OSError as error:
            reason = f"cannot be written ({error.strerror}): `ratchet status` shows an older one"
            if reason != self._state_trouble:
                self._state_trouble = reason
                self.events.note("state", reason, bad=True)


class Stall:
    """Notices that no step was finished for a while."""

    def __init__(self) -> None:
        self._seq = -1
        self._since = time.monotonic()
        self._told_at = 0.0

    def seconds(self, progress: Progress) -> float:
        """Return for how long nothing moved, once per period, else 0."""
        now = time.monotonic()
        if progress.executed_seq != self._seq:
            self._seq, self._since, self._told_at = progress.executed_seq, now, now
        elif now - self._told_at >= STALLED_S:
            self._told_at = now
            return now - self._since
        return 0.0
