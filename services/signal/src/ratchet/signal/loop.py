"""The main loop: universes by lease, bars in, signals out."""

import threading
from collections.abc import Callable, Sequence

from google.protobuf.message import DecodeError

from ratchet.common import metrics
from ratchet.common.bus import Bus
from ratchet.common.codec import decode_bars, encode_signals
from ratchet.common.consumer import Consumer
from ratchet.common.errors import BusUnavailableError
from ratchet.common.leases import RedisLease
from ratchet.common.logging import get_logger
from ratchet.common.received import Received
from ratchet.common.streams import BARS_PREFIX, DEAD, SIGNALS, bars_stream
from ratchet.core.market import BarBatch
from ratchet.core.signals import SignalBatch
from ratchet.signal.store import SignalStore
from ratchet.signal.worker import UniverseWorker
from ratchet.v1.market_data_pb2 import BarBatch as BarBatchMessage

GROUP = "signal"
LEASE_TTL_S = 10.0
# Signals are written when nothing has come for so long, or when so many batches wait.
_QUIET_MS = 20
_UNWRITTEN_BATCHES = 16


class SignalLoop:
    """Computes the universes whose leases this instance holds, each with its own engine."""

    def __init__(
        self,
        bus: Bus,
        store: SignalStore,
        universes: Sequence[str],
        make_worker: Callable[[str], UniverseWorker],
        instance: str,
        lease_ttl_s: float = LEASE_TTL_S,
        *,
        writes_later: bool = False,
    ) -> None:
        """With `writes_later` rows wait until orders that follow from signals are away."""
        self._bus = bus
        self._store = store
        self._make_worker = make_worker
        self._instance = instance
        self._lease_ttl_s = lease_ttl_s
        self._writes_later = writes_later
        # Published, but neither written nor acknowledged.
        self._unwritten: list[tuple[Received, SignalBatch]] = []
        self._leases = {
            universe: RedisLease(bus.redis, f"signal:{universe}", instance, lease_ttl_s)
            for universe in universes
        }
        self._held: frozenset[str] = frozenset()
        self._workers: dict[str, UniverseWorker] = {}
        self._consumer: Consumer | None = None
        self._refused: dict[str, str] = {}
        self._log = get_logger(__name__)

    def run(self, stop: threading.Event) -> None:
        """Work until stopped, then give the leases up."""
        self._acquire()
        while not stop.is_set():
            self._follow_leases()
            if self._consumer is None:
                self._bus.on_activity()
                stop.wait(self._lease_ttl_s / 4)
                continue
            block_ms = _QUIET_MS if self._unwritten else 1_000
            entries = self._consumer.read(block_ms=block_ms)
            for received in sorted(entries, key=lambda entry: entry.ts):
                self._handle(self._consumer, received)
            if not entries or not self._writes_later or len(self._unwritten) >= _UNWRITTEN_BATCHES:
                self._write()
        self._write()
        for worker in self._workers.values():
            worker.finish_checkpoint()
        for universe in self._held:
            self._leases[universe].release()

    def keep_leases(self, stop: threading.Event) -> None:
        """Acquire and renew in the background, so that a long computation does not lose a lease."""
        while not stop.wait(self._lease_ttl_s / 4):
            self._acquire()

    def trouble(self) -> str | None:
        """Return why universes stand still, or None.

        A batch that cannot be handled gets no answer, so a lock-step replay waits at its step for good; live,
        the next good batch clears it.
        """
        refused = dict(self._refused)
        return "; ".join(f"{universe}: {reason}" for universe, reason in sorted(refused.items())) or None

    def _acquire(self) -> None:
        try:
            self._held = frozenset(name for name, lease in self._leases.items() if lease.acquire())
        except BusUnavailableError as error:
            # Nobody can take a lease or read a bar now; whether ours are left shows afterwards.
            self._log.warning("leases_unavailable", reason=str(error))
        for universe in self._leases:
            metrics.LEASES_HELD.labels(universe).set(universe in self._held)

    def _follow_leases(self) -> None:
        held = self._held
        if held == self._workers.keys():
            return
        self._write()
        self._workers = {
            universe: self._workers.get(universe) or self._make_worker(universe) for universe in held
        }
        if self._consumer is not None:
            self._consumer.close()
        streams = [bars_stream(universe) for universe in sorted(held)]
        self._consumer = (
            self._bus.consumer(GROUP, streams, name=self._instance, dead_after_s=self._lease_ttl_s)
            if streams
            else None
        )
        self._log.info("universes_held", universes=sorted(held))

    def _handle(self, consumer: Consumer, received: Received) -> None:
        universe = received.stream.removeprefix(BARS_PREFIX)
        worker = self._workers[universe]
        with received.span("signal.step"):
            try:
                batch = _decode(received, universe)
                signals = worker.handle(batch)
            except (DecodeError, ValueError) as error:
                self._refuse(consumer, received, universe, str(error))
                return
            if signals is None:
                consumer.ack(received)
                return
            self._give_out(consumer, received, signals)
        self._refused.pop(universe, None)
        metrics.EVENT_TIME_SECONDS.set(batch.ts / 1e9)
        worker.checkpoint(batch, first=self._write)

    def _give_out(self, consumer: Consumer, received: Received, signals: SignalBatch) -> None:
        """Publish first, since orders wait for it; what was not written comes again after a crash."""
        message = encode_signals(signals)
        # Batches are acknowledged in their order, so that after a crash none is missing between two.
        if not signals.signals and not self._unwritten:
            self._bus.publish_many([(SIGNALS, message, signals.ts)], ack=(consumer, [received]))
            return
        self._bus.publish(SIGNALS, message, ts=signals.ts)
        self._unwritten.append((received, signals))

    def _write(self) -> None:
        """Write what is published, and acknowledge the bars that it was computed from."""
        if self._unwritten and self._consumer is not None:
            self._store.save([signals for _, signals in self._unwritten])
            self._consumer.ack(*(received for received, _ in self._unwritten))
            self._unwritten.clear()

    def _refuse(self, consumer: Consumer, received: Received, universe: str, reason: str) -> None:
        self._refused[universe] = f"batch {received.entry_id} is in {DEAD}: {reason}"
        consumer.dead(received, reason)


def _decode(received: Received, universe: str) -> BarBatch:
    batch = decode_bars(received.parse(BarBatchMessage))
    if batch.universe != universe:
        raise ValueError(f"not a bar batch of universe {universe!r}, but of {batch.universe!r}")
    return batch
