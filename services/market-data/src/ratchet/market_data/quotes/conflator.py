"""Keeps the newest quote of each asset until it is told: however many come, one is."""

import threading
from collections.abc import Collection, Iterable, Mapping

import numpy as np

from ratchet.common import metrics
from ratchet.core.assets import Registry
from ratchet.core.market import QuoteBatch
from ratchet.core.market.quote_checks import is_believable
from ratchet.market_data.quotes.source import Quote


class Conflator:
    """Takes quotes from the sources' threads; `drain` gives out what has changed, a batch a universe."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._lock = threading.Lock()
        self._newest: dict[int, Quote] = {}
        self._changed: set[int] = set()

    def put(self, quote: Quote) -> None:
        """Take a quote; one that cannot be believed, or is older than what is known, changes nothing."""
        universe = self._registry[quote.asset_id].universe
        if not is_believable(np.array([quote.bid]), np.array([quote.ask]))[0]:
            metrics.QUOTES_TOTAL.labels(universe, "refused").inc()
            return
        metrics.QUOTES_TOTAL.labels(universe, "taken").inc()
        with self._lock:
            known = self._newest.get(quote.asset_id)
            if known is None or quote.ts >= known.ts:
                self._newest[quote.asset_id] = quote
                self._changed.add(quote.asset_id)

    def keep_only(self, asset_ids: Collection[int]) -> None:
        """Say of every other asset that it is no longer quoted, once."""
        with self._lock:
            for asset_id, quote in self._newest.items():
                if asset_id not in asset_ids and (quote.bid or quote.ask):
                    self._newest[asset_id] = Quote(asset_id, quote.ts, 0.0, 0.0)
                    self._changed.add(asset_id)

    def drain(self) -> list[QuoteBatch]:
        """Return what has changed since the last time."""
        with self._lock:
            changed = [self._newest[asset_id] for asset_id in sorted(self._changed)]
            self._changed.clear()
        by_universe: dict[str, list[Quote]] = {}
        for quote in changed:
            by_universe.setdefault(self._registry[quote.asset_id].universe, []).append(quote)
        return [_batch(universe, quotes) for universe, quotes in by_universe.items()]

    def newest(self) -> Mapping[str, int]:
        """Return the event time of the newest quote of each universe."""
        with self._lock:
            found: dict[str, int] = {}
            for quote in self._newest.values():
                universe = self._registry[quote.asset_id].universe
                found[universe] = max(found.get(universe, 0), quote.ts)
        return found


def _batch(universe: str, quotes: Iterable[Quote]) -> QuoteBatch:
    ids, times, bid, ask, bid_size, ask_size = zip(*quotes, strict=True)
    return QuoteBatch(
        universe,
        max(times),
        np.array(ids, np.uint32),
        np.array(bid),
        np.array(ask),
        np.array(bid_size),
        np.array(ask_size),
        times=np.array(times, np.int64),
    )
