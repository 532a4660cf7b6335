"""The order path as processes: paper exchange, risk and execution on their own PostgreSQL and Valkey.

Signal, with ml-inference which it asks, runs where it is among `services`; elsewhere the driver signals.

Whatever dies is started again at once. A death that nobody asked for is kept as trouble.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ratchet.cli.home import Home, Secrets
from ratchet.cli.platform import runs
from ratchet.cli.platform.environment import platform_environment
from ratchet.cli.platform.services import HOST, Ports, service_specs
from ratchet.cli.platform.services import SERVICES as PLATFORM
from ratchet.cli.supervision import ProcessSpec
from ratchet.cli.supervision.process import probe
from ratchet.common.db import Database
from ratchet.common.embedded import free_port, launch
from ratchet.common.migrate import migrate
from ratchet.common.paths import default_dir
from ratchet.common.platform import Platform, load_platform
from ratchet.common.registry_store import sync_registry

EXCHANGE, RISK, EXECUTION = "paper-exchange", "risk", "execution"
SIGNAL, INFERENCE = "signal", "ml-inference"
ORDER_PATH = (EXCHANGE, RISK, EXECUTION)
POSTGRES, VALKEY = "postgres", "valkey"
DATABASE = "chaos"
READY_WITHIN_S = 90.0
# One phase with everything in it: what is under test is the order path, not the gates.
_PLAN = [
    {"phase": 0, "name": "all", "asset_classes": ["crypto", "stock"]},
    {"phase": 1, "name": "later", "asset_classes": []},
]
# Signals from few bars, and often; a market that swings within hours gives both directions.
_STRATEGIES = {
    "name": "chaos",
    "strategies": {"indicator_consensus": {}},
    "consensus": {
        "enter_confidence": 0.5, "exit_confidence": 0.5, "min_votes": 1, "min_hold_bars": 0,
        "repeat_bars": 2, "warmup_bars": 30, "respect_regime": False,
    },
}  # fmt: skip


@dataclass
class Running:
    """One service: how it is started, its process, and how often it was killed and died by itself."""

    spec: ProcessSpec
    process: subprocess.Popen[bytes]
    expected: int = 0


@dataclass
class Cluster:
    """A folder in which everything lives; `extra` is added to the environment of a service by name."""

    folder: Path
    live: bool = False
    services: Sequence[str] = ORDER_PATH
    extra: Callable[[str], Mapping[str, str]] = lambda _: {}
    deaths: Counter[str] = field(default_factory=Counter)
    last_death: float = 0.0
    trouble: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.home = Home(self.folder)
        self.home.create()
        self.secrets = Secrets.load(self.home)
        mode = "live" if self.live else "replay"
        self.postgres, self.valkey = self.home.postgres("replay"), self.home.valkey("replay")
        self.platform = self._configure()
        self.database_url = ""
        self.redis_url = ""
        self.mode = mode
        self.running: dict[str, Running] = {}

    def start(self) -> None:
        """Start servers and services, and wait until all are ready."""
        self.postgres.start()
        self.redis_url = self.valkey.start()
        self.database_url = self._create_database()
        # Not the default ones: a platform that starts meanwhile would take those of a service that is dead.
        self.ports = Ports(
            grpc={service.name: free_port() for service in PLATFORM if service.grpc_port},
            admin={service.name: free_port() for service in PLATFORM},
            exchange=free_port(),
        )
        for spec in self._specs():
            self.running[spec.name] = Running(spec, self._spawn(spec))
        self.wait_ready()

    def stop(self) -> None:
        """End everything."""
        for item in self.running.values():
            item.process.kill()
            item.process.wait()
        with contextlib.suppress(OSError):
            self.valkey.stop()
            self.postgres.stop()

    def kill(self, name: str) -> None:
        """Send SIGKILL to a service or a server."""
        if name in self.running:
            self.running[name].expected += 1
            self.running[name].process.kill()
            return
        server = self.postgres if name == POSTGRES else self.valkey
        pid = server.pid
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            self._note_death(name)
        if server._child is not None:
            server._child.wait()
        server.start()

    def tick(self) -> None:
        """Start again what has died."""
        for name, item in self.running.items():
            code = item.process.poll()
            if code is None:
                continue
            self._note_death(name)
            if code != -signal.SIGKILL:
                self.trouble.append(f"{name} ended with {code}: {self._tail(name)}")
            item.process = self._spawn(item.spec)

    def wait_ready(self) -> None:
        """Wait until every service says that it is ready."""
        deadline = time.monotonic() + READY_WITHIN_S
        while reasons := self.unready():
            self.tick()
            if time.monotonic() > deadline:
                raise TimeoutError(f"not ready: {reasons}; {self.trouble}")
            time.sleep(0.05)

    def is_up(self, name: str) -> bool:
        """Return whether a service is ready; servers always are, since `kill` starts them again."""
        return name not in self.running or name not in self.unready()

    def unready(self) -> dict[str, str]:
        """Return why services are not ready."""
        found = {
            name: probe(HOST, item.spec.ready_port)
            for name, item in self.running.items()
            if item.spec.ready_port
        }
        return {name: reason for name, reason in found.items() if reason}

    def admin(self, service: str, method: str, path: str, body: Any = None) -> Any:
        """Call a service's admin API as its administrator."""
        url = f"http://{HOST}:{self.ports.admin[service]}/admin/v1{path}"
        request = urllib.request.Request(
            url,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.secrets.tokens['admin']}",
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or b"null")

    def _note_death(self, name: str) -> None:
        self.deaths[name] += 1
        self.last_death = time.time()

    def _configure(self) -> Platform:
        folder = self.folder / "config"
        shutil.copytree(default_dir("config"), folder, dirs_exist_ok=True)
        content = yaml.safe_load((folder / "phases.yaml").read_text())
        content["phases"]["phases"] = _PLAN
        (folder / "phases.yaml").write_text(yaml.safe_dump(content))
        (folder / "strategies.yaml").write_text(yaml.safe_dump({"strategies": _STRATEGIES}))
        return load_platform(folder)

    def _create_database(self) -> str:
        runs.create_database(self.postgres.url, DATABASE)
        url = self.postgres.url_for(DATABASE)
        database = Database(url, pool_size=1)
        with contextlib.closing(database):
            migrate(database)
            sync_registry(database, self.platform)
        return url

    def _specs(self) -> list[ProcessSpec]:
        environment = platform_environment(
            self.home, self.secrets, self.ports, database_url=self.database_url, redis_url=self.redis_url,
            mode=self.mode, speed="max", dataset=None, config_dir=self.folder / "config",
        )  # fmt: skip
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("RATCHET_")}
        specs = service_specs(self.ports, {**inherited, **environment}, self.home.log, wave=1)
        return [spec for spec in specs if spec.name in self.services]

    def _spawn(self, spec: ProcessSpec) -> subprocess.Popen[bytes]:
        with (self.home.log / f"{spec.name}.log").open("ab") as log:
            return launch(spec.command, log=log, env={**spec.env, **self.extra(spec.name)})

    def _tail(self, name: str) -> str:
        lines = (self.home.log / f"{name}.log").read_text(errors="replace").splitlines()
        return " / ".join(lines[-3:])
