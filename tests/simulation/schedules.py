"""Plays many seeded schedules, in parallel: `python -m tests.simulation.schedules 5000`."""

import multiprocessing
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

import structlog

from tests.simulation.faults import Rates
from tests.simulation.verdict import problems
from tests.simulation.world import World

TURNS = 70
_CHUNK = 25


@dataclass
class Tally:
    """What happened in a number of schedules; `broken` holds the problems by seed."""

    schedules: int = 0
    orders: int = 0
    fills: int = 0
    crashes: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    broken: dict[int, list[str]] = field(default_factory=dict)

    def add(self, other: "Tally") -> None:
        """Add up."""
        self.schedules += other.schedules
        self.orders += other.orders
        self.fills += other.fills
        self.crashes += other.crashes
        self.faults.update(other.faults)
        self.broken.update(other.broken)


def play(seeds: range) -> Tally:
    """Play the schedules of these seeds."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    tally = Tally()
    for seed in seeds:
        world = World(seed, Rates.stormy())
        world.run(TURNS)
        tally.schedules += 1
        tally.orders += len(world.books.orders)
        tally.fills += len(world.books.fills)
        tally.crashes += world.crashes
        tally.faults.update(world.faults.seen)
        if found := problems(world):
            tally.broken[seed] = found
    return tally


def play_all(first: int, count: int, processes: int = 2) -> Tally:
    """Play `count` schedules from seed `first` on."""
    chunks = [range(at, min(at + _CHUNK, first + count)) for at in range(first, first + count, _CHUNK)]
    total = Tally()
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        for tally in pool.map(play, chunks):
            total.add(tally)
    return total


def main() -> int:
    """Print a table of what happened; return 1 if anything was broken."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    started = time.monotonic()
    total = play_all(first, count)
    print(f"{total.schedules:,} schedules in {time.monotonic() - started:.0f} s")
    print(f"{total.orders:,} orders, {total.fills:,} executions, {total.crashes:,} crashes")
    for name, number in sorted(total.faults.items()):
        print(f"  {name:16} {number:,}")
    for seed, found in list(total.broken.items())[:10]:
        print(f"seed {seed}: " + "; ".join(found[:3]))
    print(f"{len(total.broken)} broken")
    return 1 if total.broken else 0


if __name__ == "__main__":
    sys.exit(main())
