"""Nothing is lost, nothing is sent twice: over seeded schedules, and over what hypothesis searches for."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ratchet.execution.engine import Engine
from ratchet.execution.venue.sync import Synced, Synchronizer
from tests.simulation.faults import Rates
from tests.simulation.ledger import MemoryTransaction
from tests.simulation.schedules import play, play_all
from tests.simulation.verdict import problems
from tests.simulation.world import World

SCHEDULES = int(os.environ.get("RATCHET_TEST_SCHEDULES", "1000"))
SEEDS_TO_NOTICE = range(40)


@pytest.mark.timeout(1200)
def test_no_schedule_loses_doubles_or_drifts() -> None:
    total = play_all(0, SCHEDULES)
    assert total.broken == {}
    assert total.schedules == SCHEDULES
    # The storm has to be one: every kind of fault, and trade between the faults.
    assert set(total.faults) == set(Rates.__dataclass_fields__)
    assert total.fills > 2 * SCHEDULES
    assert total.crashes > SCHEDULES


def test_the_same_seed_is_the_same_world() -> None:
    worlds = [World(11, Rates.stormy()) for _ in range(2)]
    for world in worlds:
        world.run(60)
    first, second = (world.books for world in worlds)
    assert first.orders == second.orders
    assert first.fills.keys() == second.fills.keys()
    assert first.state == second.state


def no_back_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Synchronizer, "sync", lambda *_: Synced(ok=True))


def send_before_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    inserted = MemoryTransaction.orders

    def forget_every_third(self: MemoryTransaction, orders: Any, seq: int) -> None:
        inserted(self, [item for item in orders if int(item.order.client_order_id[:4], 16) % 3], seq)

    monkeypatch.setattr(MemoryTransaction, "orders", forget_every_third)


def no_kill_switch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Engine, "_refusal", lambda *_: None)


@pytest.mark.parametrize("sabotage", [no_back_stop, send_before_commit, no_kill_switch])
def test_the_simulation_notices_a_broken_guard(sabotage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sabotage(monkeypatch)
    broken: dict[int, list[str]] = {}
    for seed in SEEDS_TO_NOTICE:
        try:
            broken |= play(range(seed, seed + 1)).broken
        except (AssertionError, KeyError) as error:
            broken[seed] = [str(error)]
        if broken:
            return
    pytest.fail(f"{sabotage.__name__} went unnoticed in {len(SEEDS_TO_NOTICE)} schedules")


class OrderPath(RuleBasedStateMachine):
    """Faults one by one, in any order that hypothesis finds worth trying."""

    @initialize(seed=st.integers(0, 1_000))
    def begin(self, seed: int) -> None:
        self.world = World(seed)

    @rule(turns=st.integers(1, 8))
    def go_on(self, turns: int) -> None:
        for _ in range(turns):
            self.world.turn()

    @rule(fault=st.sampled_from(["lost", "answer_lost", "late", "throttled", "crash", "commit_unknown"]))
    def break_something(self, fault: str) -> None:
        self.world.faults.forced.append(fault)
        self.world.turn()

    @rule(fault=st.sampled_from(["update_lost", "update_doubled", "update_delayed", "stream_down"]))
    def break_the_stream(self, fault: str) -> None:
        self.world.faults.forced.append(fault)
        self.world.turn()

    @rule(state=st.sampled_from(["active", "reduce_only", "halted"]))
    def throw_the_switch(self, state: str) -> None:
        self.world.halt(state)

    @invariant()
    def no_rule_is_broken(self) -> None:
        if hasattr(self, "world"):
            assert self.world.violations == []

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.heal()
            assert problems(self.world) == []


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """The storm logs thousands of warnings, which nobody reads."""
    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    yield
    structlog.reset_defaults()


TestOrderPath = OrderPath.TestCase
TestOrderPath.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
