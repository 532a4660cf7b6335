"""A replay that a test drives by watermarks."""

import threading

import pytest

from ratchet.common.codec import decode_bars
from ratchet.common.streams import WATERMARK, bars_stream
from ratchet.market_data import gate
from ratchet.market_data.replay import LockstepReplay
from ratchet.market_data.store import BarStore
from ratchet.v1.control_pb2 import Watermark
from ratchet.v1.market_data_pb2 import BarBatch


@pytest.fixture(autouse=True)
def _brief_waits(monkeypatch):
    monkeypatch.setattr(gate, "_WAIT_MS", 50)


@pytest.fixture
def report(bus):
    """Report steps as consumers do: report(execution=3) says that execution has finished step 3."""

    def publish(**reached):
        for service, seq in reached.items():
            bus.publish(WATERMARK, Watermark(service=service.replace("_", "-"), seq=seq), ts=0)

    return publish


@pytest.fixture
def released(bus):
    """Return the step numbers in a universe's stream, in order."""

    def read(universe="crypto"):
        entries = bus.tail(bars_stream(universe), "0", count=100_000)
        return [decode_bars(entry.parse(BarBatch)).step.seq for entry in entries]

    return read


@pytest.fixture
def make_replay(db, make_bus):
    """Return a function that makes a replay with a connection of its own, as a new process has one."""

    def make(platform, speed=None):
        bus = make_bus()
        store = BarStore(db, platform.registry, platform.dataset.name)
        return LockstepReplay(bus, store, platform.registry, platform.dataset, speed), bus

    return make


@pytest.fixture
def run_until_waiting(make_replay):
    """Run a new replay until it has asked for watermarks and found no new ones, or has ended."""

    def run(platform):
        replay, bus = make_replay(platform)
        stop, asked = threading.Event(), []

        def on_activity():
            # The first answer holds all that was reported; the second came after a vain wait.
            asked.append(1)
            if len(asked) == 2:
                stop.set()

        bus.on_activity = on_activity
        return replay, replay.run(stop)

    return run
