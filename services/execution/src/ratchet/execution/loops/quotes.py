"""Live bids and asks on their way from their streams to the loop, which never waits for them.

A thread of its own reads; of what came between two looks of the loop, the newest of each asset is left. The
loop is not woken: what is priced by them acts by the second, and an order must not stand behind them.
"""

import threading
from collections.abc import Iterable
from functools import partial

import numpy as np
from google.protobuf.message import DecodeError

from ratchet.common.bus import Bus
from ratchet.common.codec import decode_quotes
from ratchet.common.errors import BusUnavailableError
from ratchet.common.logging import get_logger
from ratchet.common.received import Received, decode_entry
from ratchet.common.streams import quotes_stream
from ratchet.core.assets import Registry
from ratchet.core.market import QuoteBatch
from ratchet.core.trader import TradingSession
from ratchet.v1 import market_data_pb2

_log = get_logger("quotes")
_BLOCK_MS = 1_000
_LOOK_BACK = 20


class QuoteInbox:
    """Batches of quotes that no loop has taken yet; at most one row an asset. Any thread may use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[int, tuple[int, float, float, float, float]] = {}

    def put(self, batch: QuoteBatch) -> None:
        """Take a batch; later rows of an asset replace earlier ones."""
        columns = (batch.event_times, batch.bid, batch.ask, batch.bid_size, batch.ask_size)
        rows = dict(
            zip(batch.asset_ids.tolist(), zip(*(c.tolist() for c in columns), strict=True), strict=True)
        )
        with self._lock:
            for asset_id, row in rows.items():
                known = self._rows.get(asset_id)
                if known is None or row[0] >= known[0]:
                    self._rows[asset_id] = row

    def feed(self, session: TradingSession) -> None:
        """Let the session know what has come since the last time."""
        if not self._rows:
            return
        with self._lock:
            rows, self._rows = self._rows, {}
        ids = sorted(rows)
        times, bid, ask, bid_size, ask_size = zip(*(rows[i] for i in ids), strict=True)
        session.on_quotes(
            QuoteBatch(
                "",
                max(times),
                np.array(ids, np.uint32),
                np.array(bid),
                np.array(ask),
                np.array(bid_size),
                np.array(ask_size),
                times=np.array(times, np.int64),
            )
        )


class QuoteReader:
    """Reads the streams of every universe's quotes into the inbox; waits for a Redis that is away."""

    def __init__(self, bus: Bus, registry: Registry, inbox: QuoteInbox) -> None:
        self._bus = bus
        self._size = len(registry)
        self._inbox = inbox
        self._positions = {quotes_stream(universe): "0" for universe in registry.universes}

    def run(self, stop: threading.Event) -> None:
        """Read until stopped."""
        try:
            self._look_back()
            while not stop.is_set():
                self._read()
        except BusUnavailableError:
            return

    def _look_back(self) -> None:
        """Begin with the newest entries, which tell what an asset that is quiet stands at."""
        for stream in self._positions:
            newest = self._bus.retrying(partial(self._bus.redis.xrevrange, stream, count=_LOOK_BACK))
            self._take([decode_entry(stream, *entry) for entry in reversed(newest)])

    def _read(self) -> None:
        reply = self._bus.retrying(
            lambda: self._bus.redis.xread(dict(self._positions), count=1_000, block=_BLOCK_MS)
        )
        for raw_stream, entries in reply or []:
            self._take([decode_entry(raw_stream.decode(), *entry) for entry in entries])

    def _take(self, entries: Iterable[Received]) -> None:
        for entry in entries:
            self._positions[entry.stream] = entry.entry_id
            try:
                batch = decode_quotes(entry.parse(market_data_pb2.QuoteBatch))
            except (DecodeError, ValueError) as error:
                _log.warning("quotes unreadable", entry=entry.entry_id, reason=str(error))
                continue
            if int(batch.asset_ids.max(initial=0)) < self._size:
                self._inbox.put(batch)
            else:
                _log.warning("quotes of an asset that is not registered", entry=entry.entry_id)
