"""Which processes make the platform, on which ports, and in which order they start."""

import contextlib
import fcntl
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ratchet.cli.supervision import ProcessSpec
from ratchet.common.embedded import free_port

HOST = "127.0.0.1"
EXCHANGE = "paper-exchange"
EXCHANGE_API_PORT = 7100
CELERY_APP = "ratchet.phase_activation.celery_app"


@dataclass(frozen=True, slots=True)
class Service:
    """One service: module, default ports, the variable by which others find it, and its wave of starts."""

    name: str
    module: str
    grpc_port: int | None
    admin_port: int
    target: str | None
    wave: int = 1


# The default ports; a free one is taken where another program has the default.
SERVICES = (
    Service(EXCHANGE, "ratchet.paper_exchange", None, 7208, None),
    Service("sentiment", "ratchet.sentiment", 7002, 7202, "SENTIMENT"),
    Service("ml-inference", "ratchet.ml_inference", 7004, 7204, "INFERENCE"),
    Service("risk", "ratchet.risk", 7005, 7205, "RISK"),
    Service("phase-activation", "ratchet.phase_activation", 7007, 7207, "PHASES"),
    Service("signal", "ratchet.signal", 7003, 7203, "SIGNALS"),
    Service("execution", "ratchet.execution", 7006, 7206, "EXECUTION"),
    # Last, since it sets the replay going.
    Service("market-data", "ratchet.market_data", 7001, 7201, "MARKET_DATA", wave=2),
)


@contextlib.contextmanager
def choosing_ports(check: Callable[[], None]) -> Iterator[None]:
    """Hold the choice of ports until they are taken: platforms that start at once must not choose the same.

    `check` is called while another platform starts, and may raise to give up.
    """
    with (Path(tempfile.gettempdir()) / f"ratchet-ports-{os.getuid()}.lock").open("a") as handle:
        while True:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            check()
            time.sleep(0.1)
        yield


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of one run."""

    grpc: Mapping[str, int]
    admin: Mapping[str, int]
    exchange: int

    @classmethod
    def choose(cls, services: Iterable[Service] = SERVICES) -> "Ports":
        """Take the defaults where they are free, else what the system offers."""
        taken: set[int] = set()

        def choose(default: int) -> int:
            port = free_port(default)
            while port in taken:
                port = free_port()
            taken.add(port)
            return port

        grpc = {service.name: choose(service.grpc_port) for service in services if service.grpc_port}
        admin = {service.name: choose(service.admin_port) for service in services}
        return cls(grpc, admin, choose(EXCHANGE_API_PORT))

    def of(self, name: str) -> dict[str, int]:
        """Return what a service listens on."""
        found = {"grpc": self.grpc.get(name), "admin": self.admin.get(name)}
        if name == EXCHANGE:
            found["api"] = self.exchange
        return {kind: port for kind, port in found.items() if port is not None}

    def environment(self) -> dict[str, str]:
        """Return the variables by which services find each other and the paper exchange."""
        targets = {
            f"RATCHET_{service.target}_TARGET": f"{HOST}:{self.grpc[service.name]}"
            for service in SERVICES
            if service.target
        }
        return {
            **targets,
            "RATCHET_ALPACA_URL": f"http://{HOST}:{self.exchange}",
            "RATCHET_ALPACA_DATA_URL": f"http://{HOST}:{self.exchange}",
            "RATCHET_ALPACA_STREAM_URL": f"ws://{HOST}:{self.exchange}/stream",
            "RATCHET_OANDA_URL": f"http://{HOST}:{self.exchange}",
            "RATCHET_OANDA_STREAM_URL": f"http://{HOST}:{self.exchange}",
        }


def service_specs(
    ports: Ports, environment: Mapping[str, str], log_dir: Path, *, wave: int, without: Iterable[str] = ()
) -> list[ProcessSpec]:
    """Return the processes of one wave of starts."""
    return [
        ProcessSpec(
            name=service.name,
            command=(sys.executable, "-m", service.module),
            env={**environment, **_own_ports(service, ports)},
            log=log_dir / f"{service.name}.log",
            ready_port=ports.admin[service.name],
            ports=ports.of(service.name),
        )
        for service in SERVICES
        if service.wave == wave and service.name not in without
    ]


def celery_specs(environment: Mapping[str, str], log_dir: Path, run_dir: Path) -> list[ProcessSpec]:
    """Return the worker and the clock of background tasks; threads, since each process costs memory."""
    celery = (sys.executable, "-m", "celery", "-A", CELERY_APP)
    worker = ("worker", "--pool=threads", "--concurrency=2", "--loglevel=INFO", "--hostname=ratchet@%h",
              "--without-gossip", "--without-mingle", "--without-heartbeat")  # fmt: skip
    beat = ("beat", "--loglevel=INFO", f"--schedule={run_dir / 'beat-schedule'}", "--pidfile=")
    return [
        ProcessSpec("worker", (*celery, *worker), environment, log_dir / "worker.log"),
        ProcessSpec("beat", (*celery, *beat), environment, log_dir / "beat.log"),
    ]


def _own_ports(service: Service, ports: Ports) -> dict[str, str]:
    own = {"RATCHET_ADMIN_PORT": str(ports.admin[service.name])}
    if service.name in ports.grpc:
        own["RATCHET_GRPC_PORT"] = str(ports.grpc[service.name])
    return own
