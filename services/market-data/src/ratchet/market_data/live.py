"""Live market data: minute bars of every source, put together, judged, stored and published."""

import queue
import threading
import time
from collections.abc import Callable, Sequence

from ratchet.common.bus import Bus
from ratchet.common.logging import get_logger
from ratchet.common.timestamps import to_datetime
from ratchet.core.assets import Asset
from ratchet.core.market import BarBatch
from ratchet.core.sessions import get_calendar
from ratchet.core.timeframes import timeframe_ns
from ratchet.market_data.assembler import Assembler
from ratchet.market_data.publisher import LivePublisher
from ratchet.market_data.settings import MINUTE_NS, LiveSettings
from ratchet.market_data.source import (
    LiveSource,
    MinuteBar,
    SourceRefusedError,
    SourceUnavailableError,
)

_NS = 1_000_000_000
_DAY_NS = 86_400 * _NS
_TICK_S = 1.0
_FIRST_RETRY_S, _LAST_RETRY_S = 1.0, 60.0
_EVENTS_AT_ONCE = 1_000
_MAX_QUEUED = 200_000

Event = tuple["_Market", MinuteBar | None]


class _Market:
    """One source and what of it is left to fetch."""

    def __init__(self, source: LiveSource, assemblers: Sequence[Assembler]) -> None:
        self.source = source
        self.assemblers = tuple(assemblers)
        self.by_asset = {asset.id: assembler for assembler in assemblers for asset in assembler.assets}
        # Monotonic time of the next attempt to fetch what was missed; None when nothing was.
        self.fetch_at: float | None = None
        self.retry_s = _FIRST_RETRY_S
        self.held: list[MinuteBar] = []
        self.trouble: str | None = None


