"""The venue inside the platform: bars come from the streams, and each step's watermark follows its commit."""

import threading
import time
from collections.abc import Sequence

from google.protobuf.message import DecodeError

from ratchet.common import metrics
from ratchet.common.bus import Bus, Consumer, Received
from ratchet.common.codec import decode_bars
from ratchet.common.errors import DatabaseUnavailableError, StartupError
from ratchet.common.logging import get_logger
from ratchet.common.received import decode_entry
from ratchet.common.streams import WATERMARK, bars_stream
from ratchet.core.fx.routing import VENUE
from ratchet.core.market import BarBatch
from ratchet.paper_exchange.gather import GatheredStep, Gatherer
from ratchet.paper_exchange.oanda.venue import OandaVenue
from ratchet.paper_exchange.store import Place
from ratchet.paper_exchange.venue import PaperVenue
from ratchet.v1.control_pb2 import Watermark
from ratchet.v1.market_data_pb2 import BarBatch as BarBatchMessage

SERVICE = "paper-exchange"
_WAIT_S = 1.0
_PAGE = 1_000


class OtherRunError(StartupError):
    """The database holds the account of another run than the streams."""


class BarConsumer:
    """Feeds a venue from the bar streams, exactly once per step in effect.

    A step is committed (when it changed anything), then announced and acknowledged in one transaction of
    Redis. After a crash in between, its entries come again: a committed step is only announced anew.
    """

    def __init__(
        self,
        bus: Bus,
        venue: PaperVenue,
        universes: Sequence[str],
        instance: str,
        oanda: OandaVenue | None = None,
    ) -> None:
        self._bus = bus
        self._venue = venue
        self._oanda = oanda
        self._streams = [bars_stream(universe) for universe in universes]
        self._instance = instance
        self._gatherer = Gatherer()
        self._log = get_logger("bars")

    def last_announced(self) -> Place | None:
        """Return the place that the last watermark tells, which steps without changes reached."""
        newest = "+"
        while page := self._page_of_marks(newest):
            for entry in page:
                mark = entry.parse(Watermark)
                if mark.service == SERVICE:
                    return Place(mark.seq, mark.ts_ns, mark.trade_updates)
            newest = f"({page[-1].entry_id}"
        return None

    def run(self, stop: threading.Event) -> None:
        """Consume until stopped."""
        consumer = self._bus.consumer(SERVICE, self._streams, name=self._instance)
        while not stop.is_set():
            for received in consumer.read(block_ms=1_000):
                batch = self._decode(consumer, received)
                if batch is not None:
                    self._take(consumer, batch, received, stop)

    def _page_of_marks(self, newest: str) -> list[Received]:
        reply = self._bus.retrying(lambda: self._bus.redis.xrevrange(WATERMARK, max=newest, count=_PAGE))
        return [decode_entry(WATERMARK, *entry) for entry in reply or []]

    def _decode(self, consumer: Consumer, received: Received) -> BarBatch | None:
        try:
            batch = decode_bars(received.parse(BarBatchMessage))
        except (DecodeError, ValueError) as error:
            consumer.dead(received, f"not a bar batch: {error}")
            return None
        if len(batch) and int(batch.asset_ids.max()) >= len(self._venue.registry):
            consumer.dead(received, f"asset id {int(batch.asset_ids.max())} is not in the registry")
            return None
        return batch

    def _take(self, consumer: Consumer, batch: BarBatch, received: Received, stop: threading.Event) -> None:
        if not batch.step.seq:
            self._handle(
                consumer, GatheredStep(0, (batch.universe,), {batch.universe: batch}, [received]), stop
            )
            return
        self._gatherer.add(batch, received)
        while step := self._gatherer.take(self._venue.place.step_seq):
            if not self._handle(consumer, step, stop):
                return

    def _handle(self, consumer: Consumer, step: GatheredStep, stop: threading.Event) -> bool:
        """Match, commit, announce and acknowledge one step; return False if stopped before."""
        started = time.perf_counter()
        batches = step.ordered()
        ts = batches[0].ts
        with step.received[0].span("paper_exchange.step"):
            mark = self._match(step.seq, batches, stop)
            if mark is None:
                return False
            if step.seq:
                self._bus.publish_many([(WATERMARK, mark, ts)], ack=(consumer, step.received))
            else:
                consumer.ack(*step.received)
        metrics.STEP_SECONDS.observe(time.perf_counter() - started)
        metrics.EVENT_TIME_SECONDS.set(ts / 1e9)
        return True

    def _match(self, seq: int, batches: Sequence[BarBatch], stop: threading.Event) -> Watermark | None:
        """Match and commit a step; return its watermark, None if stopped before."""
        while not stop.is_set():
            try:
                with self._venue.exchange():
                    self._require_same_run(seq, batches[0].ts)
                    # First, so that a step which the venue below has committed is one that both have.
                    if self._oanda is not None:
                        self._oanda.step(batches, seq, _WAIT_S)
                    if seq:
                        self._venue.step_once(batches, seq, _WAIT_S)
                    else:
                        self._venue.step(batches, seq, _WAIT_S)
                    return self._mark(seq, batches[0].ts)
            except DatabaseUnavailableError as error:
                self._log.warning("step_waits_for_database", seq=seq, reason=str(error))
                self._bus.on_activity()
                stop.wait(0.2)
        return None

    def _mark(self, seq: int, ts: int) -> Watermark:
        total = self._venue.place.trade_updates
        mark = Watermark(service=SERVICE, seq=seq, ts_ns=ts, trade_updates=total)
        mark.activities_ts_ns = self._venue.activities_ts
        if self._oanda is not None:
            own = self._oanda.own
            mark.venue_updates[VENUE] = own.last_id
            mark.activities_ts_ns = max(mark.activities_ts_ns, own.activities_ts)
        return mark

    def _require_same_run(self, seq: int, ts: int) -> None:
        place = self._venue.place
        if 0 < seq <= place.step_seq and ts > place.clock:
            raise OtherRunError(
                f"step {seq} of the stream is at {ts} ns, but the account in the database has passed step "
                f"{place.step_seq} at {place.clock} ns: the database belongs to another run"
            )
