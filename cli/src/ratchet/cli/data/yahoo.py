"""Stocks, ETFs, forex and futures through yfinance (Yahoo's public chart data: personal use, no warranty)."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from ratchet.cli.data.cache import Rows
from ratchet.cli.data.sources import NoSuchSymbolError, SourceError, SourceUnavailableError, Span

MAX_HOURLY_DAYS = 729
INTERVALS = {"1m": 7, "5m": 59, "15m": 59, "30m": 59, "1h": MAX_HOURLY_DAYS, "1d": None}
_ATTEMPTS = 3
_PAUSE_S = 2.0
_MS_PER_DAY = 86_400_000


class YahooSource:
    """Prices are adjusted for splits, not for dividends; the regular session only."""

    name = "yahoo"

    def __init__(
        self, cache_dir: Path, *, timeout_s: float = 10.0, pause_s: float = 0.4,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        """`pause_s` is kept between requests; Yahoo has no published limit but blocks the hasty."""
        import yfinance

        cache_dir.mkdir(parents=True, exist_ok=True)
        yfinance.set_tz_cache_location(str(cache_dir))
        yfinance.config.debug.hide_exceptions = False
        self._yfinance: Any = yfinance
        self._timeout_s, self._pause_s, self._sleep = timeout_s, pause_s, sleep

    def pages(self, symbol: str, timeframe: str, span: Span) -> Iterator[Rows]:
        """Yield the bars of a span, which Yahoo gives as one page; intraday history goes back so far only."""
        if timeframe not in INTERVALS:
            raise SourceError(f"{self.name} has no bars of {timeframe}; it has {', '.join(INTERVALS)}")
        days = INTERVALS[timeframe]
        since = span.since if days is None else max(span.since, span.until - days * _MS_PER_DAY)
        rows = self._history(yahoo_symbol(symbol), timeframe, since, span.until)
        rows = rows[(rows[:, 0] >= since) & (rows[:, 0] < span.until)]
        if len(rows):
            yield rows
        self._sleep(self._pause_s)

    def _history(self, ticker: str, timeframe: str, since: int, until: int) -> Rows:
        from yfinance.exceptions import YFException, YFRateLimitError

        for attempt in range(_ATTEMPTS):
            try:
                frame = self._yfinance.Ticker(ticker).history(
                    interval=timeframe, start=_moment(since), end=_moment(until), timeout=self._timeout_s,
                    auto_adjust=False, actions=False, prepost=False,
                )  # fmt: skip
                return _rows(frame, timeframe)
            except YFRateLimitError:
                if attempt == _ATTEMPTS - 1:
                    raise SourceUnavailableError(f"{self.name}: too many requests; try again later") from None
                self._sleep(_PAUSE_S * 2**attempt)
            except YFException as error:
                raise NoSuchSymbolError(f"{self.name}: {ticker}: {_short(error)}") from None
            except Exception as error:  # noqa: BLE001 - its HTTP layers raise unrelated types, all mean no answer
                raise SourceUnavailableError(f"{self.name}: {ticker}: {_short(error)}") from None
        raise SourceUnavailableError(f"{self.name}: no answer")


def yahoo_symbol(symbol: str) -> str:
    """Return Yahoo's spelling: GBPJPY=X for GBP/JPY, BTC-USD for BTC/USDT, NG=F for the commodities."""
    from ratchet.common.datasets.symbols import guess_class
    from ratchet.core.assets import AssetClass

    base, slash, quote = symbol.partition("/")
    if slash and guess_class(symbol) is AssetClass.CRYPTO:
        return f"{base}-{'USD' if quote.startswith('USD') else quote}"
    if slash:
        return f"{base}{quote}=X"
    return {"NG": "NG=F", "SI": "SI=F", "CL": "CL=F"}.get(symbol, symbol)


def _rows(frame: Any, timeframe: str) -> Rows:
    if frame.empty:
        return np.empty((0, 6))
    frame = frame.dropna(subset=["Open", "High", "Low", "Close"])
    index = frame.index
    if timeframe == "1d":  # stamped at midnight of the exchange's zone; a trade date is 00:00 UTC here
        index = index.tz_localize(None).tz_localize("UTC")
    starts = index.tz_convert("UTC").as_unit("ms").asi8.astype(np.float64)
    columns = [frame[name].to_numpy(dtype=np.float64) for name in ("Open", "High", "Low", "Close", "Volume")]
    return np.column_stack([starts, *columns])


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def _short(error: Exception) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:200]
