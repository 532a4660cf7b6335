"""The market data of one market as messages: made from each step's bars, once for all clients."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ratchet.core.assets import Asset
from ratchet.core.market import BarBatch
from ratchet.core.timeframes import timeframe_ns
from ratchet.paper_exchange.bars.history import make_bars, stamp
from ratchet.paper_exchange.bars.query import MarketData
from ratchet.paper_exchange.streams.hub import Hub, Message
from ratchet.paper_exchange.wire.assets import TRADED_CLASSES, Listing, is_crypto
from ratchet.paper_exchange.wire.bars import bar_json, book_json, quote_json, trade_json

STOCK_CHANNELS = ("trades", "quotes", "bars", "updatedBars", "dailyBars", "statuses", "lulds")
CRYPTO_CHANNELS = ("trades", "quotes", "bars", "updatedBars", "dailyBars", "orderbooks")


class Source(Protocol):
    """What a client of a market data stream is served from."""

    @property
    def hub(self) -> Hub:
        """Who listens."""

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels that clients may subscribe to."""

    def books(self, symbols: Sequence[str]) -> list[Message]:
        """Return the order books of some symbols as they stand."""


@dataclass(frozen=True, slots=True)
class Feed:
    """Stocks or crypto: who listens, and what there is to hear."""

    hub: Hub
    listing: Listing
    data: MarketData
    half_spread: Callable[[Asset], float]
    crypto: bool

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels that clients may subscribe to."""
        return CRYPTO_CHANNELS if self.crypto else STOCK_CHANNELS

    def publish(self, batches: Iterable[BarBatch]) -> None:
        """Send a step's messages, if anyone listens; the clock has passed the step already."""
        if not self.hub.has_subscribers:
            return
        for batch in batches:
            messages = self._messages(batch)
            if messages:
                self.hub.publish(messages)

    def books(self, symbols: Sequence[str]) -> list[Message]:
        """Return the order books of some symbols (`*` for all) as they stand."""
        assets = self.listing.assets if "*" in symbols else [self.listing.find(name) for name in symbols]
        messages = []
        for asset in assets:
            if asset is not None and is_crypto(asset) == self.crypto:
                book = self.data.latest(asset, "orderbooks")
                if book is not None:
                    messages.append({"T": "o", "S": asset.symbol, **book, "r": True})
        return messages

    def _messages(self, batch: BarBatch) -> list[Message]:
        messages: list[Message] = []
        starts = np.array([batch.start or batch.ts - timeframe_ns(batch.timeframe)])
        starts, ends = stamp(starts, batch.timeframe, self.crypto), np.array([batch.ts])
        columns = np.stack([batch.open, batch.high, batch.low, batch.close, batch.volume])
        for row, asset_id in enumerate(batch.asset_ids.tolist()):
            asset = self.listing.registry[asset_id]
            if asset.asset_class not in TRADED_CLASSES or is_crypto(asset) != self.crypto:
                continue
            bars = make_bars(starts, ends, columns[:, row : row + 1])
            close, spread, symbol = float(batch.close[row]), self.half_spread(asset), asset.symbol
            messages.append({"T": "b", "S": symbol, **bar_json(bars, 0, self.crypto)})
            messages.append({"T": "q", "S": symbol, **quote_json(batch.ts, close, spread, self.crypto)})
            messages.append({"T": "t", "S": symbol, **trade_json(batch.ts, close, self.crypto)})
            messages.extend(self._costly(asset, batch.ts, close, spread))
        return messages

    def _costly(self, asset: Asset, ts: int, close: float, spread: float) -> list[Message]:
        """Return the messages that are made only for someone who wants them."""
        messages: list[Message] = []
        if self.hub.wants({"T": "d", "S": asset.symbol}):
            bar = self.data.day(asset)
            if bar is not None:
                messages.append({"T": "d", "S": asset.symbol, **bar})
        if self.crypto and self.hub.wants({"T": "o", "S": asset.symbol}):
            messages.append({"T": "o", "S": asset.symbol, **book_json(ts, close, spread), "r": True})
        return messages
