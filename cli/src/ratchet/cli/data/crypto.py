"""Crypto history through ccxt, without keys."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import numpy as np

from ratchet.cli.data.cache import Rows
from ratchet.cli.data.sources import NoSuchSymbolError, SourceError, SourceUnavailableError, Span
from ratchet.core.timeframes import timeframe_ns

DEFAULT_EXCHANGES = ("binance", "coinbase", "kraken")
_ATTEMPTS = 4
_FIRST_PAUSE_S = 0.5
_NS_PER_MS = 1_000_000
T = TypeVar("T")


class CcxtSource:
    """One exchange. ccxt's own throttle keeps its rate limit; transport errors are retried with back-off."""

    def __init__(
        self, exchange_id: str, *, timeout_s: float = 10.0, urls: Mapping[str, str] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        """`urls` replaces API addresses by their ccxt key, such as {"public": "http://127.0.0.1:1/api/v3"}."""
        import ccxt

        if exchange_id not in ccxt.exchanges:
            raise SourceError(
                f"exchange {exchange_id!r} is unknown to ccxt; try {', '.join(DEFAULT_EXCHANGES)}"
            )
        options = {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False}
        self._exchange: Any = getattr(ccxt, exchange_id)(
            {"timeout": int(timeout_s * 1000), "enableRateLimit": True, "options": options}
        )
        if urls:
            self._exchange.urls["api"] = {**self._exchange.urls["api"], **urls}
        self._sleep = sleep
        self.name = exchange_id

    def pages(self, symbol: str, timeframe: str, span: Span) -> Iterator[Rows]:
        """Yield the bars of a span; a pair in USDT is looked for in USD where the exchange has no USDT."""
        market = self._market(symbol)
        if timeframe not in (self._exchange.timeframes or {}):
            allowed = ", ".join(self._exchange.timeframes or {})
            raise SourceError(f"{self.name} has no bars of {timeframe}; it has {allowed}")
        step = timeframe_ns(timeframe) // _NS_PER_MS
        limit = (
            int(self._exchange.features["spot"]["fetchOHLCV"]["limit"]) if self._exchange.features else 500
        )
        since = span.since
        while since < span.until:
            rows = self._page(market, timeframe, since, limit)
            rows = rows[(rows[:, 0] >= since) & (rows[:, 0] < span.until)]
            if len(rows):
                yield rows
                since = int(rows[-1, 0]) + step
            else:
                since += limit * step  # before the listing, or a pause longer than a page

    def _market(self, symbol: str) -> str:
        markets = self._retrying(self._exchange.load_markets)
        base, _, quote = symbol.partition("/")
        candidates = (symbol, f"{base}/USD") if quote == "USDT" else (symbol,)
        for candidate in candidates:
            if candidate in markets:
                return candidate
        raise NoSuchSymbolError(f"{self.name} has no market {symbol}")

    def _page(self, market: str, timeframe: str, since: int, limit: int) -> Rows:
        bars = self._retrying(lambda: self._exchange.fetch_ohlcv(market, timeframe, since, limit))
        if not bars:
            return np.empty((0, 6))
        return np.array(bars, dtype=np.float64)[:, :6]

    def _retrying(self, call: Callable[[], T]) -> T:
        import ccxt

        for attempt in range(_ATTEMPTS):
            try:
                return call()
            except ccxt.BadSymbol as error:
                raise NoSuchSymbolError(f"{self.name}: {error}") from None
            except ccxt.OperationFailed as error:
                if attempt == _ATTEMPTS - 1 or _is_blocked(error):
                    raise SourceUnavailableError(f"{self.name}: {_short(error)}") from None
                self._sleep(_FIRST_PAUSE_S * 2**attempt)
            except ccxt.BaseError as error:
                raise SourceUnavailableError(f"{self.name}: {_short(error)}") from None
        raise SourceUnavailableError(f"{self.name}: no answer")


def _is_blocked(error: Exception) -> bool:
    # HTTP 451 and 403: this exchange does not serve this country; asking again does not help.
    return any(f" {status} " in f" {error} " for status in (451, 403))


def _short(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text[:200]
