"""Tells the newest bids and asks of the assets that matter, a few times a second."""

import threading
import time
from collections.abc import Callable, Sequence

from google.protobuf.message import DecodeError

from ratchet.common import metrics
from ratchet.common.bus import Bus
from ratchet.common.codec import encode_quotes
from ratchet.common.logging import get_logger
from ratchet.common.received import Received
from ratchet.common.streams import PORTFOLIO, SIGNALS, quotes_stream
from ratchet.core.assets import Registry
from ratchet.market_data.quotes.conflator import Conflator
from ratchet.market_data.quotes.interest import Interest
from ratchet.market_data.quotes.source import QuoteSource
from ratchet.market_data.settings import LiveSettings
from ratchet.v1 import orders_pb2, signals_pb2

_log = get_logger(__name__)
_LOOK_EVERY_S = 0.5


class QuoteFeed:
    """Subscribes the sources by what portfolios hold and signals name, and publishes what they tell.

    Between two messages an asset's quotes are conflated to the newest. `clock` gives Unix seconds.
    """

    def __init__(
        self,
        bus: Bus,
        registry: Registry,
        sources: Sequence[QuoteSource],
        settings: LiveSettings,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._bus = bus
        self._sources = tuple(sources)
        self._room = settings.live_quote_symbols
        self._every_s = settings.live_quote_interval_ms / 1_000
        self._clock = clock
        self._interest = Interest()
        self._quotes = Conflator(registry)
        self._positions = {PORTFOLIO: "0", SIGNALS: "0"}
        self._troubles: dict[str, str | None] = {}

    def run(self, stop: threading.Event) -> None:
        """Work until stopped."""
        for source in self._sources:
            source.start(self._quotes.put)
        next_look = 0.0
        try:
            while not stop.is_set():
                if time.monotonic() >= next_look:
                    next_look = time.monotonic() + _LOOK_EVERY_S
                    self._look()
                self._publish()
                stop.wait(self._every_s)
        finally:
            for source in self._sources:
                source.stop()

    def trouble(self) -> str | None:
        """Return why some quotes do not come, or None."""
        return "; ".join(reason for reason in self._troubles.values() if reason) or None

    def _look(self) -> None:
        """Read what is held, worked and signalled, and subscribe accordingly."""
        for stream in self._positions:
            self._read(stream)
        wanted: set[int] = set()
        for source in self._sources:
            chosen = self._interest.choose(source.assets, self._room)
            wanted.update(asset.id for asset in chosen)
            source.want(chosen)
            self._note_state(source, len(chosen))
        self._quotes.keep_only(wanted)
        for universe, newest in self._quotes.newest().items():
            metrics.QUOTE_AGE_SECONDS.labels(universe).set(max(0.0, self._clock() - newest / 1e9))

    def _note_state(self, source: QuoteSource, wanted: int) -> None:
        trouble = source.trouble()
        if trouble != self._troubles.get(source.name):
            _log.warning("quotes", source=source.name, reason=trouble or "they come")
        self._troubles[source.name] = trouble
        metrics.QUOTE_SYMBOLS.labels(source.name).set(wanted)
        metrics.QUOTE_SOURCE_UP.labels(source.name).set(trouble is None)

    def _read(self, stream: str) -> None:
        """Take what is new in a stream; of its past only the newest entry is asked for."""
        if self._positions[stream] == "0":
            last = self._bus.last(stream)
            entries = [last] if last else []
        else:
            entries = self._bus.tail(stream, self._positions[stream])
        for entry in entries:
            self._positions[stream] = entry.entry_id
            try:
                self._take(entry)
            except (DecodeError, ValueError) as error:
                # Those that must handle it move it to the dead letters.
                _log.warning("entry unreadable", stream=stream, entry=entry.entry_id, reason=str(error))

    def _take(self, entry: Received) -> None:
        if entry.stream == SIGNALS:
            batch = entry.parse(signals_pb2.SignalBatch)
            self._interest.note_signals((signal.asset_id for signal in batch.signals), batch.ts_ns)
            return
        snapshot = entry.parse(orders_pb2.PortfolioSnapshot)
        needed = {row.asset_id for row in snapshot.positions}
        needed |= {order.asset_id for order in snapshot.open_orders}
        self._interest.note_portfolio(snapshot.portfolio, needed)

    def _publish(self) -> None:
        batches = self._quotes.drain()
        if batches:
            self._bus.publish_many(
                [(quotes_stream(batch.universe), encode_quotes(batch), batch.ts) for batch in batches]
            )
