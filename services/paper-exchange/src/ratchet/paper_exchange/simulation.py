"""A dataset played by hand: the clock stands until it is advanced."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass

from ratchet.common.datasets import Replay
from ratchet.core.market import BarBatch
from ratchet.paper_exchange.oanda.venue import OandaVenue
from ratchet.paper_exchange.venue import PaperVenue

# So often a long advance lets slow listeners catch up.
_BREATHE_EVERY = 50


@dataclass(frozen=True, slots=True)
class Moved:
    """What an advance did."""

    steps: int
    fills: int


class Simulation:
    """Moves a venue's clock over a dataset; safe for threads."""

    def __init__(self, venue: PaperVenue, replay: Replay, *, oanda: OandaVenue | None = None) -> None:
        """`oanda` moves with the venue: each step first, so that the venue's durable place is never ahead."""
        self._venue = venue
        self._oanda = oanda
        self._replay = replay
        self._steps: Iterator[tuple[BarBatch, ...]] = iter(replay)
        self._next: tuple[BarBatch, ...] | None = None
        self._guard = threading.Lock()

    @property
    def total_steps(self) -> int:
        """Number of steps in the dataset."""
        return self._replay.steps

    @property
    def next_ts(self) -> int | None:
        """Event time of the next bars (ns, UTC), None at the end."""
        return self._next[0].ts if self._next else None

    @property
    def is_done(self) -> bool:
        """Whether no bars are left."""
        return self._next is None

    def start(self) -> None:
        """Go on where the account stands; a new one stands at the end of the first bar."""
        with self._guard:
            place = self._venue.reload()
            if self._oanda is not None:
                self._oanda.start(place.step_seq, place.clock)
            self._load_next()
            while self._next is not None and self._next[0].step.seq <= place.step_seq:
                self._load_next()
            # After a crash other accounts may have committed the step that this one has not.
            furthest = max(venue.place.step_seq for venue in self._venue.accounts.all())
            while self._next is not None and self._next[0].step.seq <= max(furthest, 1):
                self._step()

    def advance(self, to: int | None, steps: int | None) -> Moved:
        """Match the bars up to a time (ns, UTC), or some steps; the clock ends there or at the last bar."""
        done = fills = 0
        with self._guard:
            while self._next is not None and self._is_due(to, steps, done):
                fills += self._step()
                done += 1
                if done % _BREATHE_EVERY == 0:
                    self._wait_for_listeners()
            self._set_clock(min(to, self._replay.last_ts) if to is not None else self._venue.now)
        return Moved(done, fills)

    def _is_due(self, to: int | None, steps: int | None, done: int) -> bool:
        if to is not None:
            return self._next is not None and self._next[0].ts <= to
        return steps is not None and done < steps

    def _step(self) -> int:
        """Match the next bars; when that fails they stay next."""
        batches = self._next
        if batches is None:
            return 0
        fills = 0
        if self._oanda is not None:
            fills = self._oanda.step_once(batches, batches[0].step.seq)
        events = self._venue.step_once(batches, batches[0].step.seq)
        self._load_next()
        return fills + sum(event.is_execution for event in events)

    def _set_clock(self, clock: int) -> None:
        if self._oanda is not None:
            self._oanda.set_clock(clock)
        self._venue.set_clock(clock)

    def _wait_for_listeners(self) -> None:
        self._venue.wait_for_listeners()
        if self._oanda is not None:
            self._oanda.wait_for_listeners()

    def _load_next(self) -> None:
        self._next = next(self._steps, None)
