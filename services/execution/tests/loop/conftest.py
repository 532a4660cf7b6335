"""Execution in its world, in a replay and live."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ratchet.common.db import Database
from ratchet.common.testing import load_module
from ratchet.core.assets import Registry

_world = load_module(Path(__file__).with_name("world.py"))
World, Crash, CoreBroker = _world.World, _world.Crash, _world.CoreBroker


@pytest.fixture
def make_world(
    create_database: Callable[[], str], redis_url: str, registry: Registry
) -> Iterator[Callable[..., World]]:
    worlds: list[World] = []

    def make(**settings: Any) -> World:
        world = World(
            registry, Database(create_database()), redis_url, CoreBroker(registry), settings=settings
        )
        worlds.append(world)
        return world

    yield make
    for world in worlds:
        world.kill()
        world.bus.close()
        world.db.close()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    made = make_world()
    made.start()
    return made


@pytest.fixture(scope="session")
def memory() -> dict[str, Any]:
    """What one test may leave for others of the session."""
    return {}


@pytest.fixture(scope="session")
def crash() -> type[BaseException]:
    return Crash


@pytest.fixture
def live(make_world: Any) -> Any:
    world = make_world(reconcile_every_s=0.2)
    world.is_live = True
    return world


@pytest.fixture
def move(live: Any, eventually: Any) -> Any:
    """Move the market on, and wait until execution has taken every message and heard every update."""

    def quiet() -> bool:
        streams = ["ratchet:md:bars:crypto", "ratchet:md:bars:stock", "ratchet:signals"]
        read = all(live.bus.lag(stream, "execution-main") == 0 for stream in streams)
        booked = live.db.query("SELECT count(*) FROM fills")[0][0] == len(live.broker.executions)
        unsent = live.db.query("SELECT 1 FROM orders WHERE status IN ('pending_new', 'unknown')")
        if live.error is not None:
            raise live.error
        return read and booked and not unsent

    def on(steps: int) -> None:
        for _ in range(steps):
            live.step()
            eventually(quiet)

    return on