class LiveFeed:
    """Publishes the bars of every universe of the sources at its decision timeframe.

    After each connect what was missed is fetched by REST, from the newest published bar on; bars of the
    stream wait meanwhile. Where nothing was published yet, bars are fetched into the database only, for the
    engines to warm up on. What cannot be fetched is asked for again, and `trouble` says so.
    """

    def __init__(
        self,
        bus: Bus,
        publisher: LivePublisher,
        sources: Sequence[LiveSource],
        settings: LiveSettings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bus = bus
        self._publisher = publisher
        self._timeframe = settings.live_timeframe
        self._backfill_bars = settings.live_backfill_bars
        self._grace_ns = int(settings.live_grace_seconds * _NS)
        self._clock = clock
        self._queue: queue.Queue[Event] = queue.Queue(_MAX_QUEUED)
        self._markets = [_Market(source, self._assemblers(source.assets)) for source in sources]
        self._history_to: dict[str, int] = {}
        self._log = get_logger(__name__)

    def run(self, stop: threading.Event) -> None:
        """Work until stopped."""
        for assembler in self._all_assemblers():
            assembler.completed_to = self._publisher.resume(assembler.assets, self._timeframe)
        for market in self._markets:
            market.source.start(self._deliver_to(market))
        try:
            while not stop.is_set():
                self._take_events()
                for market in self._markets:
                    if market.fetch_at is not None and self._clock() >= market.fetch_at:
                        self._fetch(market)
                for assembler in self._all_assemblers():
                    self._give_out(assembler, assembler.due(self._now_ns()))
                self._publisher.observe_age()
                self._bus.on_activity()
        finally:
            for market in self._markets:
                market.source.stop()

    def trouble(self) -> str | None:
        """Return why some bars do not come, or None."""
        reasons = [reason for market in self._markets for reason in (market.source.trouble(), market.trouble)]
        return "; ".join(reason for reason in reasons if reason) or None

    def progress(self) -> dict[str, object]:
        """Return the newest event time of each universe."""
        return {
            assembler.universe: to_datetime(assembler.completed_to).isoformat()
            for assembler in self._all_assemblers()
        }

    def _deliver_to(self, market: _Market) -> Callable[[MinuteBar | None], None]:
        def deliver(bar: MinuteBar | None) -> None:
            try:
                self._queue.put_nowait((market, bar))
            except queue.Full:
                # What does not fit is fetched once there is room.
                market.fetch_at = self._clock()

        return deliver

    def _take_events(self) -> None:
        try:
            self._take(self._queue.get(timeout=self._patience_s()))
            for _ in range(_EVENTS_AT_ONCE):
                self._take(self._queue.get_nowait())
        except queue.Empty:
            return

    def _patience_s(self) -> float:
        times = [due / _NS for assembler in self._all_assemblers() if (due := assembler.due_at()) is not None]
        times += [market.fetch_at for market in self._markets if market.fetch_at is not None]
        soonest = min(times, default=float("inf")) - self._clock()
        return max(0.001, min(_TICK_S, soonest))

    def _take(self, event: Event) -> None:
        market, bar = event
        if bar is None:
            market.fetch_at, market.retry_s = self._clock(), _FIRST_RETRY_S
        elif market.fetch_at is None:
            self._add(market, bar)
        elif len(market.held) < _MAX_QUEUED:
            market.held.append(bar)

    def _add(self, market: _Market, bar: MinuteBar) -> None:
        if not market.by_asset[bar.asset_id].add(bar, self._now_ns()):
            self._publisher.refuse_late(bar)

    def _fetch(self, market: _Market) -> None:
        try:
            newest = max(market.source.newest(), 0)
            for assembler in market.assemblers:
                self._fetch_universe(market, assembler, newest)
        except (SourceUnavailableError, SourceRefusedError) as error:
            market.trouble = str(error)
            market.fetch_at = self._clock() + market.retry_s
            self._log.warning("backfill_failed", reason=str(error), retry_in_s=market.retry_s)
            market.retry_s = min(market.retry_s * 2, _LAST_RETRY_S)
            return
        market.trouble, market.fetch_at = None, None
        held, market.held = market.held, []
        for bar in held:
            self._add(market, bar)

    def _fetch_universe(self, market: _Market, assembler: Assembler, newest: int) -> None:
        oldest = newest - _lookback_ns(assembler.assets, self._timeframe, self._backfill_bars)
        if not assembler.completed_to:
            # The first time, what has ended by now is history to warm up on, not something to decide on.
            self._history_to[assembler.universe] = newest + MINUTE_NS
        bars = market.source.history(assembler.assets, max(assembler.completed_to, oldest, 0))
        batches: list[BarBatch] = []
        for bar in bars:
            self._add(market, bar)
            batches += assembler.due(self._now_ns())
        self._give_out(assembler, batches)
        self._log.info("backfilled", universe=assembler.universe, minutes=len(bars), batches=len(batches))

    def _give_out(self, assembler: Assembler, batches: Sequence[BarBatch]) -> None:
        self._publisher.give_out(batches, publish_after=self._history_to.get(assembler.universe, 0))

    def _assemblers(self, assets: Sequence[Asset]) -> list[Assembler]:
        universes = dict.fromkeys(asset.universe for asset in assets)
        return [
            Assembler(
                [asset for asset in assets if asset.universe == universe], self._timeframe, self._grace_ns
            )
            for universe in universes
        ]

    def _all_assemblers(self) -> list[Assembler]:
        return [assembler for market in self._markets for assembler in market.assemblers]

    def _now_ns(self) -> int:
        return int(self._clock() * _NS)


def _lookback_ns(assets: Sequence[Asset], timeframe: str, bars: int) -> int:
    """Return a span of time in which so many bars lie, by the sessions of the first asset's calendar."""
    span = bars * timeframe_ns(timeframe)
    open_ns = get_calendar(assets[0].calendar).day_open_ns
    if open_ns >= _DAY_NS:
        return span
    # Five sessions a week, and a long weekend.
    return span * 7 * _DAY_NS // (5 * open_ns) + 4 * _DAY_NS
