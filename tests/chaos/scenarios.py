"""What is killed, under which fault of the venue, and what came of it."""

import contextlib
import random
import tempfile
import time
import urllib.error
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ratchet.common.db import Database
from ratchet.execution.crash import POINTS, VARIABLE
from tests.chaos.books import Verdict, compare, decisions, sent_since
from tests.chaos.cluster import (
    EXCHANGE,
    EXECUTION,
    INFERENCE,
    ORDER_PATH,
    POSTGRES,
    RISK,
    SIGNAL,
    VALKEY,
    Cluster,
)
from tests.chaos.driver import Driver

_ORDERS = {"path": "/v2/orders*"}
_POSTS = {"method": "POST", "path": "/v2/orders"}
FAULTS: dict[str, dict[str, Any] | None] = {
    "none": None,
    "gateway_timeout_after": {"match": _POSTS, "probability": 0.5},
    "gateway_timeout_before": {"match": _ORDERS, "probability": 0.3},
    "rate_limited": {"match": _ORDERS, "probability": 0.2, "parameters": {"retry_after_s": 0}},
    "server_error": {"match": _ORDERS, "probability": 0.3},
    "reset_after": {"match": _POSTS, "probability": 0.5},
    "hang": {"match": _POSTS, "probability": 0.2, "parameters": {"seconds": 2}},
    "not_json": {"match": _ORDERS, "probability": 0.3},
    "drop_updates": {"probability": 0.5},
    "duplicate_updates": {"parameters": {"copies": 3}},
    "delay_updates": {"probability": 0.5, "parameters": {"seconds": 0.3}},
    "reorder_updates": {"parameters": {"seconds": 0.2}},
    "stream_close_on_message": {"probability": 0.2},
    "stream_mute": {"probability": 0.5},
    "stream_refuse": {"probability": 0.5},
    "partial_fills": {"parameters": {"share": "0.4"}},
    "reject_orders": {"probability": 0.3},
    "clock_skew": {"match": _ORDERS, "parameters": {"seconds": 45}},
}
"""The venue's switches, each as often as a run can bear."""

# What these do to orders is the venue's own doing, so that decisions differ from an undisturbed run.
CHANGES_DECISIONS = frozenset({"partial_fills", "reject_orders"})
VICTIMS = (EXECUTION, RISK, SIGNAL, EXCHANGE, POSTGRES, VALKEY)
MODES = ("replay", "live")
# Short, so that a request that hangs is given up soon; live, the books are compared all the time.
_SETTINGS = {
    "RATCHET_BROKER_CONNECT_TIMEOUT_S": "0.5",
    "RATCHET_BROKER_READ_TIMEOUT_S": "0.7",
    "RATCHET_RECONCILE_EVERY_S": "1",
    "RATCHET_BROKER_REQUESTS_PER_MINUTE": "6000",
}


def scenario_names() -> list[str]:
    """Return everything that can be killed: execution at each named point, and any service at any time."""
    return [*(f"{EXECUTION} {point}" for point in POINTS), *VICTIMS]


@dataclass(frozen=True)
class Cell:
    """One cell of the matrix: `kills` deaths over `steps` steps of the market, drawn from `seed`."""

    scenario: str
    fault: str = "none"
    seed: int = 1
    kills: int = 5
    steps: int = 60
    mode: str = "replay"

    @property
    def signals(self) -> bool:
        """Whether the platform's own signal service signals, and not the driver."""
        return self.scenario.startswith(SIGNAL)

    @property
    def services(self) -> tuple[str, ...]:
        """The services that run."""
        return (*ORDER_PATH, INFERENCE, SIGNAL) if self.signals else ORDER_PATH


