"""Answers of the data API: bars, quotes and trades of several symbols, in pages."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ratchet.core.assets import Asset
from ratchet.paper_exchange.bars.history import BarHistory, Bars
from ratchet.paper_exchange.bars.paging import Rows
from ratchet.paper_exchange.bars.timeframes import BarSpec, aggregate
from ratchet.paper_exchange.errors import InvalidError
from ratchet.paper_exchange.wire.assets import is_crypto
from ratchet.paper_exchange.wire.bars import bar_json, book_json, quote_json, trade_json

NS_PER_DAY = 86_400_000_000_000
_LONGEST_SPAN = 366 * NS_PER_DAY
_SNAPSHOT_SPAN = 14 * NS_PER_DAY
_DAILY = BarSpec(1, "Day")

HalfSpread = Callable[[Asset], float]


@dataclass(frozen=True, slots=True)
class Window:
    """The asked interval (both ends included, ns UTC) and the order of the rows."""

    start: int
    end: int
    descending: bool = False

    def after(self, last: int | None) -> "Window":
        """Return what is left after the row at time `last`."""
        if last is None:
            return self
        if self.descending:
            return Window(self.start, min(self.end, last - 1), True)
        return Window(max(self.start, last + 1), self.end)


class MarketData:
    """The data API's queries over one history."""

    def __init__(self, history: BarHistory, half_spread: HalfSpread) -> None:
        self.history = history
        self._half_spread = half_spread

    def bars(self, asset: Asset, spec: BarSpec, window: Window, limit: int) -> Rows:
        """Return up to `limit` bars whose start lies in the window."""
        base = self.history.timeframe(asset.id)
        if base is None:
            return []
        if not spec.can_be_built_from(base):
            raise InvalidError(
                f"timeframe {spec.amount}{spec.unit} cannot be built from {asset.symbol}'s bars of {base}; "
                "allowed: a multiple of that"
            )
        crypto = is_crypto(asset)
        bars = _ordered(self._aggregated(asset, spec, window, crypto), window, limit)
        return [bar_json(bars, row, crypto) for row in range(len(bars))]

    def _aggregated(self, asset: Asset, spec: BarSpec, window: Window, crypto: bool) -> Bars:
        if window.end < window.start:
            return self.history.load(asset.id, 1, 0)
        first = spec.floor(window.start, crypto)
        longer = aggregate(self.history.load(asset.id, first, window.end + _LONGEST_SPAN), spec, crypto)
        return longer.take((longer.starts >= window.start) & (longer.starts <= window.end))

    def quotes(self, asset: Asset, window: Window, limit: int) -> Rows:
        """Return up to `limit` quotes, one per bar at its end."""
        bars = self._ended_within(asset, window, limit)
        return [self._quote(asset, bars, row) for row in range(len(bars))]

    def trades(self, asset: Asset, window: Window, limit: int) -> Rows:
        """Return up to `limit` trades, one per bar at its end."""
        bars = self._ended_within(asset, window, limit)
        return [self._trade(asset, bars, row) for row in range(len(bars))]

    def latest(self, asset: Asset, kind: str) -> dict[str, Any] | None:
        """Return the last bar, quote, trade or book (kind: bars, quotes, trades, orderbooks), if any."""
        bars = self.history.last(asset.id)
        if not len(bars):
            return None
        if kind == "bars":
            return bar_json(bars, 0, is_crypto(asset))
        if kind == "orderbooks":
            return book_json(int(bars.ends[0]), float(bars.close[0]), self._half_spread(asset))
        return self._quote(asset, bars, 0) if kind == "quotes" else self._trade(asset, bars, 0)

    def day(self, asset: Asset) -> dict[str, Any] | None:
        """Return the bar of the day so far; None before the first bar."""
        last = self.history.last(asset.id)
        if not len(last):
            return None
        crypto, start = is_crypto(asset), int(last.starts[0])
        days = aggregate(self.history.load(asset.id, _DAILY.floor(start, crypto), start), _DAILY, crypto)
        return bar_json(days, len(days) - 1, crypto)

    def snapshot(self, asset: Asset) -> dict[str, Any] | None:
        """Return the latest trade, quote and bar, and the bars of this day and the one before."""
        last = self.history.last(asset.id)
        if not len(last):
            return None
        crypto = is_crypto(asset)
        recent = self.history.load(asset.id, int(last.starts[0]) - _SNAPSHOT_SPAN, int(last.starts[0]))
        days = aggregate(recent, _DAILY, crypto)
        return {
            "latestTrade": self._trade(asset, last, 0),
            "latestQuote": self._quote(asset, last, 0),
            "minuteBar": bar_json(last, 0, crypto),
            "dailyBar": bar_json(days, len(days) - 1, crypto),
            "prevDailyBar": bar_json(days, max(len(days) - 2, 0), crypto),
        }

    def _ended_within(self, asset: Asset, window: Window, limit: int) -> Bars:
        bars = self.history.load(asset.id, window.start - _LONGEST_SPAN, window.end)
        inside = bars.take((bars.ends >= window.start) & (bars.ends <= window.end))
        return _ordered(inside, window, limit)

    def _quote(self, asset: Asset, bars: Bars, row: int) -> dict[str, Any]:
        close = float(bars.close[row])
        return quote_json(int(bars.ends[row]), close, self._half_spread(asset), is_crypto(asset))

    def _trade(self, asset: Asset, bars: Bars, row: int) -> dict[str, Any]:
        return trade_json(int(bars.ends[row]), float(bars.close[row]), is_crypto(asset))


def _ordered(bars: Bars, window: Window, limit: int) -> Bars:
    ordered = bars.take(slice(None, None, -1)) if window.descending else bars
    return ordered.take(slice(limit))
