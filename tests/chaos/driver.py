"""Moves the market step by step through the cluster, and does mischief at seeded moments."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ratchet.common.bus import Bus
from ratchet.common.codec import encode_bars, encode_signals
from ratchet.common.db import Database
from ratchet.common.streams import SIGNALS, WATERMARK, bars_stream
from ratchet.market_data.store import BarStore
from ratchet.v1.control_pb2 import Watermark
from tests.chaos.books import compare, sent_since
from tests.chaos.cluster import EXECUTION, Cluster
from tests.chaos.market import START, Market

STEP_WITHIN_S = 60.0
KILLS_WITHIN_S = 60.0
TRADES_WITHIN_S = 30.0
SETTLE_WITHIN_S = 60.0
QUIET_STEPS = 4
# More than the longest warm-up, also of an asset that has a bar every third hour only.
HISTORY_BARS = 120
_LIVE_PAUSE_S = 0.1


@dataclass
class Driver:
    """Market data of a cluster, and its signals unless `signals` says that the cluster makes its own.

    `mischief` is called within each step, with its number; `is_done` says whether it has done all of it.
    """

    cluster: Cluster
    mischief: Callable[[int], None] = lambda _: None
    before_rest: Callable[[], None] = lambda: None
    is_done: Callable[[], bool] = lambda: True
    signals: bool = True
    seq: int = 0
    _position: str = "0"
    _reached: int = 0
    bus: Bus = field(init=False)
    database: Database = field(init=False)

    def __post_init__(self) -> None:
        self.market = Market(self.cluster.platform.registry, live=self.cluster.live)
        self.bus = Bus(self.cluster.redis_url)
        self.database = Database(self.cluster.database_url, pool_size=1)
        self.store = BarStore(self.database, self.cluster.platform.registry, "chaos")

    def run(self, steps: int) -> None:
        """Run so many steps with signals, then a few without, until the books rest.

        Live, time does not wait for those who were killed: mischief takes the steps that it needs, and then
        trading must go on.
        """
        self._store_history()
        for _ in range(steps):
            self.step()
        if self.cluster.live:
            self._step_until(self.is_done, KILLS_WITHIN_S)
        self.before_rest()
        if self.cluster.live:
            self.mischief = lambda _: None
            self._step_until(self._trades_again, TRADES_WITHIN_S)
        for _ in range(QUIET_STEPS):
            self.step(quiet=True)
        self.cluster.wait_ready()
        self._settle()

    def step(self, *, quiet: bool = False) -> None:
        """Release one step; in a replay, wait until execution has finished it."""
        self.seq += 1
        now = time.time_ns() if self.cluster.live else None
        bars = self.market.bars(self.seq, now)
        # As market-data does it: in the database before they are in a stream.
        self.store.save_batches(bars)
        self.bus.publish_many([(bars_stream(batch.universe), encode_bars(batch), batch.ts) for batch in bars])
        for batch in bars if self.signals else ():
            signals = self.market.signals(batch, self.seq, quiet=quiet)
            self.bus.publish(SIGNALS, encode_signals(signals), ts=batch.ts)
        if not quiet:
            self.mischief(self.seq)
        self.cluster.tick()
        if self.cluster.live:
            time.sleep(_LIVE_PAUSE_S)
        else:
            self._wait()

    def _store_history(self) -> None:
        if not self.signals:
            before = time.time_ns() if self.cluster.live else START
            bars = [batch for hour in self.market.history(HISTORY_BARS, before) for batch in hour]
            self.store.save_batches(bars)

    def _step_until(self, condition: Callable[[], bool], within_s: float) -> None:
        deadline = time.monotonic() + within_s
        while not condition() and time.monotonic() < deadline:
            self.step()

    def _trades_again(self) -> bool:
        return sent_since(self.database, self.cluster.last_death) > 0

    def _wait(self) -> None:
        deadline = time.monotonic() + STEP_WITHIN_S
        while self._reached < self.seq:
            for entry in self.bus.tail(WATERMARK, self._position, block_ms=20):
                self._position = entry.entry_id
                mark = entry.parse(Watermark)
                if mark.service == EXECUTION:
                    self._reached = max(self._reached, mark.seq)
            self.cluster.tick()
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"step {self.seq} was not finished in {STEP_WITHIN_S:g} s; "
                    f"not ready: {self.cluster.unready()}; {self.cluster.trouble}"
                )

    def _settle(self) -> None:
        """Wait until the books agree: what the venue knows takes a moment to arrive."""
        deadline = time.monotonic() + SETTLE_WITHIN_S
        while time.monotonic() < deadline:
            if compare(self.database, self.cluster.platform.registry).ok:
                return
            self.cluster.tick()
            time.sleep(0.1)