@dataclass
class Outcome:
    """What came of a cell.

    `same` says whether an undisturbed run decided alike, None where it need not; `after` counts the orders
    that were decided and sent after the last kill.
    """

    cell: Cell
    verdict: Verdict
    kills: int
    seconds: float
    same: bool | None
    after: int = 0
    decided: list[tuple[Any, ...]] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing was lost, doubled or drifted, nobody died by himself, and live trading went on."""
        return (
            self.verdict.ok
            and self.same is not False
            and not self.trouble
            and (self.cell.mode == "replay" or self.after > 0)
        )


@dataclass
class Mischief:
    """Kills at seeded steps, or lets execution kill itself at a named point; keeps the fault switched on."""

    cell: Cell
    cluster: Cluster | None = None
    _launches: int = 0
    _armed_for: int = -1
    _due: int = 0

    def __post_init__(self) -> None:
        self.random = random.Random(f"{self.cell.seed} {self.cell.scenario} {self.cell.fault}")
        self.victim, _, self.point = self.cell.scenario.partition(" ")
        steps = range(3, self.cell.steps - 3)
        self._at = set() if self.point else set(self.random.sample(steps, min(self.cell.kills, len(steps))))

    def environment(self, service: str) -> Mapping[str, str]:
        """Return what a service that is started now gets on top of its environment."""
        if service != EXECUTION:
            return {}
        self._launches += 1
        if not self.point or self._launches > self.cell.kills:
            return _SETTINGS
        return {**_SETTINGS, VARIABLE: f"{self.point}:{self._pass()}"}

    def __call__(self, seq: int) -> None:
        """Do what is due within a step."""
        assert self.cluster is not None
        self._keep_armed()
        self._due += seq in self._at
        if self._due and self._may_kill():
            self._due -= 1
            time.sleep(self.random.random() * 0.03)
            self.cluster.kill(self.victim)

    def is_done(self) -> bool:
        """Whether all have died who had to."""
        assert self.cluster is not None
        return self.cluster.deaths[self.victim] >= self.cell.kills

    def _may_kill(self) -> bool:
        """Live, steps do not wait for the victim: who is not up again yet is killed later."""
        assert self.cluster is not None
        return not self.cluster.live or self.cluster.is_up(self.victim)

    def _pass(self) -> int:
        # Books are compared at each start only; what a start passes once must not be waited for twice.
        return 1 if self.point == "during_reconcile" else self.random.randint(1, 6)

    def _keep_armed(self) -> None:
        """Switches live in the venue's memory: they are set again after each of its deaths."""
        spec = FAULTS[self.cell.fault]
        assert self.cluster is not None
        deaths = self.cluster.deaths[EXCHANGE]
        if spec is None or self._armed_for == deaths:
            return
        with contextlib.suppress(urllib.error.URLError, OSError):
            self.cluster.admin(EXCHANGE, "POST", "/faults", {"fault": self.cell.fault, **spec})
            self._armed_for = deaths

    def end(self) -> None:
        """Switch the fault off, so that the books can come to rest."""
        assert self.cluster is not None
        self.cluster.wait_ready()
        self.cluster.admin(EXCHANGE, "DELETE", "/faults")


def run(cell: Cell, undisturbed: list[tuple[Any, ...]] | None = None) -> Outcome:
    """Run a cell in a cluster of its own and compare the books."""
    mischief = Mischief(cell)
    started = time.monotonic()
    with _cluster(mischief) as cluster:
        driver = Driver(
            cluster, mischief, before_rest=mischief.end, is_done=mischief.is_done, signals=not cell.signals
        )
        try:
            driver.run(cell.steps)
        except TimeoutError as error:
            cluster.trouble.append(str(error))
        database = Database(cluster.database_url, pool_size=1)
        with contextlib.closing(database):
            verdict = compare(database, cluster.platform.registry)
            decided = decisions(database)
            after = sent_since(database, cluster.last_death)
        same = None
        if undisturbed is not None and cell.mode == "replay" and cell.fault not in CHANGES_DECISIONS:
            same = decided == undisturbed
        kills = cluster.deaths[mischief.victim]
        seconds = time.monotonic() - started
        return Outcome(cell, verdict, kills, seconds, same, after, decided, list(cluster.trouble))


def undisturbed(steps: int, *, signals: bool = False) -> list[tuple[Any, ...]]:
    """Return what a replay decides in which nothing goes wrong; `signals` are the platform's own."""
    outcome = run(Cell(f"{SIGNAL} unhurt" if signals else "nothing", kills=0, steps=steps))
    assert outcome.ok, outcome
    return outcome.decided


@contextlib.contextmanager
def _cluster(mischief: Mischief) -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="ratchet-chaos-") as folder:
        cell = mischief.cell
        cluster = Cluster(Path(folder), cell.mode == "live", cell.services, mischief.environment)
        mischief.cluster = cluster
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()
